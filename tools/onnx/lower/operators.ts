import {
  conv,
  convTranspose,
  depthToSpace,
  globalPool,
  pad,
  pool,
  resize,
  spaceToDepth,
} from './convolution.js'
import { binary, clip, curve, leaky, prelu, relu } from './elementwise.js'
import type { Lower, Lowering } from './lowering.js'
import { batchNorm, groupNormalization, instanceNorm, layerNorm, reduce, softmax } from './normalise.js'
import { einsum, gemm, matmul } from './products.js'
import { dequantizeLinear, quantizeLinear } from './quantised.js'
import {
  concat,
  expanded,
  gather,
  gatherElements,
  reshaped,
  sliced,
  split,
  tiled,
  transposed,
} from './structure.js'

const same: Lower = (lowering) => lowering.give(lowering.view(0))

const alpha = (otherwise: number) => (lowering: Lowering) => lowering.at.float('alpha', otherwise)

/** Our `gelu` is the exact one; the approximation by tanh differs from it by up to 5e-4. */
const gelu: Lower = curve(({ at }) => ({
  kind: at.text('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu',
}))

/**
 * How each ONNX operator is written in ours: a row an operator. Its shapes, and what its attributes
 * may be, stand in ../infer; an operator that is missing here only occurs where it is folded.
 */
export const operators: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  // convolutions and what works on maps
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['MaxPool', pool('maxPool')],
  ['AveragePool', pool('averagePool')],
  ['GlobalMaxPool', globalPool('maxPool')],
  ['GlobalAveragePool', globalPool('averagePool')],
  ['Resize', resize],
  ['Upsample', resize],
  ['Pad', pad],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
  // products
  ['Gemm', gemm],
  ['MatMul', matmul],
  ['Einsum', einsum],
  // normalisation
  ['BatchNormalization', batchNorm],
  ['InstanceNormalization', instanceNorm],
  ['GroupNormalization', groupNormalization],
  ['LayerNormalization', layerNorm],
  ['Softmax', softmax(false)],
  ['LogSoftmax', softmax(true)],
  // curves
  ['Relu', relu],
  ['LeakyRelu', leaky],
  ['PRelu', prelu],
  ['Clip', clip],
  ['Sigmoid', curve({ kind: 'logistic' })],
  ['Tanh', curve({ kind: 'tanh' })],
  ['Mish', curve({ kind: 'mish' })],
  ['Gelu', gelu],
  ['Erf', curve({ kind: 'erf' })],
  ['Elu', curve((lowering) => ({ kind: 'elu', alpha: alpha(1)(lowering) }))],
  [
    'Selu',
    curve(({ at }) => ({
      kind: 'selu',
      alpha: at.float('alpha', 1.67326319),
      beta: at.float('gamma', 1.05070102),
    })),
  ],
  ['Celu', curve((lowering) => ({ kind: 'celu', alpha: alpha(1)(lowering) }))],
  ['Softplus', curve({ kind: 'softplus' })],
  ['Softsign', curve({ kind: 'softsign' })],
  ['HardSwish', curve({ kind: 'hardSwish' })],
  [
    'HardSigmoid',
    curve(({ at }) => ({ kind: 'hardSigmoid', alpha: at.float('alpha', 0.2), beta: at.float('beta', 0.5) })),
  ],
  ['Exp', curve({ kind: 'exp' })],
  ['Log', curve({ kind: 'log' })],
  ['Sqrt', curve({ kind: 'sqrt' })],
  ['Reciprocal', curve({ kind: 'reciprocal' })],
  ['Abs', curve({ kind: 'abs' })],
  ['Neg', curve({ kind: 'affine', alpha: -1, beta: 0 })],
  // two operands
  ['Add', binary('add')],
  ['Sum', binary('add')],
  ['Sub', binary('sub')],
  ['Mul', binary('mul')],
  ['Div', binary('div')],
  ['Min', binary('min')],
  ['Max', binary('max')],
  ['Pow', binary('pow')],
  // reductions
  ['ReduceMean', reduce('mean')],
  ['ReduceSum', reduce('sum')],
  ['ReduceMax', reduce('max')],
  ['ReduceMin', reduce('min')],
  ['ReduceProd', reduce('prod')],
  ['ReduceL1', reduce('l1')],
  ['ReduceL2', reduce('l2')],
  ['ReduceSumSquare', reduce('sumSquare')],
  ['ArgMax', reduce('argMax')],
  ['ArgMin', reduce('argMin')],
  // what moves values, or only looks at them otherwise
  ['Reshape', reshaped],
  ['Flatten', reshaped],
  ['Squeeze', reshaped],
  ['Unsqueeze', reshaped],
  ['Transpose', transposed],
  ['Slice', sliced],
  ['Split', split],
  ['Concat', concat],
  ['Expand', expanded],
  ['Tile', tiled],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  // scales that the file gives
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
  ['Identity', same],
  ['Dropout', same],
])
