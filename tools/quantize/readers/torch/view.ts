import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import type { StoredView } from '../dictionary.js'
import { spanOf } from '../elements.js'
import type { Tensor } from './values.js'

/**
 * Beyond this many elements a view may not hold more than its storage: a few bytes could ask for
 * any memory.
 */
const freelyExpanded = 1 << 20

/** Elements that a view may span for each one that it holds: what lies between is read too. */
const mostGaps = 64

/**
 * A tensor's shape and strides, checked against its storage. `what` names file and tensor. Throws
 * E_TORCH_TENSOR.
 */
export function viewOf({ storage, offset, shape, strides }: Tensor, what: string): Omit<StoredView, 'at'> {
  const fail = (problem: string): never => {
    throw new OcellusError('E_TORCH_TENSOR', `${what} ${problem}`)
  }
  if (shape.length > 8 || shape.length !== strides.length) {
    fail(`has ${shape.length} dimensions and ${strides.length} strides`)
  }
  let count = 1
  for (const side of shape) {
    count *= side
    if (side < 0 || count > limits.elements) fail(`has the shape [${shape}], which is out of range`)
  }
  const span = spanOf(shape, strides)
  if (!Number.isSafeInteger(offset + span) || offset + span > storage.elements) {
    fail(
      `reaches element ${offset + span} of a storage of ${storage.elements}: shape [${shape}], strides [${strides}], offset ${offset}`,
    )
  }
  if (count > Math.max(storage.elements, freelyExpanded)) {
    fail(`repeats the ${storage.elements} elements of its storage to ${count}`)
  }
  const { dtype } = storage
  if (isDense(shape, strides)) return { dtype, shape }
  if (span > Math.max(count * mostGaps, freelyExpanded)) fail(`spreads ${count} elements over ${span}`)
  return { dtype, shape, strides }
}

/** Row-major without gaps; the stride of a side of 1 means nothing. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis]
  }
  return true
}
