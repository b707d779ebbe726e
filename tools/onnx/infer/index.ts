import type { Infer } from './at.js'
import { elementwise } from './elementwise.js'
import { network } from './network.js'
import { quantised } from './quantised.js'
import { reductions } from './reduce.js'
import { structure } from './structure.js'

/** How each operator's results are inferred and, where its inputs are constant, computed. */
export const inferences: ReadonlyMap<string, Infer> = new Map(
  Object.entries({ ...elementwise, ...structure, ...reductions, ...network, ...quantised }),
)
