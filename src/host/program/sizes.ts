/**
 * Sizes that the host plans memory by and the kernels cut it by. The engine has them from
 * assembly/lib/instructions.ts as SIZE_IN_CAPITALS: those of `sizes` as usize, those of `numbers`
 * as i32.
 */

export const instructionWords = 32

/**
 * The last word of every instruction holds the bytes from one thread's scratch to the next one's.
 * No field lies there.
 */
export const scratchStrideWord = instructionWords - 1

/** A Winograd kernel's work: results of one pass, of both passes, and the places of four tiles. */
const passBytes = 36 * 16
const bothBytes = 36 * 64
const placesBytes = 64
/** G' w G'^T of one output channel and eight input channels, and the pass before it. */
const filterBytes = (36 + 18) * 16

export const sizes = {
  instructionBytes: instructionWords * 4,
  scratchStrideOffset: scratchStrideWord * 4,
  /** Behind a block of memory, for vector loads that begin in it. */
  slackBytes: 64,

  /** Eight channels of four pixels or tiles, as the products leave them: [4][8] int32. */
  tileBytes: 128,
  /** Behind gathered fields, for stores that begin in them. */
  gatherSlackBytes: 64,

  winogradPassBytes: passBytes,
  winogradBothBytes: bothBytes,
  winogradWorkBytes: passBytes + bothBytes + placesBytes,
  /** How an output is cut into tiles: assembly/kernels/winograd/tiles.ts. */
  tilingBytes: 64,
  /** Behind a padded patch. */
  patchSlackBytes: 16,
  /**
   * From the sums of one group of tiles to the next, so that neither displaces the other from the
   * cache.
   */
  sumsGapBytes: 192,
  /**
   * The same from the transformed tiles of one tap to the next, and from the filters of one column
   * to the next.
   */
  tapGapBytes: 64,
  /** What the sums of a panel start from. */
  startBytes: 64,

  /** What pack_winograd_s8 works in, and the same for each thread that takes part. */
  packingWorkBytes: filterBytes,
  packingStrideBytes: Math.ceil(filterBytes / 64) * 64,

  /**
   * Pairs of depth of a panel that linear/pairs.ts widens at a time, and the bytes that they take.
   */
  linearPairs: 512,
  linearPanelBytes: 512 * 32,
  /**
   * The same of linear/seven.ts: of large layers, and of small ones, which should need little
   * memory.
   */
  sevenLongPairs: 256,
  sevenShortPairs: 64,
  /** From one panel to the next, so that they do not compete for the same lines of the cache. */
  sevenGapBytes: 64,
  /** Panels that are widened at a time. */
  sevenPanels: 14,
} as const

export const numbers = {
  /** The version of the contract between host and engine. */
  programVersion: 2,
  /** The largest int8 of linear_s8, of 8 bits and of 7. */
  wideLimit: 127,
  narrowLimit: 63,
  /** What relaxed kernels add to weights of 7 bits, so that none is negative. */
  weightOffset: 64,
} as const
