/*
 * Runs the self-test and three frames, and prints a line for each with the CRC-32 of the outputs and
 * of the detections, so that a test can compare them with the host's. On a PC it prints to stdout,
 * on a board (board.c) by semihosting.
 */
#include <stddef.h>

#include "frames.h"
#include "ocellus_data.h"
#include "ocellus_model.h"

void put(const char *text);
uint32_t ticks(void);
uint32_t stack_used(void);

static uint8_t arena[OCELLUS_ARENA_BYTES] __attribute__((aligned(OCELLUS_ARENA_ALIGN)));

static uint32_t crc(uint32_t sum, const void *data, size_t bytes) {
  const uint8_t *p = (const uint8_t *)data;
  int bit;
  for (; bytes > 0; bytes--) {
    sum ^= *p++;
    for (bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
  }
  return sum;
}

static void put_number(const char *name, uint32_t value) {
  char text[12];
  int n;
  for (n = 0; n < 8; n++) text[n] = "0123456789abcdef"[value >> (28 - 4 * n) & 15];
  text[8] = ' ';
  text[9] = 0;
  put(name);
  put(text);
}

static uint32_t crc_outputs(void) {
  uint32_t sum = 0xffffffffu;
  uint32_t n, p;
  for (n = 0; n < OCELLUS_OUTPUTS; n++)
    for (p = 0; p < ocellus_outputs[n].pixels; p++)
      sum = crc(sum, arena + ocellus_outputs[n].offset + p * ocellus_outputs[n].stride, ocellus_outputs[n].bytes);
  return ~sum;
}

static uint32_t crc_flash(void) {
  return crc(crc(0, ocellus_weights, sizeof ocellus_weights), ocellus_program, sizeof ocellus_program);
}

int main(void) {
  static ocellus_detection found[64];
  const uint32_t flash = crc_flash();
  ocellus_t t;
  int photo;
  put_number("init ", (uint32_t)ocellus_init(&t, arena, sizeof arena));
  put_number("selftest ", (uint32_t)ocellus_selftest(&t));
  put("\n");
  for (photo = 0; photo < FRAMES; photo++) {
    uint32_t sum = 0xffffffffu;
    uint32_t start = ticks();
    int32_t n, count = ocellus_detect(&t, frames[photo], sizeof frames[photo], found, 64);
    uint32_t took = ticks() - start;
    for (n = 0; n < count; n++) sum = crc(crc(sum, &found[n], 40), &found[n].class_id, 4);
    put_number("outputs ", crc_outputs());
    put_number("count ", (uint32_t)count);
    put_number("found ", ~sum);
    put_number("took ", took);
    put("\n");
  }
  put_number("flash ", flash == crc_flash());
  put_number("stack ", stack_used());
  put("\nend\n");
  return 0;
}
