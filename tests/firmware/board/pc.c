/* What harness.c needs, on a PC. */
#include <stdint.h>
#include <stdio.h>

void put(const char *text) { fputs(text, stdout); }
uint32_t ticks(void) { return 0; }
uint32_t stack_used(void) { return 0; }
