import type { enumerations } from './kinds.js'

/**
 * What a field holds that is an address, by the memory that it points to:
 * - `weights`: the packed constants, which are written once, when they are loaded. They may lie in
 *   flash.
 * - `state`: a block beside the constants that is written later: by the host between two runs
 *   (`indices`, `parameters`, `classMask`), or by the engine (`chains`). It lies in RAM.
 * - `arena`: tensors, scratch, the list of candidates, staged weights. A run reads and writes it.
 * - `frame`: the picture.
 * An address of 0 says that there is nothing.
 */
export const addressKinds = ['weights', 'state', 'arena', 'frame'] as const

export type AddressKind = (typeof addressKinds)[number]

/** An address, an int32, a float32, or an int32 that is one of the numbers of kinds.ts. */
export type FieldKind = AddressKind | 'integer' | 'float' | keyof typeof enumerations

/** The fields of an instruction in their order, from word 1 on, and the kind of each. */
export type Layout = Readonly<Record<string, FieldKind>>
