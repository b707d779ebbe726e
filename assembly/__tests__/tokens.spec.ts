import { attention_f32 } from '../kernels/attention/attention_f32'
import { attention_s16 } from '../kernels/attention/attention_s16'
import { linear_s8 } from '../kernels/linear/linear_s8'
import { pack_linear_s8 } from '../kernels/linear/pack'
import { activation_f32 } from '../kernels/pixelwise/activation_f32'
import { embed_tokens_f32 } from '../kernels/tokens/embed_tokens_f32'
import { layer_norm_f32 } from '../kernels/tokens/layer_norm_f32'
import { patches_f32 } from '../kernels/tokens/patches_f32'
import { scatter_tokens_f32 } from '../kernels/tokens/scatter_tokens_f32'
import { softmax_f32 } from '../kernels/tokens/softmax_f32'
import {
  ActivationKind,
  AttentionS16,
  Curve,
  EmbedTokens,
  LayerNorm,
  Linear,
  Patches,
  Pixelwise,
  ScatterTokens,
} from '../lib/instructions'
import { block, floats, instruction, setPlaces } from './instruction'

function at(base: usize, n: i32): f32 {
  return load<f32>(base + <usize>n * 4)
}

function near(value: f32, expected: f64, tolerance: f64): void {
  expect<bool>(abs<f64>(<f64>value - expected) <= tolerance * max<f64>(1, abs<f64>(expected))).toBe(true)
}

function indices(values: i32[]): usize {
  const to = block(values.length * 4)
  for (let n = 0; n < values.length; n++) store<i32>(to + n * 4, values[n])
  return to
}

/** Plain loops: each row quantised by its largest value, exact sums. */
function checkLinear(tokens: i32, depth: i32, outputs: i32, limit: i32, seven: i32 = 0): void {
  const padded = (outputs + 7) & ~7
  const x = floats(tokens * depth)
  const source = block(outputs * depth)
  const packed = block(padded * (depth + 16))
  for (let n = 0; n < outputs * depth; n++) {
    store<i8>(source + n, max(-limit, min(limit, <i32>load<i8>(source + n))))
  }
  const bias = floats(padded)
  const scales = floats(padded)
  const y = floats(tokens * outputs)
  const after = at(y, tokens * outputs)
  pack_linear_s8(source, packed, outputs, depth, limit)
  const i = instruction<Linear>()
  i.input = x
  i.output = y
  i.weights = packed
  i.bias = bias
  i.scales = scales
  i.tokens = tokens
  i.inputChannels = depth
  i.inputStride = depth * 4
  i.outputChannels = outputs
  i.outputStride = outputs * 4
  i.scratch = block(8 * ((depth + 16) * 2 + 36) + 16384 + depth * 32 + 4096 + seven * 448)
  i.block = 8
  i.limit = limit
  i.seven = seven
  linear_s8(i, 0, 1)
  for (let t = 0; t < tokens; t++) {
    let largest: f32 = 0
    for (let k = 0; k < depth; k++) largest = max(largest, abs(at(x, t * depth + k)))
    const inverse: f32 = <f32>limit / largest
    for (let o = 0; o < outputs; o++) {
      let acc = 0
      for (let k = 0; k < depth; k++) {
        const q = <i32>nearest<f32>(at(x, t * depth + k) * inverse)
        acc += q * load<i8>(source + o * depth + k)
      }
      const factor: f32 = (largest / <f32>limit) * at(scales, o)
      expect<f32>(at(y, t * outputs + o)).toBe(<f32>acc * factor + at(bias, o))
    }
  }
  expect<f32>(at(y, tokens * outputs)).toBe(after)
}

describe('linear_s8', () => {
  test('plain loops', () => {
    checkLinear(1, 1, 1, 127)
    checkLinear(1, 1, 1, 63)
    checkLinear(3, 8, 8, 127)
    checkLinear(3, 8, 8, 63)
    checkLinear(9, 21, 13, 127)
    checkLinear(9, 21, 13, 63)
    checkLinear(5, 1200, 10, 127)
    checkLinear(5, 1200, 10, 63)
    checkLinear(6, 2084, 16, 63)
    checkLinear(13, 48, 32, 127, 64)
    checkLinear(7, 1040, 32, 127, 64)
    checkLinear(7, 1040, 32, 127, 256)
    // Halves of one and of three rows too, which have loops of their own.
    for (let tokens = 1; tokens <= 8; tokens++) checkLinear(tokens, 48, 32, 127, 64)
  })
})

