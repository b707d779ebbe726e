import { type NodeView, pixelCount } from '../descriptor.js'
import type { Constant } from '../types.js'
import { fail } from './shared.js'

/**
 * Token operators work in float32 on [1, 1, tokens, channels]: a token is a pixel of a feature map
 * one pixel high.
 */
export function requireTokens(view: NodeView): { tokens: number; channels: number } {
  const [input] = view.inputs
  const { shape } = input
  if (shape.length !== 4 || shape[0] !== 1 || shape[1] !== 1) {
    fail(view, 'E_MODEL_SHAPE', `${input.name} is [${shape}], not tokens [1, 1, tokens, channels]`)
  }
  return { tokens: pixelCount(shape), channels: shape[3] }
}

export function requireConstant(
  view: NodeView,
  { name, dtype, shape }: Constant,
  type: Constant['dtype'],
  ...expected: number[]
): void {
  if (dtype !== type) fail(view, 'E_MODEL_OPERATOR', `${name} is ${dtype}, not ${type}`)
  if (shape.length !== expected.length || shape.some((n, i) => n !== expected[i]))
    fail(view, 'E_MODEL_SHAPE', `${name} is [${shape}], expected [${expected}]`)
}

/** The first of the places: what a session has chosen before anything else was asked of it. */
export const firstPlaces = (places: number): Int32Array => Int32Array.from({ length: places }, (_, i) => i)
