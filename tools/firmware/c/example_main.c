/*
 * Runs the self-test, then the network on one frame. On a board, `frame` is what the camera's DMA
 * has filled; here it is read from a file if one is named, in the format that was packed.
 */
#include <stdio.h>

#include "../ocellus_model.h"

/* On a microcontroller: in fast RAM, and nothing else may write to it while a frame is being seen. */
static union {
  uint8_t bytes[OCELLUS_ARENA_BYTES];
  double aligned;
  uint64_t words[2];
} arena
#if defined(__GNUC__)
    __attribute__((aligned(OCELLUS_ARENA_ALIGN)))
#endif
    ;
static uint8_t frame[OCELLUS_FRAME_BYTES];

int main(int argc, char **argv) {
  static const char *const labels[] = OCELLUS_LABELS;
  ocellus_detection found[10];
  ocellus_t t;
  int32_t count, n;
  if (ocellus_init(&t, arena.bytes, sizeof arena.bytes) != 0) return puts("the arena is not right"), 1;
  if (ocellus_selftest(&t) != 0) return puts("the self-test failed"), 1;
  puts("self-test passed");
  if (argc > 1) {
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL || fread(frame, 1, sizeof frame, file) != sizeof frame) return puts("no such frame"), 1;
    fclose(file);
  }
  count = ocellus_detect(&t, frame, sizeof frame, found, 10);
  for (n = 0; n < count && n < 10; n++)
    printf("%s %.17g %.17g %.17g %.17g %.17g\n", labels[found[n].class_id], found[n].score, found[n].xmin,
           found[n].ymin, found[n].xmax, found[n].ymax);
  return count < 0;
}
