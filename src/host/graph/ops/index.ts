import type { OperatorDescriptor } from '../descriptor.js'
import { activation } from './activation.js'
import { add } from './add.js'
import { arithmetic } from './arithmetic.js'
import { attention } from './attention.js'
import { concat } from './concat.js'
import { constant } from './constant.js'
import { conv } from './conv.js'
import { convTranspose } from './conv-transpose.js'
import { embedTokens } from './embed-tokens.js'
import { gather } from './gather.js'
import { groupNorm } from './group-norm.js'
import { layerNorm } from './layer-norm.js'
import { linear } from './linear.js'
import { matmul } from './matmul.js'
import { pad } from './pad.js'
import { patches } from './patches.js'
import { averagePool, maxPool } from './pool.js'
import { dequantize, quantize } from './quantize.js'
import { rearrange } from './rearrange.js'
import { reduce } from './reduce.js'
import { resize } from './resize.js'
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
    arithmetic,
    constant,
    gather,
    groupNorm,
    matmul,
    pad,
    rearrange,
    reduce,
    resize,
    upsample,
  ].map((d) => [d.op, d]),
)
