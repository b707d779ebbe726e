/**
 * Elementary functions of additions, multiplications, divisions and square roots alone, which IEEE
 * 754 fixes to the bit: the same on every platform, where Math.log and its like may differ in the
 * last place. Accurate to about 1e-15.
 */

/** The natural logarithm of a positive normal number. */
export function log(x: number): number {
  let exponent = 0
  let m = x
  while (m > Math.SQRT2) {
    m /= 2
    exponent++
  }
  while (m < Math.SQRT1_2) {
    m *= 2
    exponent--
  }
  // ln m = 2 artanh r, |r| < 0.172
  const r = (m - 1) / (m + 1)
  const square = r * r
  let sum = 0
  for (let n = 23; n >= 1; n -= 2) sum = sum * square + 1 / n
  return exponent * Math.LN2 + 2 * r * sum
}

/** The sine, for 0 to pi. */
export function sin(x: number): number {
  // From half a right angle on the series would lose digits: sin x = 2 sin(x/2) cos(x/2).
  const half = x / 2
  const square = half * half
  let sine = 0
  let cosine = 0
  for (let n = 13; n >= 0; n--) {
    cosine = 1 - (square / ((2 * n + 1) * (2 * n + 2))) * cosine
    sine = 1 - (square / ((2 * n + 2) * (2 * n + 3))) * sine
  }
  return 2 * half * sine * cosine
}

/** The angle whose cosine is given, 0 to pi. */
export function acos(cosine: number): number {
  const c = Math.max(-1, Math.min(1, cosine))
  if (c === -1) return Math.PI
  // tan(x / 2), then thrice tan(x / 2) from tan x, until the series of the arc tangent is short.
  let t = Math.sqrt((1 - c) / (1 + c))
  for (let n = 0; n < 3; n++) t /= 1 + Math.sqrt(1 + t * t)
  const square = t * t
  let sum = 0
  for (let n = 41; n >= 1; n -= 2) sum = 1 / n - sum * square
  return 16 * t * sum
}
