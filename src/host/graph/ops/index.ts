import type { OperatorDescriptor } from '../descriptor.js'
import { activation } from './activation.js'
import { add } from './add.js'
import { attention } from './attention.js'
import { concat } from './concat.js'
import { conv } from './conv.js'

import { convTranspose } from './conv-transpose.js'

import { embedTokens } from './embed-tokens.js'
import { layerNorm } from './layer-norm.js'
import { linear } from './linear.js'
import { patches } from './patches.js'

import { averagePool, maxPool } from './pool.js'
import { dequantize, quantize } from './quantize.js'
import { scatterTokens } from './scatter-tokens.js'
import { slice } from './slice.js'
import { softmax } from './softmax.js'
import { upsample } from './upsample.js'

/** Every operator that a graph may use, by name. */
export const operators: ReadonlyMap<string, OperatorDescriptor> = new Map(
  [
    activation,
    add,
    attention,
    averagePool,
    concat,
    conv,
    convTranspose,
    dequantize,
    embedTokens,
    layerNorm,
    linear,
    maxPool,
    patches,
    quantize,
    scatterTokens,
    slice,
    softmax,
    upsample,
  ].map((d) => [d.op, d]),
)
