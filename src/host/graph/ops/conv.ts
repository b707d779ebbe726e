import { limits } from '../../limits.js'
import { sizes } from '../../program/sizes.js'
import {
  type Block,
  elements,
  integer,
  integers,
  type Loader,
  type NodeView,
  type OperatorDescriptor,
  roundUp,
} from '../descriptor.js'
import {
  convolutionFields,
  depthOf,
  fieldBytes,
  foldedBias,
  geometry,
  isDepthwise,
  isInt8,
  multipliers,
  panels,
  proveAccumulator,
  shareSums,
} from '../kernels/convolution.js'
import { productKernels } from '../kernels/products.js'
import { stridedKernels } from '../kernels/strided.js'
import { winogradKernels } from '../kernels/winograd.js'
import type { Constant } from '../types.js'
import { units, workOfValues } from '../work.js'
import {
  activationAttributes,
  fail,
  isHomogeneous,
  isLinear,
  realTypes,
  requireFeatureMap,
  windowed,
} from './shared.js'

const macsOf = (view: NodeView): number => elements(view.output.shape) * depthOf(view)

/**
 * 2-D convolution, bias, fused activation. weight is OHWI [out, kh, kw, in / groups]. In int8 the
 * bias is int32 with scale s_in * s_w and weightScale holds s_w per output channel. An int8 node
 * with a float32 output is a head: it is dequantised per channel by the kernel.
 */
export const conv: OperatorDescriptor = {
  op: 'conv',
  types: realTypes,
  scales: 'weights',
  writesFloat: isLinear,
  passesFactors: isHomogeneous,
  depthwise: isDepthwise,
  arity: [1, 1],
  attributes: {
    kernel: { kind: 'integers', length: 2, min: 1, max: limits.kernel },
    strides: { kind: 'integers', length: 2, min: 1, max: limits.stride },
    pads: { kind: 'integers', length: 4, min: 0, max: limits.kernel },
    groups: { kind: 'integer', min: 1, max: limits.channels },
    ...activationAttributes,
  },
  inPlace: false,
  summed: true,
  storage: 'kernel',
  constantRoles: (view) => (isInt8(view) ? ['weight', 'bias', 'weightScale'] : ['weight', 'bias']),
  infer,
  macs: macsOf,
  work: (view) => macsOf(view) * (integer(view, 'groups', 1) > 1 ? units.grouped : 1) + workOfValues(view),
  scratchBytes,
  blocks,
  load,
  slice,
  narrow: (view) => isInt8(view) && !isDepthwise(view) && foldedBias(view).narrow,
  kernels: [...winogradKernels, ...stridedKernels, ...productKernels],
  emit(view, place) {
    const int8 = isInt8(view)
    const opcode = isDepthwise(view) ? (int8 ? 'depthwiseS8' : 'depthwiseF32') : int8 ? 'convS8' : 'convF32'
    return { opcode, fields: convolutionFields(view, place) }
  },
}

function scratchBytes(view: NodeView): number {
  const { groups, block, kernel } = geometry(view)
  if (!isDepthwise(view)) return block * fieldBytes(view) + sizes.gatherSlackBytes
  return isInt8(view) ? groups + 4 * (kernel[0] * kernel[1] + 1) + 128 : 0
}

