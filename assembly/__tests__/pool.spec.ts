import { average_pool_f32, average_pool_s8 } from '../kernels/pool/average_pool'
import { max_pool_f32, max_pool_s8 } from '../kernels/pool/max_pool'
import { Pool } from '../lib/instructions'
import { block, floats, instruction } from './instruction'

const HEIGHT = 6
const WIDTH = 5

/** What of a window lies inside the input, counted in pixels of one channel. */
class Inside {
  largest: f32 = -f32.MAX_VALUE
  sum: f32 = 0
  count: i32 = 0
}

function look(input: usize, float32: bool, channels: i32, c: i32, top: i32, left: i32, kernel: i32): Inside {
  const inside = new Inside()
  for (let y = top; y < top + kernel; y++) {
    for (let x = left; x < left + kernel; x++) {
      if (y < 0 || y >= HEIGHT || x < 0 || x >= WIDTH) continue
      const n = (y * WIDTH + x) * channels + c
      const value = float32 ? load<f32>(input + n * 4) : <f32>load<i8>(input + n)
      inside.largest = max<f32>(inside.largest, value)
      inside.sum += value
      inside.count++
    }
  }
  return inside
}

function check(kernel: i32, stride: i32, pad: i32, channels: i32, float32: bool, average: bool): void {
  const size = float32 ? 4 : 1
  const outputHeight = (HEIGHT + kernel - 1 - kernel) / stride + 1
  const outputWidth = (WIDTH + kernel - 1 - kernel) / stride + 1
  const input = float32 ? floats(HEIGHT * WIDTH * channels) : block(HEIGHT * WIDTH * channels)
  const output = block(outputHeight * outputWidth * channels * size)
  const pixel = channels * size
  const i = instruction<Pool>()
  i.input = input
  i.output = output
  i.inputHeight = HEIGHT
  i.inputWidth = WIDTH
  i.channels = channels
  i.inputStride = pixel
  i.outputHeight = outputHeight
  i.outputWidth = outputWidth
  i.outputStride = pixel
  i.kernelHeight = kernel
  i.kernelWidth = kernel
  i.strideY = stride
  i.strideX = stride
  i.padTop = pad
  i.padLeft = pad
  if (average) {
    if (float32) average_pool_f32(i, 0, 1)
    else average_pool_s8(i, 0, 1)
  } else {
    if (float32) max_pool_f32(i, 0, 1)
    else max_pool_s8(i, 0, 1)
  }
  for (let y = 0; y < outputHeight; y++) {
    for (let x = 0; x < outputWidth; x++) {
      for (let c = 0; c < channels; c++) {
        const inside = look(input, float32, channels, c, y * stride - pad, x * stride - pad, kernel)
        const mean = inside.sum * (<f32>1 / <f32>inside.count)
        const at = output + ((y * outputWidth + x) * channels + c) * size
        if (float32) expect<f32>(load<f32>(at)).toBe(average ? mean : inside.largest)
        else expect<f32>(<f32>load<i8>(at)).toBe(average ? nearest<f32>(mean) : inside.largest)
      }
    }
  }
}

/** darknet pads by kernel - 1 in all, the smaller half before. */
function checkDarknet(float32: bool, average: bool): void {
  const counts = [1, 3, 16, 21]
  for (let n = 0; n < counts.length; n++) {
    const channels = counts[n]
    check(2, 2, 0, channels, float32, average)
    check(2, 1, 0, channels, float32, average)
    check(5, 1, 2, channels, float32, average)
  }
  check(9, 1, 4, 5, float32, average)
  check(13, 1, 6, 3, float32, average)
}

describe('pools with darknet windows', () => {
  test('max_pool_s8', () => checkDarknet(false, false))
  test('max_pool_f32', () => checkDarknet(true, false))
  test('average_pool_s8', () => checkDarknet(false, true))
  test('average_pool_f32', () => checkDarknet(true, true))
})
