/* The program of the network, and the functions of ocellus_model.h that run it. */
#include "ocellus_model.h"

#include "golden.h"
#include "ocellus_data.h"
#include "ocellus_rt.h"

#define OCELLUS_IDLE_ 0xffffffffu /* nothing was started */
#define OCELLUS_DONE_ 0xfffffffeu /* results are there */

/*
 * One instruction after the other: opcode and number of words, a mask of the words that are
 * addresses in the arena, a mask of those in flash, and the words. Offset 0 of the arena holds the
 * instruction that runs.
 */
const uint32_t ocellus_program[OCELLUS_PROGRAM_WORDS_] = {
@PROGRAM@};

/* The picture of the self-test. */
const uint8_t ocellus_golden_frame[OCELLUS_GOLDEN_FRAME_BYTES_] = {
@GOLDEN@};

#ifdef OC_BASED
#define OC_FLASH_ OCELLUS_ARENA_RAM_
#define OC_TABLES_ (OC_FLASH_ + OCELLUS_WEIGHTS_BYTES)
#define OC_FRAME_ ((OC_TABLES_ + OCELLUS_TABLES_BYTES_ + 15u) / 16u * 16u)
#define OC_INSTRUCTION_ 0u
#else
#define OC_INSTRUCTION_ ((u32)(uintptr_t)t->arena)
#endif

int32_t ocellus_init(ocellus_t *t, void *arena, size_t bytes) {
  if (t == NULL) return OCELLUS_E_STATE;
  t->arena = NULL;
  t->at = OCELLUS_IDLE_;
  if (arena == NULL || bytes < OCELLUS_ARENA_BYTES || (uintptr_t)arena % OCELLUS_ARENA_ALIGN != 0)
    return OCELLUS_E_ARENA;
  t->arena = (uint8_t *)arena;
  t->frame = NULL;
#ifdef OC_BASED
  memcpy(t->arena + OC_FLASH_, ocellus_weights, OCELLUS_WEIGHTS_BYTES);
  memcpy(t->arena + OC_TABLES_, ocellus_tables, OCELLUS_TABLES_BYTES_);
#endif
  return 0;
}

static void start(ocellus_t *t, const uint8_t *pixels, size_t bytes) {
#ifdef OC_BASED
  memcpy(t->arena + OC_FRAME_, pixels, bytes);
#else
  (void)bytes;
#endif
  t->frame = pixels;
  t->at = 0;
}

int32_t ocellus_start(ocellus_t *t, const void *pixels, size_t bytes) {
  if (t == NULL || t->arena == NULL) return OCELLUS_E_STATE;
  if (pixels == NULL || bytes < OCELLUS_FRAME_BYTES) return OCELLUS_E_FRAME;
  start(t, (const uint8_t *)pixels, OCELLUS_FRAME_BYTES);
  return 0;
}

/* Brings the next instruction to the arena, with its addresses. */
static u32 fetch(ocellus_t *t) {
  const uint32_t *row = ocellus_program + t->at;
  const u32 words = row[0] >> 8;
  u32 *to = (u32 *)(void *)t->arena;
#ifdef OC_BASED
  const u32 arena = 0;
  const u32 flash = OC_FLASH_;
  const u32 frame = OC_FRAME_;
#else
  const u32 arena = (u32)(uintptr_t)t->arena;
  const u32 flash = (u32)(uintptr_t)ocellus_weights;
  const u32 frame = (u32)(uintptr_t)t->frame;
#endif
  u32 n;
  for (n = 0; n < 32; n++) {
    u32 word = n < words ? row[3 + n] : 0;
    if (row[1] >> n & 1u) word += arena;
    if (row[2] >> n & 1u) word += flash;
    to[n] = word;
  }
  if (to[0] == OCELLUS_PREPROCESS_) to[1] = frame;
  t->at += 3 + words;
  return to[0];
}

int32_t ocellus_step(ocellus_t *t) {
  if (t == NULL || t->arena == NULL || t->at == OCELLUS_IDLE_) return OCELLUS_E_STATE;
  if (t->at == OCELLUS_DONE_) return 0;
  fetch(t);
  ocellus_execute(t->arena, OC_INSTRUCTION_);
  if (t->at < OCELLUS_PROGRAM_WORDS_) return 1;
  t->at = OCELLUS_DONE_;
  return 0;
}

