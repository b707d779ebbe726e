import { attentionLimits } from '../../src/host/graph/ops/attention.js'

/** Plain loops of the operators on tokens, row after row, each operation rounded as `f` says. */

export type Rounding = (value: number) => number
type List = ArrayLike<number>

const lanes = (f: Rounding, count: number, value: (n: number) => number): number => {
  const sums = [0, 0, 0, 0]
  const whole = count & ~3
  for (let n = 0; n < whole; n++) sums[n & 3] = f(sums[n & 3] + value(n))
  let total = f(f(sums[0] + sums[2]) + f(sums[1] + sums[3]))
  for (let n = whole; n < count; n++) total = f(total + value(n))
  return total
}

export function linear(
  f: Rounding,
  x: List,
  depth: number,
  weight: List,
  bias: List,
  out: Float32Array,
): void {
  const outputs = bias.length
  for (let t = 0, at = 0; t < x.length / depth; t++) {
    for (let o = 0; o < outputs; o++, at++) {
      let sum = bias[o]
      for (let k = 0; k < depth; k++) sum = f(sum + f(x[t * depth + k] * weight[o * depth + k]))
      out[at] = sum
    }
  }
}

const halfEven = (y: number): number => {
  const low = Math.floor(y)
  return y - low === 0.5 ? low + (low & 1) : Math.round(y)
}

/** With int8 weights: each token is quantised by its own largest value. */
export function linearInt8(
  f: Rounding,
  x: List,
  depth: number,
  weight: List,
  bias: List,
  scale: List,
  limit: number,
  out: Float32Array,
): void {
  const outputs = bias.length
  for (let t = 0, at = 0; t < x.length / depth; t++) {
    const row = Array.from({ length: depth }, (_, k) => x[t * depth + k])
    const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
    const zero = largest < 2 ** -100
    const inverse = zero ? 0 : f(limit / largest)
    const rowScale = zero ? 0 : f(largest / limit)
    const q = row.map((v) => halfEven(f(v * inverse)))
    for (let o = 0; o < outputs; o++, at++) {
      let acc = 0
      for (let k = 0; k < depth; k++) acc += q[k] * weight[o * depth + k]
      out[at] = f(f(f(acc) * f(rowScale * scale[o])) + bias[o])
    }
  }
}

export function layerNorm(
  f: Rounding,
  x: List,
  channels: number,
  gamma: List,
  beta: List,
  epsilon: number,
  out: Float32Array,
): void {
  for (let first = 0; first < x.length; first += channels) {
    const mean = f(lanes(f, channels, (c) => x[first + c]) / channels)
    const d = (c: number): number => f(x[first + c] - mean)
    const variance = f(lanes(f, channels, (c) => f(d(c) * d(c))) / channels)
    const factor = f(1 / f(Math.sqrt(f(variance + f(epsilon)))))
    for (let c = 0; c < channels; c++) out[first + c] = f(f(f(d(c) * factor) * gamma[c]) + beta[c])
  }
}

const exponentials = (f: Rounding, scores: readonly number[]): { e: number[]; factor: number } => {
  const largest = Math.max(...scores)
  const e = scores.map((s) => f(Math.exp(f(s - largest))))
  return { e, factor: f(1 / lanes(f, e.length, (n) => e[n])) }
}

export function softmax(f: Rounding, x: List, channels: number, out: Float32Array): void {
  for (let first = 0; first < x.length; first += channels) {
    const { e, factor } = exponentials(
      f,
      Array.from({ length: channels }, (_, c) => x[first + c]),
    )
    for (let c = 0; c < channels; c++) out[first + c] = f(e[c] * factor)
  }
}

export function attention(f: Rounding, x: List, channels: number, heads: number, out: Float32Array): void {
  const d = channels / heads
  const tokens = x.length / (3 * channels)
  const scale = f(1 / Math.sqrt(d))
  for (let h = 0; h < heads; h++) {
    const at = (t: number, part: number, c: number): number => x[(t * 3 + part) * channels + h * d + c]
    for (let t = 0; t < tokens; t++) {
      const scores = Array.from({ length: tokens }, (_, j) => {
        let sum = 0
        for (let c = 0; c < d; c++) sum = f(sum + f(at(t, 0, c) * at(j, 1, c)))
        return f(sum * scale)
      })
      const { e, factor } = exponentials(f, scores)
      for (let c = 0; c < d; c++) {
        let sum = 0
        for (let j = 0; j < tokens; j++) sum = f(sum + f(e[j] * at(j, 2, c)))
        out[t * channels + h * d + c] = f(sum * factor)
      }
    }
  }
}

