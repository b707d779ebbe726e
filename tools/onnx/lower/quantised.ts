import type { Quantization } from '../../../src/host/graph/types.js'
import { Misfit } from '../infer/at.js'
import { stepsOf } from '../infer/quantised.js'
import type { Constant } from '../value.js'
import type { Lower } from './lowering.js'

/** real = (q - zeroPoint) * scale, in int8: an unsigned byte is 128 more. */
const quantizationOf = (scale: number, zeroPoint: number, isSigned: boolean): Quantization => ({
  scale: Math.fround(scale),
  zeroPoint: isSigned ? zeroPoint : zeroPoint - 128,
})

/** Whether two tensors mean the same by the same byte. */
export const sameScale = (a: Quantization | undefined, b: Quantization | undefined): boolean =>
  a?.scale === b?.scale && a?.zeroPoint === b?.zeroPoint

/**
 * The values stay as they are, and the tensor that holds them has a scale from here on. One that
 * has another already is copied: the copy is quantised anew.
 */
export const quantizeLinear: Lower = (lowering) => {
  const { at, builder } = lowering
  const { scales, zeroPoints } = stepsOf(at)
  if (scales.length !== 1) throw new Misfit('a scale for each channel of what is computed')
  const isSigned = at.has(2) && at.value(2).type === 'int8'
  const wanted = quantizationOf(scales[0], zeroPoints[0], isSigned)
  const { tensor, wrap } = lowering.loose(0)
  const known = builder.scales.get(tensor)
  if (known !== undefined && !sameScale(known, wanted)) {
    const copy = builder.node('activation', `${lowering.name}:requantised`, [tensor], builder.shape(tensor), {
      kind: 'affine',
      alpha: 1,
      beta: 0,
    })
    builder.scales.set(copy, wanted)
    lowering.give(wrap(copy))
    return
  }
  builder.scales.set(tensor, wanted)
  lowering.give(wrap(tensor))
}

export const dequantizeLinear: Lower = (lowering) => lowering.give(lowering.view(0))

/** The scale of each output channel of weights that were stored as symmetric int8. */
export function weightScales({ stored }: Constant, axis: number, outputs: number): Float32Array | undefined {
  if (stored === undefined || !stored.isSymmetric) return undefined
  const { scales } = stored
  if (scales.length !== 1 && stored.axis !== axis) return undefined
  return Float32Array.from({ length: outputs }, (_, o) => scales[scales.length === 1 ? 0 : o])
}
