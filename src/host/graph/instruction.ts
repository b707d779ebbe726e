/**
 * The engine's program: fixed-size instructions of 32 little-endian 32-bit words in linear memory.
 * Word 0 is the opcode, the rest are its fields, listed here in order from word 1. Fields named
 * `...F` hold the bits of a float32. This is the host's copy of `assembly/opcodes.ts`; a test
 * compares the two.
 */
export const instructionWords = 32
export const instructionBytes = instructionWords * 4

/** The last word of every instruction: bytes from one thread's scratch to the next one's. No field may lie here. */
export const scratchStrideWord = instructionWords - 1

export const opcodes = {
  convS8: 1,
  depthwiseS8: 2,
  convF32: 3,
  depthwiseF32: 4,
  maxPoolS8: 5,
  maxPoolF32: 6,
  averagePoolS8: 7,
  averagePoolF32: 8,
  upsample: 9,
  copy: 10,
  requantizeS8: 11,
  addS8: 12,
  addF32: 13,
  tableS8: 14,
  activationF32: 15,
  quantizeS8: 16,
  dequantizeS8: 17,
  preprocess: 18,
  winograd43S8: 19,
  winograd23S8: 20,
  linearS8: 40,
  layerNormF32: 41,
  softmaxF32: 42,
  attentionF32: 43,
  patchesF32: 44,
  embedTokensF32: 45,
  scatterTokensF32: 46,
} as const

const convolution = [
  'input',
  'output',
  'weights',
  'bias',
  'multipliers',
  'inputHeight',
  'inputWidth',
  'inputChannels',
  'inputStride',
  'outputHeight',
  'outputWidth',
  'outputChannels',
  'outputStride',
  'kernelHeight',
  'kernelWidth',
  'strideY',
  'strideX',
  'padTop',
  'padLeft',
  'groups',
  'inputZeroPoint',
  'outputZeroPoint',
  'slopeF',
  'low',
  'high',
  'outputType',
  'scratch',
  'block',
] as const
const winograd = [
  'input',
  'output',
  'weights',
  'multipliers',
  'inputHeight',
  'inputWidth',
  'inputChannels',
  'inputStride',
  'outputHeight',
  'outputWidth',
  'outputChannels',
  'outputStride',
  'padTop',
  'padLeft',
  'inputZeroPoint',
  'outputZeroPoint',
  'slopeF',
  'low',
  'high',
  'outputType',
  'scratch',
  /** Groups of 4 tiles that are worked on at a time, at most. */
  'block',
  /** Panels of 8 output channels whose weights lie together. */
  'chunk',
  /** 0: dot products of pairs, 1: multiply-adds; the weights are packed for one of them. */
  'product',
] as const
const pool = [
  'input',
  'output',
  'inputHeight',
  'inputWidth',
  'channels',
  'inputStride',
  'outputHeight',
  'outputWidth',
  'outputStride',
  'kernelHeight',
  'kernelWidth',
  'strideY',
  'strideX',
  'padTop',
  'padLeft',
] as const
const pixelwise = ['input', 'output', 'pixels', 'channels', 'inputStride', 'outputStride'] as const
/** `tokens` are those chosen, without the class token; `places` all there are. */
const tokenwise = ['input', 'output', 'tokens', 'channels', 'inputStride', 'outputStride', 'places'] as const
const add = [
  'inputA',
  'inputB',
  'output',
  'pixels',
  'channels',
  'strideA',
  'strideB',
  'outputStride',
  'zeroPointA',
  'multiplierAF',
  'zeroPointB',
  'multiplierBF',
  'outputZeroPoint',
  'slopeF',
  'low',
  'high',
] as const

/** Field names of each opcode, from word 1 on. */
export const fields = {
  /** Strides are bytes between neighbouring pixels; channels are those of one group. */
  convS8: convolution,
  depthwiseS8: convolution,
  /** As convS8, with `low` and `high` float32 bits and no multipliers or zero points. */
  convF32: convolution,
  depthwiseF32: convolution,
  maxPoolS8: pool,
  maxPoolF32: pool,
  averagePoolS8: pool,
  averagePoolF32: pool,
  upsample: [
    'input',
    'output',
    'inputHeight',
    'inputWidth',
    'pixelBytes',
    'inputStride',
    'outputStride',
    'scale',
  ],
  copy: ['input', 'output', 'pixels', 'pixelBytes', 'inputStride', 'outputStride'],
  requantizeS8: [...pixelwise, 'inputZeroPoint', 'multiplierF', 'outputZeroPoint'],
  addS8: add,
  addF32: add,
  tableS8: [...pixelwise, 'table'],
  activationF32: [...pixelwise, 'kind'],
  quantizeS8: [...pixelwise, 'multiplierF', 'zeroPoint'],
  dequantizeS8: [...pixelwise, 'multiplierF', 'zeroPoint'],
  preprocess: [
    'source',
    'output',
    'sourceWidth',
    'sourceHeight',
    'outputWidth',
    'outputHeight',
    'outputStride',
    'outputType',
    'table',
    'resizedWidth',
    'resizedHeight',
    'offsetX',
    'offsetY',
    'pad',
    'scratch',
    'swapRedBlue',
  ],
  /** Strides are bytes between neighbouring tokens. */
  linearS8: [
    'input',
    'output',
    'weights',
    'bias',
    'scales',
    'tokens',
    'inputChannels',
    'inputStride',
    'outputChannels',
    'outputStride',
    'scratch',
    'block',
  ],
  layerNormF32: [...pixelwise, 'gamma', 'beta', 'epsilonF'],
  softmaxF32: pixelwise,
  attentionF32: [
    'input',
    'output',
    'tokens',
    'heads',
    'headChannels',
    'inputStride',
    'outputStride',
    'scaleF',
    'scratch',
  ],
  patchesF32: [
    'input',
    'output',
    'tokens',
    'outputStride',
    'inputStride',
    'inputWidth',
    'patch',
    'columns',
    'places',
    'indices',
    'channels',
  ],
  embedTokensF32: [...tokenwise, 'first', 'positions', 'indices'],
  scatterTokensF32: [...tokenwise, 'mask', 'positions', 'indices'],
  winograd43S8: winograd,
  winograd23S8: winograd,
} as const satisfies Record<keyof typeof opcodes, readonly string[]>

export type Opcode = keyof typeof opcodes

/** `kind` of activationF32. */
export const activationKinds = { logistic: 1, mish: 2, swish: 3, gelu: 4 } as const

export type Fields<O extends Opcode> = Record<(typeof fields)[O][number], number>