/** Two pixels at a time and one by itself. */
describe('layer_norm_f32', () => {
  test('is close to float64', () => {
    for (let channels = 1; channels <= 40; channels += 3) {
      const x = floats(3 * channels)
      const gamma = floats(channels)
      const beta = floats(channels)
      const y = floats(3 * channels)
      const row = channels * 4
      const i = instruction<LayerNorm>()
      setPlaces(i, x, y, 3, channels, row, row)
      i.gamma = gamma
      i.beta = beta
      i.epsilon = 1e-5
      layer_norm_f32(i, 0, 1)
      for (let p = 0; p < 3; p++) {
        let mean: f64 = 0
        for (let c = 0; c < channels; c++) mean += at(x, p * channels + c)
        mean /= channels
        let variance: f64 = 0
        for (let c = 0; c < channels; c++) {
          const d = <f64>at(x, p * channels + c) - mean
          variance += d * d
        }
        const deviation = Math.sqrt(variance / channels + 1e-5)
        for (let c = 0; c < channels; c++) {
          const n = (<f64>at(x, p * channels + c) - mean) / deviation
          near(at(y, p * channels + c), n * at(gamma, c) + at(beta, c), 3e-6)
        }
      }
    }
  })
})

describe('softmax_f32', () => {
  test('is close to float64', () => {
    for (let channels = 1; channels <= 40; channels += 3) {
      const x = floats(channels)
      for (let c = 0; c < channels; c++) store<f32>(x + c * 4, at(x, c) * 20)
      const y = floats(channels)
      const i = instruction<Pixelwise>()
      setPlaces(i, x, y, 1, channels, channels * 4, channels * 4)
      softmax_f32(i, 0, 1)
      let sum: f64 = 0
      for (let c = 0; c < channels; c++) sum += NativeMath.exp(<f64>at(x, c))
      for (let c = 0; c < channels; c++) near(at(y, c), NativeMath.exp(<f64>at(x, c)) / sum, 1e-6)
    }
  })
})

/**
 * The int16 form errs by some steps of its factors, of which the smallest is 1/4095 of the largest.
 */
function checkAttention(tokens: i32, heads: i32, d: i32, int16: bool): void {
  const width = heads * d
  const x = floats(tokens * 3 * width)
  const y = floats(tokens * width)
  const scale: f32 = 0.3
  const i = instruction<AttentionS16>()
  i.input = x
  i.output = y
  i.tokens = tokens
  i.heads = heads
  i.headChannels = d
  i.inputStride = 3 * width * 4
  i.outputStride = width * 4
  i.scale = scale
  i.scratch = block(4 * (((tokens + 7) & ~7) * (d + 20) + tokens * ((d + 7) & ~7) + 16 * d) + 512)
  i.limit = 4095
  i.weightLimit = 8191
  i.valueLimit = 4095
  if (int16) attention_s16(i, 0, 1)
  else attention_f32(i, 0, 1)
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < tokens; t++) {
      let total: f64 = 0
      const sums = new Float64Array(d)
      for (let j = 0; j < tokens; j++) {
        let s: f64 = 0
        for (let c = 0; c < d; c++) {
          s += <f64>at(x, t * 3 * width + h * d + c) * <f64>at(x, (j * 3 + 1) * width + h * d + c)
        }
        const p = NativeMath.exp(s * scale)
        total += p
        for (let c = 0; c < d; c++) sums[c] += p * <f64>at(x, (j * 3 + 2) * width + h * d + c)
      }
      for (let c = 0; c < d; c++) near(at(y, t * width + h * d + c), sums[c] / total, int16 ? 5e-4 : 2e-6)
    }
  }
}

describe('attention_f32', () => {
  test('is close to float64', () => {
    checkAttention(1, 1, 1, false)
    checkAttention(4, 2, 8, false)
    checkAttention(7, 3, 5, false)
    checkAttention(19, 2, 24, false)
  })
})

