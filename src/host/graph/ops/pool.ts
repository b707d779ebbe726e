import { limits } from '../../limits.js'
import { elements, integers, type NodeView, type OperatorDescriptor } from '../descriptor.js'
import { units, workOfValues } from '../work.js'
import {
  bytesOf,
  fail,
  noBlocks,
  none,
  nothing,
  realTypes,
  requireFeatureMap,
  requireSameQuantization,
  windowed,
} from './shared.js'

/** Positions outside the input are ignored: a maximum over the rest, an average of the rest. */
function pool(op: 'maxPool' | 'averagePool'): OperatorDescriptor {
  return {
    op,
    types: realTypes,
    scales: 'keeps',
    passesFactors: () => true,
    arity: [1, 1],
    attributes: {
      kernel: { kind: 'integers', length: 2, min: 1, max: limits.dimension },
      strides: { kind: 'integers', length: 2, min: 1, max: limits.dimension },
      pads: { kind: 'integers', length: 4, min: 0, max: limits.dimension },
    },
    inPlace: false,
    storage: 'kernel',
    constantRoles: noBlocks,
    infer,
    macs: none,
    work: (view) =>
      looksOf(view) * (op === 'averagePool' ? units.averaged : units.compared) + workOfValues(view),
    scratchBytes: none,
    blocks: noBlocks,
    load: nothing,
    emit(view, place) {
      const [, inputHeight, inputWidth, channels] = view.inputs[0].shape
      const [kernelHeight, kernelWidth] = integers(view, 'kernel')
      const [strideY, strideX] = integers(view, 'strides')
      const [padTop, padLeft] = integers(view, 'pads')
      const input = place.input(0)
      const float = view.output.dtype === 'float32'
      const opcode =
        op === 'maxPool' ? (float ? 'maxPoolF32' : 'maxPoolS8') : float ? 'averagePoolF32' : 'averagePoolS8'
      return {
        opcode,
        fields: {
          input: input.address,
          output: place.output.address,
          inputHeight,
          inputWidth,
          channels,
          inputStride: input.stride,
          outputHeight: view.output.shape[1],
          outputWidth: view.output.shape[2],
          outputStride: place.output.stride,
          kernelHeight,
          kernelWidth,
          strideY,
          strideX,
          padTop,
          padLeft,
        },
      }
    },
  }
}

/** How often a pool loads sixteen bytes. */
function looksOf(view: NodeView): number {
  const [, height, width, channels] = view.output.shape
  const vectors = Math.ceil((channels * bytesOf(view.output)) / 16)
  return height * width * vectors * elements(integers(view, 'kernel'))
}

function infer(view: NodeView): readonly number[] {
  const [, height, width, channels] = requireFeatureMap(view, view.inputs[0])
  const [kh, kw] = integers(view, 'kernel')
  const [sy, sx] = integers(view, 'strides')
  const [top, left, bottom, right] = integers(view, 'pads')
  requireSameQuantization(view)
  if (top >= kh || bottom >= kh || left >= kw || right >= kw) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `padding [${[top, left, bottom, right]}] must be less than the kernel ${kh}x${kw}`,
    )
  }
  // As the padding is less than the kernel, every window has a position inside the input.
  if (elements([kh, kw]) * 255 >= 2 ** 31) fail(view, 'E_MODEL_SHAPE', `a ${kh}x${kw} window is too large`)
  return [1, windowed(height, top, bottom, kh, sy), windowed(width, left, right, kw, sx), channels]
}

export const maxPool = pool('maxPool')
export const averagePool = pool('averagePool')