static double from(double low, double x) { return x > low ? x : low; }
static double until(double high, double x) { return x < high ? x : high; }

int32_t ocellus_results(const ocellus_t *t, ocellus_detection *out, int32_t most) {
  const uint8_t *list;
  u32 kept, n;
  if (t == NULL || t->arena == NULL || t->at != OCELLUS_DONE_) return OCELLUS_E_STATE;
  list = t->arena + OCELLUS_LIST_;
  kept = oc_ld32(list + 4);
  for (n = 0; n < kept && out != NULL && (int32_t)n < most; n++) {
    const uint8_t *entry = list + OCELLUS_LIST_HEADER_ + OCELLUS_LIST_ENTRY_ * n;
    out[n].xmin = from(0.0, oc_ldf64(entry));
    out[n].ymin = from(0.0, oc_ldf64(entry + 8));
    out[n].xmax = until((double)OCELLUS_FRAME_WIDTH, oc_ldf64(entry + 16));
    out[n].ymax = until((double)OCELLUS_FRAME_HEIGHT, oc_ldf64(entry + 24));
    out[n].score = oc_ldf64(entry + 32);
    out[n].class_id = (int32_t)oc_ld32(entry + 40);
  }
  return (int32_t)kept;
}

int32_t ocellus_detect(ocellus_t *t, const void *pixels, size_t bytes, ocellus_detection *out, int32_t most) {
  int32_t status = ocellus_start(t, pixels, bytes);
  if (status != 0) return status;
  do status = ocellus_step(t);
  while (status > 0);
  return status < 0 ? status : ocellus_results(t, out, most);
}

/* CRC-32 (IEEE 802.3), four bits at a time. */
static u32 crc(u32 sum, const void *data, u32 bytes) {
  static const u32 table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
                                0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
  const uint8_t *p = (const uint8_t *)data;
  for (; bytes > 0; bytes--) {
    sum ^= *p++;
    sum = sum >> 4 ^ table[sum & 15u];
    sum = sum >> 4 ^ table[sum & 15u];
  }
  return sum;
}

/* Of all that the network gives: its outputs, and the objects that were found. */
static u32 crc_results(const ocellus_t *t) {
  const uint8_t *list = t->arena + OCELLUS_LIST_;
  const u32 kept = oc_ld32(list + 4);
  u32 sum = 0xffffffffu;
  u32 n, p;
  for (n = 0; n < OCELLUS_OUTPUTS; n++) {
    const ocellus_output_place *place = &ocellus_outputs[n];
    for (p = 0; p < place->pixels; p++)
      sum = crc(sum, t->arena + place->offset + p * place->stride, place->bytes);
  }
  for (n = 0; n < kept; n++) sum = crc(sum, list + OCELLUS_LIST_HEADER_ + OCELLUS_LIST_ENTRY_ * n, 44);
  return ~sum;
}

int32_t ocellus_selftest(ocellus_t *t) {
  u32 sum = 0xffffffffu;
  if (t == NULL || t->arena == NULL) return OCELLUS_E_STATE;
  sum = crc(sum, ocellus_weights, OCELLUS_WEIGHTS_BYTES);
  sum = crc(sum, ocellus_program, sizeof ocellus_program);
  sum = crc(sum, ocellus_golden_frame, sizeof ocellus_golden_frame);
  if (~sum != OCELLUS_GOLDEN_FLASH) return OCELLUS_E_SELFTEST;
  start(t, ocellus_golden_frame, sizeof ocellus_golden_frame);
  while (t->at < OCELLUS_PROGRAM_WORDS_) {
    if (fetch(t) == OCELLUS_PREPROCESS_) {
      u32 *words = (u32 *)(void *)t->arena;
      words[OCELLUS_PREPROCESS_WIDTH_] = OCELLUS_GOLDEN_WIDTH_;
      words[OCELLUS_PREPROCESS_HEIGHT_] = OCELLUS_GOLDEN_HEIGHT_;
    }
    ocellus_execute(t->arena, OC_INSTRUCTION_);
  }
  t->at = OCELLUS_DONE_;
  sum = crc_results(t);
  t->at = OCELLUS_IDLE_;
  return sum == OCELLUS_GOLDEN_RESULTS ? 0 : OCELLUS_E_SELFTEST;
}
