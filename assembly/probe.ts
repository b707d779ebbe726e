// A computation with a known answer, which uses what the int8 kernels rely on: widening,
// interleaving, dot products, conversion, rounding and narrowing, with extremes among the operands.
// The host refuses a build whose answer differs from that of plain JavaScript
// (tests/engine/probe.test.ts), because a runtime may claim an instruction and compute it wrongly.

import { conv_s8, pack_conv_s8 } from './kernels/conv/conv_s8'
import { Conv } from './lib/instructions'
import { addsQuads, dotPairs, dotQuads, dotQuadsByPairs, ones, SIMD } from './lib/isa'

const PIXELS = 11
const CHANNELS = 10
const STRIDE = 12
const OUTPUTS = 9

/**
 * Returns the FNV-1a hash of what it computes in 4 KiB at `at`. First comes a 1x1 convolution, with
 * leaky 0.1, of pseudo-random int8 (the top byte of x = 1664525 x + 1013904223, the ends of the
 * range widened to the extremes). Then come 64 rounds of sums of four and of two products of such
 * int8 and numbers of 7 bits.
 */
export function probe(at: usize): i32 {
  const input = at + 128
  const bias = at + 320
  const folded = at + 384
  const multipliers = at + 448
  const weights = at + 512
  const packed = at + 640
  const scratch = at + 960
  const output = at + 1408
  memory.fill(at, 0, 4096)
  let seed: u32 = 1
  for (let n: usize = 0; n < <usize>(PIXELS * STRIDE); n++) {
    seed = seed * 1664525 + 1013904223
    store<i8>(input + n, extreme(seed))
  }
  for (let n: usize = 0; n < <usize>(OUTPUTS * CHANNELS); n++) {
    seed = seed * 1664525 + 1013904223
    store<i8>(weights + n, max(extreme(seed), -127))
  }
  for (let n: usize = 0; n < <usize>OUTPUTS; n++) {
    seed = seed * 1664525 + 1013904223
    store<i32>(bias + n * 4, <i32>seed >> 16)
    store<f32>(multipliers + n * 4, <f32>(n + 1) / 1024.0)
  }
  pack_conv_s8(weights, packed, bias, OUTPUTS, CHANNELS, 1, -3, folded)
  const conv = changetype<Conv>(at)
  conv.input = input
  conv.output = output
  conv.weights = packed
  conv.bias = folded
  conv.multipliers = multipliers
  conv.inputHeight = 1
  conv.inputWidth = PIXELS
  conv.inputChannels = CHANNELS
  conv.inputStride = STRIDE
  conv.outputHeight = 1
  conv.outputWidth = PIXELS
  conv.outputChannels = OUTPUTS
  conv.outputStride = STRIDE
  conv.kernelHeight = 1
  conv.kernelWidth = 1
  conv.strideY = 1
  conv.strideX = 1
  conv.groups = 1
  conv.inputZeroPoint = -3
  conv.outputZeroPoint = 5
  conv.slope = 0.1
  conv.low = -128
  conv.high = 127
  conv.scratch = scratch
  conv.block = 8
  conv_s8(conv, 0, 1)
  let hash: u32 = 0x811c9dc5
  for (let n: usize = 0; n < <usize>(PIXELS * STRIDE); n++) hash = (hash ^ load<u8>(output + n)) * 0x01000193
  for (let round: u32 = 0; round < 64; round++) {
    for (let n: usize = 0; n < 16; n++) {
      seed = seed * 1664525 + 1013904223
      store<i8>(input + n, extreme(seed))
      seed = seed * 1664525 + 1013904223
      // The relaxed products promise nothing beyond 0..127.
      store<i8>(input + 16 + n, min(<i32>(seed >> 24), 127))
    }
    products(input, input + 16, round * 0x01234567, output)
    for (let n: usize = 0; n < 32; n++) hash = (hash ^ load<u8>(output + n)) * 0x01000193
  }
  return <i32>hash
}

/**
 * Sums of four and of two products of 16 int8 at a and at b: four int32, which begin at `start`,
 * then eight int16.
 */
function products(a: usize, b: usize, start: i32, to: usize): void {
  if (SIMD) {
    // The same choice as the kernels make here.
    if (addsQuads()) v128.store(to, dotQuads(v128.load(a), v128.load(b), i32x4.splat(start)))
    else v128.store(to, dotQuadsByPairs(v128.load(a), v128.load(b), i32x4.splat(start), ones()))
    v128.store(to, dotPairs(v128.load(a), v128.load(b)), 16)
  } else {
    for (let n: usize = 0; n < 16; n += 4) {
      const first = <i32>load<i8>(a + n) * load<i8>(b + n) + <i32>load<i8>(a + n, 1) * load<i8>(b + n, 1)
      const second = <i32>load<i8>(a + n, 2) * load<i8>(b + n, 2) + <i32>load<i8>(a + n, 3) * load<i8>(b + n, 3)
      store<i32>(to + n, start + first + second)
      store<i16>(to + n, first, 16)
      store<i16>(to + n, second, 18)
    }
  }
}

function extreme(seed: u32): i32 {
  const v = <i32>(seed >> 24)
  return v < 32 ? -128 : v > 223 ? 127 : v - 128
}
