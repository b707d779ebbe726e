import type { OperatorDescriptor } from '../descriptor.js'
import { activation } from './activation.js'
import { add } from './add.js'
import { concat } from './concat.js'
import { conv } from './conv.js'
import { averagePool, maxPool } from './pool.js'
import { dequantize, quantize } from './quantize.js'
import { slice } from './slice.js'
import { upsample } from './upsample.js'

/** Every operator that a graph may use, by name. */
export const operators: ReadonlyMap<string, OperatorDescriptor> = new Map(
  [activation, add, averagePool, concat, conv, dequantize, maxPool, quantize, slice, upsample].map((d) => [
    d.op,
    d,
  ]),
)
