import { limits } from '../../limits.js'
import { sizes } from '../../program/sizes.js'
import {
  type Block,
  integers,
  type Loader,
  type NodeView,
  type OperatorDescriptor,
  pixelCount,
  roundUp,
} from '../descriptor.js'
import { isInt8, multipliers, proveAccumulator } from '../kernels/convolution.js'
import { type Phase, phaseBias, phaseWeights, transposedGeometry } from '../kernels/phases.js'
import { transposedKernels } from '../kernels/transposed.js'
import {
  activationAttributes,
  fail,
  isHomogeneous,
  isLinear,
  outputFields,
  realTypes,
  requireFeatureMap,
} from './shared.js'

/**
 * Transposed 2-D convolution, bias, fused activation: an input pixel (y, x) adds its weights to the
 * outputs from (y * stride - pad) on. weight is OHWI [out, kh, kw, in], not flipped; types as
 * conv's. The bias is [out], or [phases down, phases across, out] where it differs by phase: by
 * position, for an input of one pixel.
 */
export const convTranspose: OperatorDescriptor = {
  op: 'convTranspose',
  types: realTypes,
  scales: 'weights',
  writesFloat: isLinear,
  passesFactors: isHomogeneous,
  // Of a convolution's taps every one meets an input pixel; of these, those whose phase fits.
  tapShare: ({ inputs, output }) => Math.min(1, pixelCount(inputs[0].shape) / pixelCount(output.shape)),
  arity: [1, 1],
  attributes: {
    kernel: { kind: 'integers', length: 2, min: 1, max: limits.kernel },
    strides: { kind: 'integers', length: 2, min: 1, max: limits.stride },
    pads: { kind: 'integers', length: 4, min: 0, max: limits.kernel },
    ...activationAttributes,
  },
  inPlace: false,
  summed: true,
  storage: 'kernel',
  constantRoles: (view) => (isInt8(view) ? ['weight', 'bias', 'weightScale'] : ['weight', 'bias']),
  infer,
  macs(view) {
    const { phases, inputs, outputs } = transposedGeometry(view)
    return phases.reduce((sum, { pixels, taps }) => sum + pixels * taps * inputs * outputs, 0)
  },
  /** Whole panels of output channels, and what gathering a field takes. */
  cost(view) {
    const { phases, inputs, outputs } = transposedGeometry(view)
    const fields = phases.reduce((sum, { pixels, taps }) => sum + pixels * taps * inputs, 0)
    return fields * (roundUp(outputs, 8) + 4)
  },
  scratchBytes(view) {
    const { block } = transposedGeometry(view)
    const { instructionBytes, gatherSlackBytes } = sizes
    return instructionBytes + roundUp(block * 4, 64) + block * fieldBytes(view) + gatherSlackBytes
  },
  blocks,
  load,
  kernels: transposedKernels,
  emit(view, place) {
    const { kernel, strides, pads, inputs, outputs, block, leastTapsX } = transposedGeometry(view)
    const int8 = isInt8(view)
    const input = place.input(0)
    return {
      opcode: int8 ? 'convTransposeS8' : 'convTransposeF32',
      fields: {
        input: input.address,
        output: place.output.address,
        weights: place.block('weight'),
        bias: place.block('bias'),
        multipliers: int8 ? place.block('multiplier') : 0,
        inputHeight: view.inputs[0].shape[1],
        inputWidth: view.inputs[0].shape[2],
        inputChannels: inputs,
        inputStride: input.stride,
        outputHeight: view.output.shape[1],
        outputWidth: view.output.shape[2],
        outputChannels: outputs,
        outputStride: place.output.stride,
        kernelHeight: kernel[0],
        kernelWidth: kernel[1],
        strideY: strides[0],
        strideX: strides[1],
        padTop: pads[0],
        padLeft: pads[1],
        leastTapsX,
        ...outputFields(view),
        scratch: place.scratch,
        block,
      },
    }
  },
}

/** Bytes of one packed receptive field of the deepest phase. */
const fieldBytes = (view: NodeView): number => transposedGeometry(view).bytes

