import { add_f32 } from '../kernels/pixelwise/add_f32'
import { add_s8 } from '../kernels/pixelwise/add_s8'
import { copy } from '../kernels/pixelwise/copy'
import { dequantize_s8 } from '../kernels/pixelwise/dequantize_s8'
import { quantize_s8 } from '../kernels/pixelwise/quantize_s8'
import { requantize_s8 } from '../kernels/pixelwise/requantize_s8'
import { table_s8 } from '../kernels/pixelwise/table_s8'
import { upsample } from '../kernels/pixelwise/upsample'
import { bits, block, floats, instruction } from './instruction'

const PIXELS = 3

function rounded(y: f32, zeroPoint: i32): i32 {
  const zero = <f32>zeroPoint
  return <i32>nearest<f32>(max<f32>(min<f32>(y, <f32>127 - zero), <f32>-128 - zero)) + zeroPoint
}

describe('pixelwise kernels on 1 to 40 channels', () => {
  test('copy', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const stride = channels + 3
      const input = block(PIXELS * stride)
      const output = block(PIXELS * stride)
      const before = load<u8>(output + channels)
      copy(instruction([<i32>input, <i32>output, PIXELS, channels, stride, stride]), 0, 1)
      for (let p = 0; p < PIXELS; p++) {
        for (let c = 0; c < channels; c++) {
          expect<u8>(load<u8>(output + p * stride + c)).toBe(load<u8>(input + p * stride + c))
        }
      }
      expect<u8>(load<u8>(output + channels)).toBe(before)
    }
  })

  test('upsample', () => {
    for (let scale = 2; scale <= 4; scale++) {
      const input = block(6 * 5)
      const output = block(6 * 5 * scale * scale)
      upsample(instruction([<i32>input, <i32>output, 2, 3, 5, 5, 5, scale]), 0, 1)
      for (let y = 0; y < 2 * scale; y++) {
        for (let x = 0; x < 3 * scale; x++) {
          for (let c = 0; c < 5; c++) {
            const from = ((y / scale) * 3 + x / scale) * 5 + c
            expect<u8>(load<u8>(output + (y * 3 * scale + x) * 5 + c)).toBe(load<u8>(input + from))
          }
        }
      }
    }
  })

  test('requantize_s8', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const input = block(count)
      const output = block(count)
      const fields = [<i32>input, <i32>output, PIXELS, channels, channels, channels, -7, bits(1.5), 12]
      requantize_s8(instruction(fields), 0, 1)
      for (let n = 0; n < count; n++) {
        const y = <f32>(<i32>load<i8>(input + n) + 7) * <f32>1.5
        expect<i32>(load<i8>(output + n)).toBe(rounded(y, 12))
      }
    }
  })

  test('add_s8', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const a = block(count)
      const b = block(count)
      const output = block(count)
      const places = [<i32>a, <i32>b, <i32>output, PIXELS, channels, channels, channels, channels]
      add_s8(instruction(places.concat([3, bits(0.7), -9, bits(0.3), 5, bits(0.1), -128, 127])), 0, 1)
      for (let n = 0; n < count; n++) {
        let y = <f32>(<i32>load<i8>(a + n) - 3) * <f32>0.7 + <f32>(<i32>load<i8>(b + n) + 9) * <f32>0.3
        y = max<f32>(y, y * <f32>0.1)
        expect<i32>(load<i8>(output + n)).toBe(rounded(y, 5))
      }
    }
  })

  test('add_f32 with ReLU6', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const a = floats(count)
      const b = floats(count)
      const output = floats(count)
      const places = [<i32>a, <i32>b, <i32>output, PIXELS, channels, channels * 4, channels * 4, channels * 4]
      add_f32(instruction(places.concat([0, 0, 0, 0, 0, bits(0), bits(-f32.MAX_VALUE), bits(6)])), 0, 1)
      for (let n = 0; n < count; n++) {
        const y = load<f32>(a + n * 4) + load<f32>(b + n * 4)
        expect<f32>(load<f32>(output + n * 4)).toBe(max<f32>(min<f32>(y, 6), 0) + 0)
      }
    }
  })

  test('table_s8', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const input = block(count)
      const output = block(count)
      const table = block(256)
      table_s8(instruction([<i32>input, <i32>output, PIXELS, channels, channels, channels, <i32>table]), 0, 1)
      for (let n = 0; n < count; n++) {
        expect<u8>(load<u8>(output + n)).toBe(load<u8>(table + (<i32>load<i8>(input + n) + 128)))
      }
    }
  })

  test('quantize_s8', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const input = floats(count)
      const output = block(count)
      const fields = [<i32>input, <i32>output, PIXELS, channels, channels * 4, channels, bits(200), -5]
      quantize_s8(instruction(fields), 0, 1)
      for (let n = 0; n < count; n++) {
        expect<i32>(load<i8>(output + n)).toBe(rounded(load<f32>(input + n * 4) * 200, -5))
      }
    }
  })

  test('dequantize_s8', () => {
    for (let channels = 1; channels <= 40; channels++) {
      const count = PIXELS * channels
      const input = block(count)
      const output = floats(count)
      const fields = [<i32>input, <i32>output, PIXELS, channels, channels, channels * 4, bits(0.3), -5]
      dequantize_s8(instruction(fields), 0, 1)
      for (let n = 0; n < count; n++) {
        expect<f32>(load<f32>(output + n * 4)).toBe(<f32>(<i32>load<i8>(input + n) + 5) * <f32>0.3)
      }
    }
  })
})

test('quantize_s8 gives the zero point for NaN and saturates infinities', () => {
  const input = floats(4)
  const output = block(4)
  store<f32>(input, NaN)
  store<f32>(input, Infinity, 4)
  store<f32>(input, -Infinity, 8)
  store<f32>(input, 0.5, 12)
  quantize_s8(instruction([<i32>input, <i32>output, 1, 4, 16, 4, bits(1), 21]), 0, 1)
  expect<i8>(load<i8>(output)).toBe(21)
  expect<i8>(load<i8>(output, 1)).toBe(127)
  expect<i8>(load<i8>(output, 2)).toBe(-128)
  expect<i8>(load<i8>(output, 3)).toBe(21)
})
