/*
 * The errors of ocellus_model.h, and a self-test that must fail for each flipped bit of a weight:
 * `ocellus_weights` is no constant here (the test compiles it so).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocellus_model.h"

extern uint32_t ocellus_weights[];

static uint8_t arena[OCELLUS_ARENA_BYTES + 64] __attribute__((aligned(64)));
static uint8_t frame[OCELLUS_FRAME_BYTES];

static int is_untouched(void) {
  size_t n;
  for (n = 0; n < sizeof arena; n++)
    if (arena[n] != 0x5a) return 0;
  return 1;
}

int main(int argc, char **argv) {
  const int flips = argc > 1 ? atoi(argv[1]) : 0;
  const uint32_t words = (uint32_t)atol(argv[2]);
  ocellus_detection out[2];
  ocellus_t t;
  uint32_t state = 1;
  int n, caught = 0;
  memset(arena, 0x5a, sizeof arena);
  printf("short %d\n", ocellus_init(&t, arena, OCELLUS_ARENA_BYTES - 1));
  printf("misaligned %d\n", ocellus_init(&t, arena + 1, OCELLUS_ARENA_BYTES));
  printf("missing %d\n", ocellus_init(&t, NULL, OCELLUS_ARENA_BYTES));
  printf("before init %d\n", ocellus_detect(&t, frame, sizeof frame, out, 2));
  printf("untouched %d\n", is_untouched());
  printf("init %d\n", ocellus_init(&t, arena, OCELLUS_ARENA_BYTES));
  printf("step before start %d\n", ocellus_step(&t));
  printf("results before start %d\n", ocellus_results(&t, out, 2));
  printf("short frame %d\n", ocellus_detect(&t, frame, sizeof frame - 1, out, 2));
  printf("missing frame %d\n", ocellus_start(&t, NULL, sizeof frame));
  printf("selftest %d\n", ocellus_selftest(&t));
  printf("start %d\n", ocellus_start(&t, frame, sizeof frame));
  for (n = 1; ocellus_step(&t) > 0; n++) {
  }
  printf("steps %s\n", n > 10 ? "many" : "few");
  printf("results %d\n", ocellus_results(&t, NULL, 0) >= 0);
  for (n = 0; n < flips; n++) {
    const uint32_t word = (state = state * 1664525u + 1013904223u) % words;
    const uint32_t bit = 1u << (state >> 27);
    ocellus_weights[word] ^= bit;
    caught += ocellus_selftest(&t) == OCELLUS_E_SELFTEST;
    ocellus_weights[word] ^= bit;
  }
  printf("caught %d of %d\n", caught, flips);
  printf("selftest %d\n", ocellus_selftest(&t));
  return 0;
}
