// The softmax of attention_s16, of four queries, a lane each: scores become integer weights in
// their place, 2^((score - largest) * factor) * limit rounded half to even, as pairs of tokens. It
// takes eight tokens at a time, because the computation of one is a long chain, and a processor
// looks ahead only so far. V8 13, which keeps the order of the program, neither gains nor loses by
// it.

import { POWER_TABLE, powerV } from '../../lib/power'
import { MAGIC_BITS } from '../../lib/vector'
import { lowHalves, magic } from './pairs'

/**
 * From four of [token][8] float32 to [pair of tokens][8][2] int16, with zeros for a last token that
 * does not exist, and 1 / sum of each query.
 */
export function weigh(x: usize, tokens: usize, largest: usize, factors: usize, limit: f32, inverses: usize): void {
  const m = v128.load(largest)
  const f = v128.load(factors)
  const l = f32x4.splat(limit)
  const rounding = magic()
  const least = v128.load(POWER_TABLE)
  const c4 = v128.load(POWER_TABLE, 16)
  const c3 = v128.load(POWER_TABLE, 32)
  const c2 = v128.load(POWER_TABLE, 48)
  const c1 = v128.load(POWER_TABLE, 64)
  const c0 = v128.load(POWER_TABLE, 80)
  let sum = i32x4.splat(0)
  let to = x
  const end = x + tokens * 32
  for (const eights = x + (tokens & ~7) * 32; x < eights; x += 256) {
    const p0 = weight(v128.load(x), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p1 = weight(v128.load(x, 32), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p2 = weight(v128.load(x, 64), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p3 = weight(v128.load(x, 96), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p4 = weight(v128.load(x, 128), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p5 = weight(v128.load(x, 160), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p6 = weight(v128.load(x, 192), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    const p7 = weight(v128.load(x, 224), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    v128.store(to, lowHalves(p0, p1))
    v128.store(to, lowHalves(p2, p3), 32)
    v128.store(to, lowHalves(p4, p5), 64)
    v128.store(to, lowHalves(p6, p7), 96)
    sum = i32x4.add(sum, i32x4.add(p0, p1))
    sum = i32x4.add(sum, i32x4.add(p2, p3))
    sum = i32x4.add(sum, i32x4.add(p4, p5))
    sum = i32x4.add(sum, i32x4.add(p6, p7))
    to += 128
  }
  for (; x < end; x += 64) {
    const even = weight(v128.load(x), m, f, least, rounding, c4, c3, c2, c1, c0, l)
    sum = i32x4.add(sum, even)
    let odd = i32x4.splat(0)
    if (x + 32 < end) {
      odd = weight(v128.load(x, 32), m, f, least, rounding, c4, c3, c2, c1, c0, l)
      sum = i32x4.add(sum, odd)
    }
    v128.store(to, lowHalves(even, odd))
    to += 32
  }
  // Each addend was MAGIC_BITS more than the weight.
  sum = i32x4.sub(sum, i32x4.splat(<i32>tokens * MAGIC_BITS))
  v128.store(inverses, f32x4.div(f32x4.splat(1), f32x4.convert_i32x4_s(sum)))
}

/** A weight plus MAGIC. */
// @ts-ignore: decorator
@inline
function weight(
  score: v128,
  m: v128,
  f: v128,
  least: v128,
  rounding: v128,
  c4: v128,
  c3: v128,
  c2: v128,
  c1: v128,
  c0: v128,
  l: v128,
): v128 {
  const e = powerV(f32x4.mul(f32x4.sub(score, m), f), least, rounding, c4, c3, c2, c1, c0)
  return f32x4.add(f32x4.mul(e, l), rounding)
}
