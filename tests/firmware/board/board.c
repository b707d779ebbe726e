/*
 * What harness.c needs on a board that qemu has: vectors, output by semihosting, and a count of
 * ticks of SysTick. `-icount shift=0` makes a tick a fixed number of instructions, which `calibrate`
 * finds by a loop of known length.
 */
#include <stdint.h>

extern uint32_t stack_low[], stack_top[], bss_start[], bss_end[];
int main(void);

#define SYSTICK ((volatile uint32_t *)0xe000e010u)

static volatile uint32_t wraps;

static int host(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void put(const char *text) { host(4, text); }

static void leave(uint32_t code) {
  static uint32_t block[2];
  block[0] = 0x20026;
  block[1] = code;
  host(0x20, block);
  for (;;) {
  }
}

static void fault(void) {
  put("fault\n");
  leave(1);
}

static void tick(void) { wraps++; }

static uint32_t now(void) {
  uint32_t before, count;
  do {
    before = wraps;
    count = SYSTICK[2];
  } while (before != wraps);
  return before * 0x1000000u + (0xffffffu - count);
}

/* Thousandths of an instruction a tick. */
static uint32_t scale;

static void spin(uint32_t turns) {
  __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(turns) : : "cc");
}

static void calibrate(void) {
  const uint32_t turns = 4000000;
  uint32_t start;
  /* The first read counts only after the counter was loaded. */
  while (SYSTICK[2] == 0) {
  }
  start = now();
  spin(turns);
  scale = (uint32_t)(2000ull * turns / (now() - start));
}

/* In instructions, so far as `scale` is exact. */
uint32_t ticks(void) { return (uint32_t)((uint64_t)now() * scale / 1000u); }

static const uint32_t paint = 0xa5a5a5a5u;

uint32_t stack_used(void) {
  const uint32_t *p = stack_low;
  while (*p == paint) p++;
  return (uint32_t)((const uint8_t *)stack_top - (const uint8_t *)p);
}

void reset(void) {
  uint32_t *p;
  const uint32_t *here = (const uint32_t *)__builtin_frame_address(0);
  /* Coprocessors 10 and 11: the FPU, and Helium. */
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
  __asm__ volatile("dsb\n isb");
  for (p = bss_start; p < bss_end; p++) *p = 0;
  for (p = stack_low; p < here - 32; p++) *p = paint;
  SYSTICK[1] = 0xffffff;
  SYSTICK[2] = 0;
  SYSTICK[0] = 7;
  calibrate();
  main();
  leave(0);
}

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
    0,         0,             0,             (void *)fault, (void *)fault, 0,             (void *)fault, (void *)tick};
