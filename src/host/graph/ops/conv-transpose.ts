import { limits } from '../../limits.js'
import {
  type Block,
  floatBits,
  integers,
  type Loader,
  type NodeView,
  type OperatorDescriptor,
  roundUp,
} from '../descriptor.js'
import { blockBytes, isInt8, maxBlock, multipliers, proveAccumulator } from '../kernels/convolution.js'
import { activationAttributes, activationBounds, activationSlope, fail, requireFeatureMap } from './shared.js'

/**
 * Transposed 2-D convolution, bias, fused activation: an input pixel (y, x) adds its weights to the outputs from
 * (y * stride - pad) on. weight is OHWI [out, kh, kw, in], not flipped; types as conv's. The bias is [out], or
 * [phases down, phases across, out] where it differs by phase: by position, for an input of one pixel.
 */
export const convTranspose: OperatorDescriptor = {
  op: 'convTranspose',
  arity: [1, 1],
  attributes: {
    kernel: { kind: 'integers', length: 2, min: 1, max: limits.kernel },
    strides: { kind: 'integers', length: 2, min: 1, max: limits.stride },
    pads: { kind: 'integers', length: 4, min: 0, max: limits.kernel },
    ...activationAttributes,
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: (view) => (isInt8(view) ? ['weight', 'bias', 'weightScale'] : ['weight', 'bias']),
  infer,
  macs(view) {
    const { phases, inputs, outputs } = geometry(view)
    return phases.reduce((sum, { pixels, taps }) => sum + pixels * taps * inputs * outputs, 0)
  },
  scratchBytes(view) {
    const { block } = geometry(view)
    return 128 + roundUp(block * 4, 64) + block * fieldBytes(view) + 64
  },
  blocks,
  load,
  emit(view, place) {
    const { kernel, strides, pads, inputs, outputs, block, leastTapsX } = geometry(view)
    const { low, high } = activationBounds(view)
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
        inputZeroPoint: view.inputs[0].quantization?.zeroPoint ?? 0,
        outputZeroPoint: view.output.quantization?.zeroPoint ?? 0,
        slopeF: floatBits(activationSlope(view)),
        low,
        high,
        outputType: view.output.dtype === 'float32' ? 1 : 0,
        scratch: place.scratch,
        block,
      },
    }
  },
}

/** The convolution that makes every `stride`-th output of one direction; assembly/kernels/transposed_phase.ts. */
export interface AxisPhase {
  /** The kernel's positions, in the order in which they meet the input; undefined where there is none. */
  readonly taps: readonly (number | undefined)[]
  readonly size: number
  /** Padding before the input; negative where the first inputs serve no output. */
  readonly before: number
  /** Whether output m is made from input m alone. */
  readonly plain: boolean
}

export interface Phase {
  readonly rows: AxisPhase
  readonly columns: AxisPhase
  readonly taps: number
  readonly pixels: number
}

function axisPhases(
  input: number,
  output: number,
  kernel: number,
  stride: number,
  pad: number,
  least: number,
): AxisPhase[] {
  return Array.from({ length: Math.min(stride, output) }, (_, first) => {
    const rest = (first + pad) % stride
    const count = Math.max(least, Math.ceil((kernel - rest) / stride))
    const taps = Array.from({ length: count }, (_, t) => {
      const k = rest + (count - 1 - t) * stride
      return k < kernel ? k : undefined
    })
    const size = Math.ceil((output - first) / stride)
    const plain = count === 1 && Math.floor((first + pad) / stride) === 0 && size === input
    return { taps, size, before: count - 1 - Math.floor((first + pad) / stride), plain }
  })
}

/** The ordinary convolutions that a transposed one falls into, row by row, and how many rows and columns of them. */
export const convTransposePhases = (view: NodeView) => geometry(view)

