import { limits } from '../../limits.js'
import { outputTypes } from '../../program/kinds.js'
import { numbers, sizes } from '../../program/sizes.js'
import {
  type Block,
  elements,
  integer,
  type Loader,
  type NodeView,
  type OperatorDescriptor,
  roundUp,
} from '../descriptor.js'
import { fail, floatOnly, multiplier } from './shared.js'
import { requireConstant, requireTokens } from './tokens.js'

/**
 * Bytes of packed rows that a kernel works on at a time: they should stay in the second-level
 * cache.
 */
const blockBytes = 256 * 1024
const maxBlock = 64
/** The same of seven products of halves, which pays from eight rows on: the more, the better. */
const seven = { blockBytes: 800 * 1024, minBlock: 8, maxBlock: 256 }
/** The weights from which a layer is large. */
const largeWeights = 1 << 18

/**
 * Tokens times weights [out, in], plus bias, in float32. With int8 weights and `weightScale`, one
 * for each output channel, the kernel quantises each token by its own largest value and multiplies
 * int8 with int8 exactly; `bits` 7 keeps both to 7 bits.
 */
export const linear: OperatorDescriptor = {
  op: 'linear',
  types: floatOnly,
  scales: 'fresh',
  dynamic: {
    weights: true,
    attributes: (bits): Readonly<Record<string, number>> => (bits === 8 ? {} : { bits }),
  },
  arity: [1, 1],
  attributes: { bits: { kind: 'integer', min: 7, max: 8, optional: true } },
  inPlace: false,
  storage: 'kernel',
  narrow: (view) => isInt8(view) && limitOf(view) === numbers.narrowLimit,
  lateRoles: ['weight'],
  constantRoles: (view) => (isInt8(view) ? ['weight', 'bias', 'weightScale'] : ['weight', 'bias']),
  infer(view) {
    const { tokens, channels } = requireTokens(view)
    const { weight, bias, weightScale } = view.constants
    const outputs = weight.shape[0]
    requireConstant(view, weight, isInt8(view) ? 'int8' : 'float32', outputs, channels)
    requireConstant(view, bias, 'float32', outputs)
    if (outputs > limits.dimension) fail(view, 'E_MODEL_SHAPE', `${outputs} output channels are too many`)
    if (isInt8(view)) {
      requireConstant(view, weightScale, 'float32', outputs)
      // What stays in the file is looked at when it is loaded.
      if (weight.read === undefined && limitOf(view) < numbers.wideLimit) proveNarrow(view)
      for (const [o, scale] of weightScale.data.entries()) multiplier(view, scale, `output channel ${o}`)
    }
    return [1, 1, tokens, outputs]
  },
  macs: (view) => elements(view.output.shape) * view.inputs[0].shape[3],
  scratchBytes(view) {
    const { block, halves } = blockOf(view)
    const row = rowBytes(view)
    if (!isInt8(view)) return block * row + sizes.gatherSlackBytes
    if (!halves) return block * (row + 4 + 32) + sizes.linearPanelBytes
    const depth = view.inputs[0].shape[3]
    return halfOf(block) * (7 * depth + 448 + 8) + depth * 16 + sevenPanelBytes(chunkOf(view))
  },
  blocks,
  load,
  emit(view, place) {
    const [, , tokens, outputChannels] = view.output.shape
    const input = place.input(0)
    const inputChannels = view.inputs[0].shape[3]
    const { block, halves } = blockOf(view)
    const common = {
      input: input.address,
      output: place.output.address,
      weights: place.block('weight'),
      bias: place.block('bias'),
      inputChannels,
      inputStride: input.stride,
      outputChannels,
      outputStride: place.output.stride,
      scratch: place.scratch,
      block,
    }
    if (isInt8(view))
      return {
        opcode: 'linearS8',
        fields: {
          ...common,
          scales: place.block('scale'),
          tokens,
          limit: limitOf(view),
          seven: halves ? chunkOf(view) : 0,
        },
      }
    // A 1x1 convolution over a picture one pixel high.
    return {
      opcode: 'convF32',
      fields: {
        ...common,
        multipliers: 0,
        inputHeight: 1,
        inputWidth: tokens,
        outputHeight: 1,
        outputWidth: tokens,
        kernelHeight: 1,
        kernelWidth: 1,
        strideY: 1,
        strideX: 1,
        padTop: 0,
        padLeft: 0,
        groups: 1,
        inputZeroPoint: 0,
        outputZeroPoint: 0,
        slope: 1,
        low: Number.NEGATIVE_INFINITY,
        high: Number.POSITIVE_INFINITY,
        outputType: outputTypes.float32,
      },
    }
  },
}

