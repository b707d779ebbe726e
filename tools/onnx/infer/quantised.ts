import { roundHalfEven } from '../../../src/host/plan/program.js'
import { type Constant, count, isConstant, isFloat, make, type Value } from '../value.js'
import { type At, type Infer, Misfit } from './at.js'

/** Scale and zero point of a tensor, or of each index along an axis. */
interface Steps {
  readonly scales: readonly number[]
  readonly zeroPoints: readonly number[]
  readonly axis: number
}

/** Throws Misfit for scales that are not constant, not positive, or of blocks. */
export function stepsOf(at: At): Steps {
  const { dims } = at.value(0)
  if (at.int('block_size', 0) !== 0) throw new Misfit('scales of blocks')
  const scales = [...at.constant(1, 'scale').values]
  const zeroPoints = at.has(2) ? [...at.constant(2, 'zero point').values] : scales.map(() => 0)
  if (scales.length !== zeroPoints.length || at.value(1).dims.length > 1)
    throw new Misfit(`${scales.length} scales and ${zeroPoints.length} zero points`)
  if (!scales.every((scale) => scale > 0 && Number.isFinite(scale)))
    throw new Misfit('a scale that is not positive')
  if (scales.length === 1) return { scales, zeroPoints, axis: 0 }
  const axis = at.axis(at.int('axis', 1), dims.length)
  if (dims[axis] !== scales.length) throw new Misfit(`${scales.length} scales along an axis of ${dims[axis]}`)
  return { scales, zeroPoints, axis }
}

/** The index of the scale of each element. */
function* placesOf(dims: readonly number[], { scales, axis }: Steps): Generator<number> {
  const [all, inner] = [count(dims), count(dims.slice(axis + 1))]
  for (let n = 0; n < all; n++) yield scales.length === 1 ? 0 : Math.floor(n / inner) % scales.length
}

const ranges = { int8: [-128, 127], uint8: [0, 255] } as const

export const quantizeLinear: Infer = (at) => {
  const input = at.value(0)
  const type = at.has(2) ? at.value(2).type : 'uint8'
  if (!isFloat(input.type)) throw new Misfit(`an input of ${input.type}`)
  if (type !== 'int8' && type !== 'uint8')
    throw new Misfit(`a result of ${type}: int8 and uint8 are supported`)
  const steps = stepsOf(at)
  const [least, most] = ranges[type]
  return at.result(type, input.dims, (into) => {
    const { values } = input as Constant
    let n = 0
    for (const place of placesOf(input.dims, steps)) {
      const q = roundHalfEven(values[n] / steps.scales[place]) + steps.zeroPoints[place]
      into[n++] = Math.min(Math.max(q, least), most)
    }
  })
}

/** Real values of stored integers. Weights are in the file, so their size is bounded by it. */
export const dequantizeLinear: Infer = (at): Value => {
  const input = at.value(0)
  if (!['int8', 'uint8', 'int32'].includes(input.type)) throw new Misfit(`an input of ${input.type}`)
  const steps = stepsOf(at)
  if (!isConstant(input)) return { type: 'float32', dims: input.dims }
  const values = make('float32', input.values.length)
  let isSymmetric = true
  let n = 0
  for (const place of placesOf(input.dims, steps)) {
    const whole = input.values[n] - steps.zeroPoints[place]
    if (Math.abs(whole) > 127) isSymmetric = false
    values[n++] = whole * steps.scales[place]
  }
  const constant: Constant = {
    type: 'float32',
    dims: input.dims,
    values,
    stored: { scales: steps.scales, axis: steps.axis, isSymmetric },
  }
  return constant
}

export const quantised: Readonly<Record<string, Infer>> = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
}
