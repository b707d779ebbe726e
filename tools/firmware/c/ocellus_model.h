/*
 * @TITLE@
 * Written by `ocellus pack`; its docs/firmware.md shows how to use it, MEMORY.md beside this file what
 * it takes.
 */
#ifndef OCELLUS_MODEL_H
#define OCELLUS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

@MACROS@
/* Negative results of the functions below. */
#define OCELLUS_E_ARENA (-1)    /* the arena is missing, too small or not aligned to OCELLUS_ARENA_ALIGN */
#define OCELLUS_E_FRAME (-2)    /* the frame is missing or has not OCELLUS_FRAME_BYTES */
#define OCELLUS_E_STATE (-3)    /* ocellus_init, or what must come before, was not called */
#define OCELLUS_E_SELFTEST (-4) /* flash is not what was packed, or this build computes otherwise */

/* An object: corners in pixels of the frame, a score of 0 to 1, an index of OCELLUS_LABELS. */
typedef struct {
  double xmin, ymin, xmax, ymax, score;
  int32_t class_id;
} ocellus_detection;

/* All of its state, and nothing that a caller need look at. There are no globals. */
typedef struct {
  uint8_t *arena;
  const uint8_t *frame;
  uint32_t at; /* the next instruction, or OCELLUS_IDLE_ */
} ocellus_t;

/*
 * Takes `bytes` bytes at `arena`, OCELLUS_ARENA_BYTES at least, until the last call. Returns 0 or
 * OCELLUS_E_ARENA; then nothing was written.
 */
int32_t ocellus_init(ocellus_t *t, void *arena, size_t bytes);

/*
 * The objects in a frame, the surest first: writes `most` of them at most, and returns how many were
 * found, or OCELLUS_E_STATE or OCELLUS_E_FRAME. The frame must not change meanwhile.
 */
int32_t ocellus_detect(ocellus_t *t, const void *pixels, size_t bytes, ocellus_detection *out, int32_t most);

/*
 * The same in steps, so that a watchdog or other tasks get their turn: start, then step until it
 * returns 0 (1: there is more), then results, which is what ocellus_detect returns.
 */
int32_t ocellus_start(ocellus_t *t, const void *pixels, size_t bytes);
int32_t ocellus_step(ocellus_t *t);
int32_t ocellus_results(const ocellus_t *t, ocellus_detection *out, int32_t most);

/*
 * Whether flash holds what was packed, bit by bit, and this build computes what Ocellus computes, to
 * the byte, for a small frame of its own. Returns 0 or OCELLUS_E_SELFTEST. Takes a little longer than
 * ocellus_detect.
 */
int32_t ocellus_selftest(ocellus_t *t);

#ifdef __cplusplus
}
#endif

#endif
