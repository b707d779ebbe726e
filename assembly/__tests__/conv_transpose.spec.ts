import { pack_conv_f32 } from '../kernels/conv/conv_f32'
import { conv_transpose_f32 } from '../kernels/conv_transpose/conv_transpose_f32'
import { ConvTransposeF32, OutputType } from '../lib/instructions'
import { block, floats, instruction, setWindow } from './instruction'

const INPUTS = 3
const OUTPUTS = 5
const SIDE = 3
const KERNEL = 4
const OUT = 6

/** Taps of a phase, the kernel's rows or columns that its outputs take, as phase.ts orders them. */
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
    const i = instruction<ConvTransposeF32>()
    i.input = input
    i.output = output
    i.weights = packed
    i.bias = bias
    i.inputHeight = SIDE
    i.inputWidth = SIDE
    i.inputChannels = INPUTS
    i.inputStride = INPUTS * 4
    i.outputHeight = OUT
    i.outputWidth = OUT
    i.outputChannels = OUTPUTS
    i.outputStride = OUTPUTS * 4
    setWindow(i, KERNEL, 2, 1)
    i.leastTapsX = 1
    i.slope = 1
    i.low = -Infinity
    i.high = Infinity
    i.outputType = OutputType.float32
    i.scratch = block(128 + 64 + 16 * depth * 4 + 64)
    i.block = 16
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
                sum +=
                  <f64>value * <f64>load<f32>(weights + <usize>(((o * KERNEL + ky) * KERNEL + kx) * INPUTS + c) * 4)
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