function geometry(view: NodeView) {
  const [, inputHeight, inputWidth, inputs] = view.inputs[0].shape
  const [, outputHeight, outputWidth, outputs] = view.output.shape
  const kernel = integers(view, 'kernel')
  const pads = integers(view, 'pads')
  // One input pixel has no next one: with the stride of a whole kernel each output is a phase with a single tap.
  const strides = integers(view, 'strides').map((stride, axis) =>
    (axis === 0 ? inputHeight : inputWidth) === 1 ? kernel[axis] : stride,
  )
  const rows = axisPhases(inputHeight, outputHeight, kernel[0], strides[0], pads[0], 1)
  const across = (least: number) => axisPhases(inputWidth, outputWidth, kernel[1], strides[1], pads[1], least)
  const single = across(1)
  const needsCoordinates = rows.some((r) =>
    single.some((c) => r.taps.length === 1 && c.taps.length === 1 && !(r.plain && c.plain)),
  )
  const leastTapsX = needsCoordinates ? 2 : 1
  const columns = across(leastTapsX)
  const phases = rows.flatMap((r) =>
    columns.map(
      (c): Phase => ({
        rows: r,
        columns: c,
        taps: r.taps.length * c.taps.length,
        pixels: r.size * c.size,
      }),
    ),
  )
  const depth = Math.max(...phases.map(({ taps }) => taps)) * inputs
  const bytes = isInt8(view) ? Math.ceil(depth / 2) * 4 : depth * 4
  const pixels = Math.max(...phases.map((phase) => phase.pixels))
  const block = Math.max(4, Math.min(Math.floor(blockBytes / bytes / 4) * 4, maxBlock, roundUp(pixels, 4)))
  return {
    kernel,
    strides,
    pads,
    inputs,
    outputs,
    phases,
    grid: [rows.length, columns.length],
    leastTapsX,
    bytes,
    block,
  }
}

/** Bytes of one packed receptive field of the deepest phase. */
const fieldBytes = (view: NodeView): number => geometry(view).bytes

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
  const { grid } = geometry(view)
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
    if (
      view.output.dtype === 'float32' &&
      (activationSlope(view) !== 1 || view.node.attributes.activation === 'relu6')
    ) {
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
  const { phases, outputs } = geometry(view)
  const list: Block[] = [
    { role: 'weight', bytes: phases.reduce((sum, phase) => sum + weightBytes(view, phase), 0) },
    { role: 'bias', bytes: phases.length * roundUp(outputs, 8) * 4 },
  ]
  if (isInt8(view)) list.push({ role: 'multiplier', bytes: roundUp(outputs, 8) * 4 })
  return list
}

function load(view: NodeView, loader: Loader): void {
  const { phases, outputs, inputs, kernel } = geometry(view)
  const { weight, bias } = view.constants
  const zeroPoint = view.inputs[0].quantization?.zeroPoint ?? 0
  const padded = roundUp(outputs, 8)
  const whole = kernel[0] * kernel[1] * inputs
  const biasOf = (phase: number) =>
    bias.shape.length === 1 ? bias.data : bias.data.subarray(phase * outputs, (phase + 1) * outputs)
  const biases = new Float32Array(phases.length * padded)
  let target = loader.block('weight')
  phases.forEach((phase, p) => {
    const depth = phase.taps * inputs
    const own = isInt8(view) ? new Int8Array(outputs * depth) : new Float32Array(outputs * depth)
    let to = 0
    for (let o = 0; o < outputs; o++) {
      for (const ky of phase.rows.taps) {
        for (const kx of phase.columns.taps) {
          if (ky !== undefined && kx !== undefined) {
            const from = o * whole + (ky * kernel[1] + kx) * inputs
            own.set(weight.data.subarray(from, from + inputs), to)
          }
          to += inputs
        }
      }
    }
    if (isInt8(view)) {
      const at = loader.block('bias') + p * padded * 4
      const source = loader.stage(own)
      loader.engine.pack_conv_s8(source, target, loader.stage(biasOf(p)), outputs, depth, 1, zeroPoint, at)
    } else {
      loader.engine.pack_conv_f32(loader.stage(own), target, outputs, depth, 1)
      biases.set(biasOf(p), p * padded)
    }
    target += weightBytes(view, phase)
  })
  if (isInt8(view)) {
    const scales = new Float32Array(padded)
    scales.set(multipliers(view))
    loader.write('multiplier', scales)
  } else loader.write('bias', biases)
}
