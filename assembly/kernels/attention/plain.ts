// attention_s16 without vectors, to the same bytes. Rows are contiguous here: keys [token][pair of
// d][2] int16 and values [channel][padded tokens] int16; of one token the query [pair of d][2],
// scores [token] float32 and weights [token] int16.

import { LOG2E } from '../../lib/exp'
import { AttentionS16 } from '../../lib/instructions'
import { power } from '../../lib/power'
import { pmax, roundEven } from '../../lib/vector'
import { LEAST, quantizeRow, rowFactor } from '../linear/rows'

export function packPlain(
  i: AttentionS16,
  k: usize,
  v: usize,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
): void {
  const tokens = <usize>i.tokens
  const d = <usize>i.headChannels
  const stride = <usize>i.inputStride
  for (let j: usize = 0; j < tokens; j++) {
    packRow(i, k, keys, keyScales + j * 4)
    keys += rowBytes(i)
    k += stride
  }
  for (let c: usize = 0; c < d; c++) {
    packChannel(v + c * 4, stride, tokens, <f32>i.valueLimit, values, valueScales + c * 4)
    values += tokens * 2
  }
}

/** `rows` tokens of one head, one after the other. */
export function attendPlain(
  i: AttentionS16,
  x: usize,
  to: usize,
  rows: usize,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
  query: usize,
): void {
  const factor = query + rowBytes(i)
  for (; rows > 0; rows--) {
    packRow(i, x, query, factor)
    attendRow(i, query, load<f32>(factor) * i.scale * LOG2E, to, keys, keyScales, values, valueScales, factor + 4)
    x += i.inputStride
    to += i.outputStride
  }
}

function attendRow(
  i: AttentionS16,
  query: usize,
  factor: f32,
  to: usize,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
  scores: usize,
): void {
  const tokens = <usize>i.tokens
  const d = <usize>i.headChannels
  const weights = scores + tokens * 4
  let largest: f32 = -f32.MAX_VALUE
  for (let j: usize = 0; j < tokens; j++) {
    const s = <f32>dot(query, keys + j * rowBytes(i), rowBytes(i)) * load<f32>(keyScales + j * 4)
    largest = pmax(largest, s)
    store<f32>(scores + j * 4, s)
  }
  let sum = 0
  for (let j: usize = 0; j < tokens; j++) {
    const p = roundEven(power((load<f32>(scores + j * 4) - largest) * factor) * <f32>i.weightLimit)
    sum += p
    store<i16>(weights + j * 2, p)
  }
  const inverse: f32 = <f32>1 / <f32>sum
  for (let c: usize = 0; c < d; c++) {
    const y = dot(weights, values + c * tokens * 2, tokens * 2)
    store<f32>(to + c * 4, <f32>y * (load<f32>(valueScales + c * 4) * inverse))
  }
}

function dot(a: usize, b: usize, bytes: usize): i32 {
  let sum = 0
  for (const end = a + bytes; a < end; a += 2) {
    sum += <i32>load<i16>(a) * <i32>load<i16>(b)
    b += 2
  }
  return sum
}

// @ts-ignore: decorator
@inline
function rowBytes(i: AttentionS16): usize {
  return (<usize>((i.headChannels + 1) & ~1)) << 1
}

function packRow(i: AttentionS16, x: usize, to: usize, scale: usize): void {
  const d = i.headChannels
  const limit = <f32>i.limit
  quantizeRow(x, d, rowFactor(x, d, limit, scale), limit, to, 4)
}

function packChannel(x: usize, stride: usize, tokens: usize, limit: f32, to: usize, scale: usize): void {
  let m: f32 = 0
  const end = x + tokens * stride
  for (let at = x; at < end; at += stride) m = pmax(m, abs(load<f32>(at)))
  const small = m < LEAST
  store<f32>(scale, small ? 0 : m / limit)
  const factor: f32 = small ? 0 : limit / m
  for (; x < end; x += stride) {
    store<i16>(to, roundEven(pmax(-limit, load<f32>(x) * factor)))
    to += 2
  }
}