function infer(view: NodeView): readonly number[] {
  const [, height, width, channels] = requireFeatureMap(view, view.inputs[0])
  const { weight, bias, weightScale } = view.constants
  const kernel = integers(view, 'kernel')
  const [top, left, bottom, right] = integers(view, 'pads')
  const [sy, sx] = integers(view, 'strides')
  const int8 = isInt8(view)
  if (weight.shape.length !== 4) fail(view, 'E_MODEL_SHAPE', `${weight.name} must have 4 dimensions (OHWI)`)
  const outputs = weight.shape[0]
  const expected = [outputs, ...kernel, channels]
  if (expected.some((n, i) => n !== weight.shape[i])) {
    fail(view, 'E_MODEL_SHAPE', `${weight.name} is [${weight.shape}], expected [${expected}]`)
  }
  const rows = (height - 1) * sy + kernel[0] - top - bottom
  const columns = (width - 1) * sx + kernel[1] - left - right
  if (Math.max(top, bottom) >= kernel[0] || Math.max(left, right) >= kernel[1] || rows < 1 || columns < 1) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `padding [${[top, left, bottom, right]}] leaves ${rows}x${columns} of a kernel ${kernel.join('x')}`,
    )
  }
  if (rows > limits.dimension || columns > limits.dimension || rows * columns * outputs > limits.elements) {
    fail(view, 'E_MODEL_SHAPE', `the result would be ${rows}x${columns}x${outputs}`)
  }
  const shape = [1, rows, columns, outputs]
  // What follows looks at the output, which a file may declare with another shape.
  if (shape.some((n, i) => n !== view.output.shape[i])) return shape
  const wanted = int8 ? { weight: 'int8', bias: 'int32' } : { weight: 'float32', bias: 'float32' }
  if (weight.dtype !== wanted.weight)
    fail(view, 'E_MODEL_OPERATOR', `${weight.name} must be ${wanted.weight}`)
  if (bias.dtype !== wanted.bias) fail(view, 'E_MODEL_OPERATOR', `${bias.name} must be ${wanted.bias}`)
  const { grid } = transposedGeometry(view)
  const fits = (form: readonly number[]): boolean =>
    bias.shape.length === form.length && form.every((n, i) => n === bias.shape[i])
  if (!fits([outputs]) && !fits([...grid, outputs])) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `${bias.name} is [${bias.shape}], expected [${outputs}] or [${[...grid, outputs]}]`,
    )
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
  return shape
}

/** Bytes of a phase's packed weights. */
function weightBytes(view: NodeView, { taps }: Phase): number {
  const [, , , inputs] = view.inputs[0].shape
  const panels = Math.ceil(view.output.shape[3] / 8)
  return panels * (isInt8(view) ? Math.ceil((taps * inputs) / 2) : taps * inputs) * 32
}

function blocks(view: NodeView): readonly Block[] {
  const { phases, outputs } = transposedGeometry(view)
  const list: Block[] = [
    { role: 'weight', bytes: phases.reduce((sum, phase) => sum + weightBytes(view, phase), 0) },
    { role: 'bias', bytes: phases.length * roundUp(outputs, 8) * 4 },
  ]
  if (isInt8(view)) list.push({ role: 'multiplier', bytes: roundUp(outputs, 8) * 4 })
  return list
}

function load(view: NodeView, loader: Loader): void {
  const { phases, outputs, inputs } = transposedGeometry(view)
  const zeroPoint = view.inputs[0].quantization?.zeroPoint ?? 0
  const padded = roundUp(outputs, 8)
  const biases = new Float32Array(phases.length * padded)
  let target = loader.block('weight')
  phases.forEach((phase, p) => {
    const depth = phase.taps * inputs
    if (isInt8(view)) {
      const at = loader.block('bias') + p * padded * 4
      const source = loader.stage(phaseWeights(view, phase, new Int8Array(outputs * depth)))
      const bias = loader.stage(phaseBias(view, p))
      loader.engine.pack_conv_s8(source, target, bias, outputs, depth, 1, zeroPoint, at)
    } else {
      const source = loader.stage(phaseWeights(view, phase, new Float32Array(outputs * depth)))
      loader.engine.pack_conv_f32(source, target, outputs, depth, 1)
      biases.set(phaseBias(view, p), p * padded)
    }
    target += weightBytes(view, phase)
  })
  if (isInt8(view)) {
    const scales = new Float32Array(padded)
    scales.set(multipliers(view))
    loader.write('multiplier', scales)
  } else loader.write('bias', biases)
}
