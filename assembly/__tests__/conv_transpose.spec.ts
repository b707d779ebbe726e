import { conv_transpose_f32 } from '../kernels/conv_transpose/conv_transpose_f32'
import { pack_conv_f32 } from '../kernels/conv/conv_f32'
import { bits, block, floats, instruction } from './instruction'

const INPUTS = 3
const OUTPUTS = 5
const SIDE = 3
const KERNEL = 4
const OUT = 6

/** Taps of a phase, the kernel's rows or columns that its outputs take, as transposed_phase.ts orders them. */
function tap(first: i32, t: i32): i32 {
  return ((first + 1) & 1) + (1 - t) * 2
}

describe('conv_transpose_f32', () => {
  it('adds each input pixel, times its filter, to the outputs around it: 4x4, stride 2, padding 1', () => {
    const input = floats(SIDE * SIDE * INPUTS)
    const weights = floats(OUTPUTS * KERNEL * KERNEL * INPUTS)
    const depth = 4 * INPUTS
    const packed = block(4 * depth * 32)
    const bias = block(4 * 32)
    memory.fill(bias, 0, 4 * 32)
    for (let phase = 0; phase < 4; phase++) {
      const own = block(OUTPUTS * depth * 4)
      let to = own
      for (let o = 0; o < OUTPUTS; o++) {
        for (let ty = 0; ty < 2; ty++) {
          for (let tx = 0; tx < 2; tx++) {
            const at = ((o * KERNEL + tap(phase >> 1, ty)) * KERNEL + tap(phase & 1, tx)) * INPUTS
            memory.copy(to, weights + <usize>at * 4, INPUTS * 4)
            to += INPUTS * 4
          }
        }
      }
      pack_conv_f32(own, packed + <usize>(phase * depth) * 32, OUTPUTS, depth, 1)
    }
    const output = block(OUT * OUT * OUTPUTS * 4)
    const scratch = block(128 + 64 + 16 * depth * 4 + 64)
    const i = instruction([
      <i32>input, <i32>output, <i32>packed, <i32>bias, 0, SIDE, SIDE, INPUTS, INPUTS * 4, OUT, OUT, OUTPUTS, OUTPUTS * 4,
      KERNEL, KERNEL, 2, 2, 1, 1, 1, 0, 0, bits(1), bits(-Infinity), bits(Infinity), 1, <i32>scratch, 16,
    ])
    conv_transpose_f32(i, 0, 2)
    conv_transpose_f32(i, 1, 2)
    for (let y = 0; y < OUT; y++) {
      for (let x = 0; x < OUT; x++) {
        for (let o = 0; o < OUTPUTS; o++) {
          let sum: f64 = 0
          for (let iy = 0; iy < SIDE; iy++) {
            for (let ix = 0; ix < SIDE; ix++) {
              const ky = y + 1 - iy * 2
              const kx = x + 1 - ix * 2
              if (ky < 0 || ky >= KERNEL || kx < 0 || kx >= KERNEL) continue
              for (let c = 0; c < INPUTS; c++) {
                const value = load<f32>(input + <usize>((iy * SIDE + ix) * INPUTS + c) * 4)
                sum += <f64>value * <f64>load<f32>(weights + <usize>(((o * KERNEL + ky) * KERNEL + kx) * INPUTS + c) * 4)
              }
            }
          }
          const found = load<f32>(output + <usize>((y * OUT + x) * OUTPUTS + o) * 4)
          expect(abs(<f64>found - sum)).toBeLessThan(1e-5)
        }
      }
    }
  })
})