/** The activations are float32 in both forms: it is the weights that tell. */
const isInt8 = (view: NodeView): boolean => Object.hasOwn(view.node.constants, 'weightScale')

/** Of 7 bits, tokens and weights are within -63..63, as the relaxed dot product needs them. */
const limitOf = (view: NodeView): number =>
  integer(view, 'bits', 8) === 7 ? numbers.narrowLimit : numbers.wideLimit

/**
 * Weights that have been looked through: a session looks at its model again for each other number
 * of tokens.
 */
const narrow = new WeakSet<ArrayBufferView>()

function proveNarrow(view: NodeView): void {
  const { data, name } = view.constants.weight
  if (narrow.has(data)) return
  for (let n = 0; n < data.length; n++) {
    if (Math.abs(data[n]) > numbers.narrowLimit)
      fail(view, 'E_MODEL_QUANTIZATION', `${name} holds ${data[n]}, beyond the 7 bits that the node promises`)
  }
  narrow.add(data)
}

const rowBytes = (view: NodeView): number => {
  const [, , , depth] = view.inputs[0].shape
  return isInt8(view) ? Math.ceil(depth / 16) * 32 : depth * 4
}

/** Rows of a half of a block, in whole groups of four. */
const halfOf = (block: number): number => roundUp(Math.ceil(block / 2), 4)

/** All panels that are widened at a time, of `pairs` pairs of depth each. */
const sevenPanelBytes = (pairs: number): number => sizes.sevenPanels * (pairs * 32 + sizes.sevenGapBytes)

/** Short panels take less memory, long ones less time. */
const chunkOf = (view: NodeView): number =>
  elements(view.constants.weight.shape) < largeWeights ? sizes.sevenShortPairs : sizes.sevenLongPairs

/**
 * How many rows a kernel works on at a time, about the same number each time, and whether by
 * products of halves.
 */
function blockOf(view: NodeView): { block: number; halves: boolean } {
  const [, , tokens, outputs] = view.output.shape
  const [, , , depth] = view.inputs[0].shape
  if (isInt8(view) && depth % 16 === 0 && outputs % 32 === 0) {
    const fits = Math.min(seven.maxBlock, Math.floor(seven.blockBytes / (depth * 3.5)))
    const block = Math.ceil(tokens / Math.ceil(tokens / fits))
    if (block >= seven.minBlock) return { block: roundUp(block, 2), halves: true }
  }
  const fits = Math.max(4, Math.min(Math.floor(blockBytes / rowBytes(view) / 4) * 4, maxBlock))
  return { block: roundUp(Math.ceil(tokens / Math.ceil(tokens / fits)), 4), halves: false }
}

function blocks(view: NodeView): readonly Block[] {
  const [, , , outputs] = view.output.shape
  const [, , , depth] = view.inputs[0].shape
  const panels = Math.ceil(outputs / 8)
  const padded = panels * 8 * 4
  const list = [
    { role: 'weight', bytes: panels * (isInt8(view) ? roundUp(depth, 8) * 8 : depth * 32) },
    { role: 'bias', bytes: padded },
  ]
  return isInt8(view) ? [...list, { role: 'scale', bytes: padded }] : list
}

function load(view: NodeView, loader: Loader): void {
  const { weight, bias, weightScale } = view.constants
  const [outputs, depth] = weight.shape
  const source = loader.stage(weight)
  checkWeights(view, loader, source)
  if (isInt8(view)) {
    loader.engine.pack_linear_s8(source, loader.block('weight'), outputs, depth, limitOf(view))
    loader.write('scale', padded(weightScale.data))
  } else loader.engine.pack_conv_f32(source, loader.block('weight'), outputs, depth, 1)
  loader.write('bias', padded(bias.data))
}

/** Weights that come from the file to the engine's memory have been seen by nobody before. */
function checkWeights(view: NodeView, { engine }: Loader, source: number): void {
  const { name, shape } = view.constants.weight
  const count = elements(shape)
  const limit = limitOf(view)
  const at = isInt8(view)
    ? engine.find_beyond_s8(source, count, limit)
    : engine.find_not_finite_f32(source, count)
  if (at === count) return
  const rule = isInt8(view) ? `a weight beyond ${limit}` : 'a value that is not finite'
  fail(view, 'E_MODEL_QUANTIZATION', `${name} holds ${rule} at ${at}`)
}

/** Whole panels of 8 channels, with zeros. */
function padded(values: Int8Array | Int32Array | Float32Array): Float32Array {
  const list = new Float32Array(roundUp(values.length, 8))
  list.set(values)
  return list
}
