// The forms of Winograd's minimal filtering, F(size x size, taps x taps), as size * 10 + taps: 43
// and 23 of 3x3 convolutions, 42 and 22 of the 2x2 ones that transposed convolutions fall into.
// Each form has a file with its transforms.

import { requireOutputType, requirePhase, requireProduct, Winograd } from '../../lib/instructions'

/** Traps on an instruction of unknown kinds. */
export function requireKinds(i: Winograd): void {
  requireOutputType(i.outputType)
  requireProduct(i.product)
  requirePhase(i.phase)
}

/** Outputs of a tile, in each direction. */
// @ts-ignore: decorator
@inline
export function sizeOf(form: i32): i32 {
  return form / 10
}

/** Inputs and products of a tile, in each direction. */
// @ts-ignore: decorator
@inline
export function sideOf(form: i32): i32 {
  return form / 10 + (form % 10) - 1
}