/** Integers, at most `limit`, by the largest value. */
function quantized(f: Rounding, row: readonly number[], limit: number): { q: number[]; scale: number } {
  const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const zero = largest < 2 ** -100
  const factor = zero ? 0 : f(limit / largest)
  return { q: row.map((v) => halfEven(f(v * factor))), scale: zero ? 0 : f(largest / limit) }
}

/**
 * Attention whose products are of int16: each query and key by its own largest value, values by
 * their channel's.
 */
export function attentionInt16(
  f: Rounding,
  x: List,
  channels: number,
  heads: number,
  out: Float32Array,
): void {
  const d = channels / heads
  const tokens = x.length / (3 * channels)
  const scale = f(1 / Math.sqrt(d))
  const { limit, weightLimit, valueLimit } = attentionLimits(tokens, d)
  const list = <T>(count: number, of: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => of(n))
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, v, n) => sum + v * b[n], 0)
  for (let h = 0; h < heads; h++) {
    const at = (t: number, part: number, c: number): number => x[(t * 3 + part) * channels + h * d + c]
    const row = (t: number, part: number) =>
      quantized(
        f,
        list(d, (c) => at(t, part, c)),
        limit,
      )
    const keys = list(tokens, (j) => row(j, 1))
    const values = list(d, (c) =>
      quantized(
        f,
        list(tokens, (j) => at(j, 2, c)),
        valueLimit,
      ),
    )
    for (let t = 0; t < tokens; t++) {
      const query = row(t, 0)
      const scores = keys.map((key) => f(f(dot(query.q, key.q)) * key.scale))
      const largest = Math.max(...scores)
      const e = scores.map((s) => f(Math.exp(f(f(s - largest) * f(query.scale * scale)))))
      const p = e.map((v) => halfEven(f(v * weightLimit)))
      const inverse = f(1 / f(p.reduce((sum, v) => sum + v, 0)))
      for (let c = 0; c < d; c++)
        out[t * channels + h * d + c] = f(f(dot(p, values[c].q)) * f(values[c].scale * inverse))
    }
  }
}

/** The first `count` patches, as a session chooses them when it isn't told. */
export function patches(x: List, width: number, channels: number, patch: number, out: Float32Array): void {
  const columns = width / patch
  for (let n = 0; n < out.length; n++) {
    const place = Math.floor(n / (patch * patch * channels))
    const within = n % (patch * patch * channels)
    const y = Math.floor(place / columns) * patch + Math.floor(within / (patch * channels))
    const column = (place % columns) * patch * channels + (within % (patch * channels))
    out[n] = x[y * width * channels + column]
  }
}

export function embedTokens(f: Rounding, x: List, first: List, positions: List, out: Float32Array): void {
  for (let c = 0; c < first.length; c++) out[c] = first[c]
  for (let n = 0; n < x.length; n++) out[first.length + n] = f(x[n] + positions[n])
}

export function scatterTokens(f: Rounding, x: List, mask: List, positions: List, out: Float32Array): void {
  for (let n = 0; n < out.length; n++)
    out[n] = f((n < x.length ? x[n] : mask[n % mask.length]) + positions[n])
}

/**
 * x (1 + erf(x / sqrt 2)) / 2, by a series where it converges fast and a continued fraction where
 * not.
 */
export function gelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  if (z < 3) {
    let term = z
    let sum = z
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    const erf = (2 / Math.sqrt(Math.PI)) * sum
    return 0.5 * x * (1 + Math.sign(x) * erf)
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction)
  const tail = Math.exp(-z * z) / (z + fraction) / Math.sqrt(Math.PI)
  return x > 0 ? x - 0.5 * x * tail : 0.5 * x * tail
}
