// Packs weights of linear_s8, int8 [outputChannels][depth], to panels of 8 channels: [panel][pair
// of depth][8][2], zero padded, or for products of quads [panel][quad of depth][8][4], plus 64,
// padded to a multiple of 8 of depth. A large network is packed while it is loaded, so whole panels
// are transposed in registers, 16 values of depth at a time.

import { NARROW_LIMIT, WEIGHT_OFFSET } from '../../lib/instructions'
import { RELAXED, SIMD } from '../../lib/isa'
import { firstPairs, lastPairs, turn } from '../../lib/turn'

/** Bytes of a panel of weights. */
export function panelBytesOf(depth: i32, limit: i32): usize {
  return <usize>(RELAXED && limit == NARROW_LIMIT ? (depth + 7) & ~7 : depth + (depth & 1)) * 8
}

/** Relaxed builds take products of quads for a `limit` of 63. */
export function pack_linear_s8(source: usize, target: usize, outputChannels: i32, depth: i32, limit: i32): void {
  const quads = RELAXED && limit == NARROW_LIMIT
  const panelBytes = panelBytesOf(depth, limit)
  for (let o = 0; o < outputChannels; o += 8) {
    const turned = SIMD && o + 8 <= outputChannels ? depth & ~15 : 0
    if (quads) turnQuads(source, target, <usize>depth, turned)
    else turnPairs(source, target, <usize>depth, turned)
    for (let c = 0; c < 8; c++) {
      const to = target + <usize>turned * 8 + <usize>c * (quads ? 4 : 2)
      const real = o + c < outputChannels ? depth - turned : 0
      const bytes = panelBytes - <usize>turned * 8
      const from = source + <usize>c * <usize>depth + <usize>turned
      if (quads) packQuads(from, to, real, bytes)
      else packPairs(from, to, real, bytes)
    }
    source += (<usize>depth) << 3
    target += panelBytes
  }
}

/**
 * Transposes the first `count` values, a multiple of 16, of eight channels: eight pairs of each at
 * a time.
 */
function turnPairs(from: usize, to: usize, depth: usize, count: i32): void {
  if (SIMD) {
    const far = depth << 2
    for (const end = from + <usize>count; from < end; from += 16) {
      const b = from + depth
      const c = b + depth
      const d = c + depth
      const r0 = v128.load(from)
      const r1 = v128.load(b)
      const r2 = v128.load(c)
      const r3 = v128.load(d)
      const r4 = v128.load(from + far)
      const r5 = v128.load(b + far)
      const r6 = v128.load(c + far)
      const r7 = v128.load(d + far)
      turn(to, firstPairs(r0, r1), firstPairs(r2, r3), firstPairs(r4, r5), firstPairs(r6, r7), 16)
      turn(to + 64, lastPairs(r0, r1), lastPairs(r2, r3), lastPairs(r4, r5), lastPairs(r6, r7), 16)
      to += 128
    }
  }
}

/** The same in quads, with 64 added. */
function turnQuads(from: usize, to: usize, depth: usize, count: i32): void {
  if (SIMD) {
    const far = depth << 2
    for (const end = from + <usize>count; from < end; from += 16) {
      const b = from + depth
      const c = b + depth
      const d = c + depth
      turn(to, offset(from), offset(b), offset(c), offset(d), 32)
      turn(to + 16, offset(from + far), offset(b + far), offset(c + far), offset(d + far), 32)
      to += 128
    }
  }
}

// @ts-ignore: decorator
@inline
function offset(from: usize): v128 {
  return i8x16.add(v128.load(from), i8x16.splat(<i8>WEIGHT_OFFSET))
}

/**
 * Stores the `depth` weights of one channel to every eighth int16, and zeros up to the panel's end.
 */
function packPairs(from: usize, to: usize, depth: i32, panelBytes: usize): void {
  const end = to + panelBytes
  for (let k = 1; k < depth; k += 2) {
    store<u16>(to, load<u16>(from))
    from += 2
    to += 16
  }
  if (depth & 1) {
    store<u16>(to, load<u8>(from))
    to += 16
  }
  for (; to < end; to += 16) store<u16>(to, 0)
}

/**
 * The same to every eighth int32, with 64 added to four weights at once, without a carry from one
 * to the next.
 */
function packQuads(from: usize, to: usize, depth: i32, panelBytes: usize): void {
  const end = to + panelBytes
  for (let k = 3; k < depth; k += 4) {
    const w = load<u32>(from)
    store<u32>(to, ((w & 0x7f7f7f7f) + 0x40404040) ^ (w & 0x80808080))
    from += 4
    to += 32
  }
  if (depth & 3) {
    store<u32>(to, 0x40404040)
    for (let n: usize = 0; n < <usize>(depth & 3); n++) store<i8>(to + n, <i32>load<i8>(from + n) + WEIGHT_OFFSET)
    to += 32
  }
  for (; to < end; to += 32) store<u32>(to, 0x40404040)
}
