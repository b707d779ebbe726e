import { conv_s8 } from '../kernels/conv/conv_s8'
import { linear_s8 } from '../kernels/linear/linear_s8'
import { activation_f32 } from '../kernels/pixelwise/activation_f32'
import { add_s8 } from '../kernels/pixelwise/add_s8'
import { max_pool_s8 } from '../kernels/pool/max_pool'
import { winograd43_s8 } from '../kernels/winograd/winograd_s8'
import { CHECKED } from '../lib/checks'
import { ActivationKind, Add, Conv, Curve, Linear, Pool, Winograd } from '../lib/instructions'
import { block, instruction, setPlaces } from './instruction'

describe('a debug build', () => {
  test('asserts what the host promises', () => {
    expect<bool>(CHECKED).toBe(true)
  })

  test('refuses a kernel without addresses', () => {
    expect(() => conv_s8(instruction<Conv>(), 0, 1)).toThrow()
    expect(() => winograd43_s8(instruction<Winograd>(), 0, 1)).toThrow()
    expect(() => linear_s8(instruction<Linear>(), 0, 1)).toThrow()
    expect(() => max_pool_s8(instruction<Pool>(), 0, 1)).toThrow()
    expect(() => add_s8(instruction<Add>(), 0, 1)).toThrow()
  })

  test('refuses a pixel that does not fit its stride', () => {
    expect(() => {
      const i = instruction<Curve>()
      i.kind = ActivationKind.tanh
      setPlaces(i, block(64), block(64), 2, 5, 16, 20)
      activation_f32(i, 0, 1)
    }).toThrow()
  })

  test('runs what fits', () => {
    const i = instruction<Curve>()
    i.kind = ActivationKind.tanh
    setPlaces(i, block(64), block(64), 2, 5, 20, 20)
    activation_f32(i, 0, 1)
  })
})
