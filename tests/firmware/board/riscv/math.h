float floorf(float);
double floor(double);
float nearbyintf(float);
double nearbyint(double);
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define sqrt __builtin_sqrt
#define fabs __builtin_fabs
#define fabsf __builtin_fabsf
