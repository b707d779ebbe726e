import { add_f32 } from '../kernels/pixelwise/add_f32'
import { add_s8 } from '../kernels/pixelwise/add_s8'
import { copy } from '../kernels/pixelwise/copy'
import { dequantize_s8 } from '../kernels/pixelwise/dequantize_s8'
import { quantize_s8 } from '../kernels/pixelwise/quantize_s8'
import { requantize_s8 } from '../kernels/pixelwise/requantize_s8'
import { table_s8 } from '../kernels/pixelwise/table_s8'
import { upsample } from '../kernels/pixelwise/upsample'
import { Add, AddF32, Copy, Requantize, Scale, Table, Upsample } from '../lib/instructions'
import { block, floats, instruction, setPlaces } from './instruction'

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
      const i = instruction<Copy>()
      i.input = input
      i.output = output
      i.pixels = PIXELS
      i.pixelBytes = channels
      i.inputStride = stride
      i.outputStride = stride
      copy(i, 0, 1)
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
      const i = instruction<Upsample>()
      i.input = input
      i.output = output
      i.inputHeight = 2
      i.inputWidth = 3
      i.pixelBytes = 5
      i.inputStride = 5
      i.outputStride = 5
      i.scale = scale
      upsample(i, 0, 1)
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
      const i = instruction<Requantize>()
      setPlaces(i, input, output, PIXELS, channels, channels, channels)
      i.inputZeroPoint = -7
      i.multiplier = 1.5
      i.outputZeroPoint = 12
      requantize_s8(i, 0, 1)
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
      const i = instruction<Add>()
      i.inputA = a
      i.inputB = b
      i.output = output
      i.pixels = PIXELS
      i.channels = channels
      i.strideA = channels
      i.strideB = channels
      i.outputStride = channels
      i.zeroPointA = 3
      i.multiplierA = 0.7
      i.zeroPointB = -9
      i.multiplierB = 0.3
      i.outputZeroPoint = 5
      i.slope = 0.1
      i.low = -128
      i.high = 127
      add_s8(i, 0, 1)
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
      const i = instruction<AddF32>()
      i.inputA = a
      i.inputB = b
      i.output = output
      i.pixels = PIXELS
      i.channels = channels
      i.strideA = channels * 4
      i.strideB = channels * 4
      i.outputStride = channels * 4
      i.low = -f32.MAX_VALUE
      i.high = 6
      add_f32(i, 0, 1)
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
      const i = instruction<Table>()
      setPlaces(i, input, output, PIXELS, channels, channels, channels)
      i.table = table
      table_s8(i, 0, 1)
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
      const i = instruction<Scale>()
      setPlaces(i, input, output, PIXELS, channels, channels * 4, channels)
      i.multiplier = 200
      i.zeroPoint = -5
      quantize_s8(i, 0, 1)
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
      const i = instruction<Scale>()
      setPlaces(i, input, output, PIXELS, channels, channels, channels * 4)
      i.multiplier = 0.3
      i.zeroPoint = -5
      dequantize_s8(i, 0, 1)
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
  const i = instruction<Scale>()
  setPlaces(i, input, output, 1, 4, 16, 4)
  i.multiplier = 1
  i.zeroPoint = 21
  quantize_s8(i, 0, 1)
  expect<i8>(load<i8>(output)).toBe(21)
  expect<i8>(load<i8>(output, 1)).toBe(127)
  expect<i8>(load<i8>(output, 2)).toBe(-128)
  expect<i8>(load<i8>(output, 3)).toBe(21)
})
