/*
 * What harness.c and the model need on a bare RV32 core under qemu's user mode: Debian's compiler for
 * it comes without a C library. Integer code only, so that nothing rests on another library's float.
 */
#include <stddef.h>
#include <stdint.h>

int main(void);

static long call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

void put(const char *text) {
  long n = 0;
  while (text[n]) n++;
  call(64, 1, (long)text, n);
}

uint32_t ticks(void) { return 0; }
uint32_t stack_used(void) { return 0; }

void _start(void) { call(93, main(), 0, 0); }

void *memcpy(void *to, const void *from, size_t n) {
  uint8_t *d = to;
  const uint8_t *s = from;
  while (n--) *d++ = *s++;
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  uint8_t *d = to;
  const uint8_t *s = from;
  if (d < s) return memcpy(to, from, n);
  while (n--) d[n] = s[n];
  return to;
}

void *memset(void *to, int value, size_t n) {
  uint8_t *d = to;
  while (n--) *d++ = (uint8_t)value;
  return to;
}

float floorf(float x) {
  float whole;
  if (!(x > -8388608.0f && x < 8388608.0f)) return x;
  whole = (float)(int32_t)x;
  return whole > x ? whole - 1.0f : whole;
}

float nearbyintf(float x) {
  const float big = x < 0 ? -8388608.0f : 8388608.0f;
  volatile float sum;
  if (!(x > -8388608.0f && x < 8388608.0f)) return x;
  sum = x + big;
  return sum - big;
}

double nearbyint(double x) {
  const double big = x < 0 ? -4503599627370496.0 : 4503599627370496.0;
  volatile double sum;
  if (!(x > -4503599627370496.0 && x < 4503599627370496.0)) return x;
  sum = x + big;
  return sum - big;
}

double floor(double x) {
  double whole = nearbyint(x);
  return whole > x ? whole - 1.0 : whole;
}
