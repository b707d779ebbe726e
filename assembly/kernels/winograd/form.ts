// The forms of Winograd's minimal filtering that the kernels have, F(size x size, taps x taps), as size * 10 + taps: 43, 23
// (of 3x3 convolutions), 42, 22 (of 2x2 ones, which transposed convolutions fall into). The transforms of each are in a
// file of its own.

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