describe('attention_s16', () => {
  test('is close to float64', () => {
    checkAttention(1, 1, 1, true)
    checkAttention(4, 2, 8, true)
    checkAttention(7, 3, 5, true)
    checkAttention(19, 2, 24, true)
  })
})

describe('gelu', () => {
  test('known values', () => {
    // x (1 + erf(x / sqrt 2)) / 2 at 0, 1, -1, 3 and 10, from tables of the normal distribution.
    const x = floats(5)
    const y = floats(5)
    const values: f32[] = [0, 1, -1, 3, 10]
    for (let n = 0; n < 5; n++) store<f32>(x + n * 4, values[n])
    const i = instruction<Curve>()
    setPlaces(i, x, y, 5, 1, 4, 4)
    i.kind = ActivationKind.gelu
    activation_f32(i, 0, 1)
    near(at(y, 0), 0, 0)
    near(at(y, 1), 0.8413447460685429, 2e-7)
    near(at(y, 2), -0.15865525393145707, 2e-7)
    near(at(y, 3), 2.99595030594504, 3e-7)
    near(at(y, 4), 10, 3e-7)
  })
})

describe('tokens to and from their places', () => {
  test('patches_f32', () => {
    // 2 rows of 3 patches of 2x2 pixels of 3 channels.
    const x = floats(4 * 6 * 3)
    const y = floats(2 * 12)
    const i = instruction<Patches>()
    i.input = x
    i.output = y
    i.tokens = 2
    i.outputStride = 48
    i.inputStride = 12
    i.inputWidth = 6
    i.patch = 2
    i.columns = 3
    i.places = 6
    i.indices = indices([5, 1])
    i.channels = 3
    patches_f32(i, 0, 1)
    for (let n = 0; n < 12; n++) {
      expect<f32>(at(y, n)).toBe(at(x, (2 + n / 6) * 18 + 12 + (n % 6)))
      expect<f32>(at(y, 12 + n)).toBe(at(x, (n / 6) * 18 + 6 + (n % 6)))
    }
  })

  test('embed_tokens_f32', () => {
    const x = floats(2 * 5)
    const first = floats(5)
    const positions = floats(4 * 5)
    const y = floats(3 * 5)
    const chosen = indices([3, 0])
    const i = instruction<EmbedTokens>()
    i.input = x
    i.output = y
    i.tokens = 2
    i.channels = 5
    i.inputStride = 20
    i.outputStride = 20
    i.places = 4
    i.first = first
    i.positions = positions
    i.indices = chosen
    embed_tokens_f32(i, 0, 1)
    for (let c = 0; c < 5; c++) {
      expect<f32>(at(y, c)).toBe(at(first, c))
      expect<f32>(at(y, 5 + c)).toBe(at(x, c) + at(positions, 15 + c))
      expect<f32>(at(y, 10 + c)).toBe(at(x, 5 + c) + at(positions, c))
    }
  })

  test('scatter_tokens_f32', () => {
    const x = floats(3 * 5)
    const mask = floats(5)
    const positions = floats(5 * 5)
    const y = floats(5 * 5)
    const chosen = indices([3, 0])
    const i = instruction<ScatterTokens>()
    i.input = x
    i.output = y
    i.tokens = 2
    i.channels = 5
    i.inputStride = 20
    i.outputStride = 20
    i.places = 4
    i.mask = mask
    i.positions = positions
    i.indices = chosen
    scatter_tokens_f32(i, 0, 1)
    for (let c = 0; c < 5; c++) {
      expect<f32>(at(y, c)).toBe(at(x, c) + at(positions, c))
      expect<f32>(at(y, 5 + c)).toBe(at(x, 10 + c) + at(positions, 5 + c))
      expect<f32>(at(y, 10 + c)).toBe(at(mask, c) + at(positions, 10 + c))
      expect<f32>(at(y, 15 + c)).toBe(at(mask, c) + at(positions, 15 + c))
      expect<f32>(at(y, 20 + c)).toBe(at(x, 5 + c) + at(positions, 20 + c))
    }
  })
})