function infer(view: NodeView): readonly number[] {
  const [, height, width, channels] = requireFeatureMap(view, view.inputs[0])
  const { weight, bias, weightScale } = view.constants
  const [kh, kw] = integers(view, 'kernel')
  const [top, left, bottom, right] = integers(view, 'pads')
  const [sy, sx] = integers(view, 'strides')
  const groups = integer(view, 'groups', 1)
  const int8 = isInt8(view)
  if (weight.shape.length !== 4) fail(view, 'E_MODEL_SHAPE', `${weight.name} must have 4 dimensions (OHWI)`)
  const outputs = weight.shape[0]
  if (channels % groups !== 0 || outputs % groups !== 0) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `${groups} groups do not divide ${channels} input and ${outputs} output channels`,
    )
  }
  const expected = [outputs, kh, kw, channels / groups]
  if (expected.some((n, i) => n !== weight.shape[i])) {
    fail(view, 'E_MODEL_SHAPE', `${weight.name} is [${weight.shape}], expected [${expected}]`)
  }
  if (top >= kh || bottom >= kh || left >= kw || right >= kw) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `padding [${[top, left, bottom, right]}] must be less than the kernel ${kh}x${kw}`,
    )
  }
  const wanted = int8 ? { weight: 'int8', bias: 'int32' } : { weight: 'float32', bias: 'float32' }
  if (weight.dtype !== wanted.weight)
    fail(view, 'E_MODEL_OPERATOR', `${weight.name} must be ${wanted.weight}`)
  if (bias.dtype !== wanted.bias) fail(view, 'E_MODEL_OPERATOR', `${bias.name} must be ${wanted.bias}`)
  if (bias.shape.length !== 1 || bias.shape[0] !== outputs) {
    fail(view, 'E_MODEL_SHAPE', `${bias.name} is [${bias.shape}], expected [${outputs}]`)
  }
  if (!int8 && view.output.dtype !== 'float32') {
    fail(view, 'E_MODEL_OPERATOR', `a float32 input needs a float32 output, not ${view.output.dtype}`)
  }
  if (int8) {
    if (
      weightScale.dtype !== 'float32' ||
      weightScale.shape.length !== 1 ||
      weightScale.shape[0] !== outputs
    ) {
      fail(view, 'E_MODEL_SHAPE', `${weightScale.name} must be float32 [${outputs}]`)
    }
    if (view.output.dtype === 'float32' && !isLinear(view.node)) {
      fail(view, 'E_MODEL_OPERATOR', 'an int8 convolution with a float32 output has no activation')
    }
    multipliers(view)
    proveAccumulator(view)
  }
  return [1, windowed(height, top, bottom, kh, sy), windowed(width, left, right, kw, sx), outputs]
}

/** All its constants have a row an output channel. */
function slice(view: NodeView, first: number, channels: number): NodeView | undefined {
  if (integer(view, 'groups', 1) !== 1) return undefined
  const rows = (constant: Constant): Constant => {
    const row = elements(constant.shape.slice(1))
    return {
      ...constant,
      shape: [channels, ...constant.shape.slice(1)],
      data: constant.data.subarray(first * row, (first + channels) * row),
    }
  }
  const { output, constants } = view
  const part = {
    ...view,
    output: { ...output, shape: [...output.shape.slice(0, 3), channels] },
    constants: Object.fromEntries(Object.entries(constants).map(([role, one]) => [role, rows(one)])),
  }
  shareSums(view, part, first, channels)
  return part
}

function blocks(view: NodeView): readonly Block[] {
  const { groups, outputChannels } = geometry(view)
  const depth = depthOf(view)
  const int8 = isInt8(view)
  const perGroup = isDepthwise(view) ? roundUp(groups, 8) / groups : roundUp(outputChannels, 8)
  const weight = isDepthwise(view)
    ? roundUp(groups, 8) * (int8 ? Math.ceil(depth / 2) * 4 : depth * 4)
    : groups * Math.ceil(outputChannels / 8) * (int8 ? Math.ceil(depth / 2) : depth) * 32
  const list: Block[] = [
    { role: 'weight', bytes: weight },
    { role: 'bias', bytes: groups * perGroup * 4 },
  ]
  if (int8) list.push({ role: 'multiplier', bytes: groups * perGroup * 4 })
  return list
}

function load(view: NodeView, loader: Loader): void {
  const { groups, outputChannels } = geometry(view)
  const depth = depthOf(view)
  const { weight, bias } = view.constants
  const zeroPoint = view.inputs[0].quantization?.zeroPoint ?? 0
  const source = loader.stage(weight.data)
  const target = loader.block('weight')
  const depthwise = isDepthwise(view)
  const padGroups = depthwise ? 1 : groups
  if (isInt8(view)) {
    const staged = loader.stage(bias.data)
    if (depthwise)
      loader.engine.pack_depthwise_s8(source, target, staged, groups, depth, zeroPoint, loader.block('bias'))
    else {
      loader.engine.pack_conv_s8(
        source,
        target,
        staged,
        outputChannels,
        depth,
        groups,
        zeroPoint,
        loader.block('bias'),
      )
    }
    loader.write('multiplier', panels(multipliers(view), padGroups))
  } else {
    if (depthwise) loader.engine.pack_depthwise_f32(source, target, groups, depth)
    else loader.engine.pack_conv_f32(source, target, outputChannels, depth, groups)
    loader.write('bias', panels(bias.data as Float32Array, padGroups))
  }
}
