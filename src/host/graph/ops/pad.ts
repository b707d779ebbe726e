import { limits } from '../../limits.js'
import { padModes } from '../../program/kinds.js'
import { attribute, choice, integers, type NodeView, type OperatorDescriptor } from '../descriptor.js'
import {
  bytesOf,
  fail,
  noBlocks,
  none,
  nothing,
  quantizationOf,
  realTypes,
  requireFeatureMap,
  requireSameQuantization,
} from './shared.js'

const modes = ['constant', 'reflect', 'edge'] as const

/**
 * A border around a map: of one value (0 by default), or of the map's own pixels, mirrored or
 * repeated.
 */
export const pad: OperatorDescriptor = {
  op: 'pad',
  types: realTypes,
  scales: 'keeps',
  arity: [1, 1],
  attributes: {
    mode: { kind: 'choice', values: modes },
    pads: { kind: 'integers', length: 4, min: 0, max: limits.dimension },
    value: { kind: 'number', min: -3.5e38, max: 3.5e38, optional: true },
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const [, height, width, channels] = requireFeatureMap(view, view.inputs[0])
    requireSameQuantization(view)
    const [top, left, bottom, right] = integers(view, 'pads')
    if (modeOf(view) === 'reflect' && (Math.max(top, bottom) >= height || Math.max(left, right) >= width))
      fail(
        view,
        'E_MODEL_SHAPE',
        `pads [${top},${left},${bottom},${right}] mirror more than ${height}x${width} has`,
      )
    return [1, height + top + bottom, width + left + right, channels]
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [, inputHeight, inputWidth, channels] = view.inputs[0].shape
    const [, outputHeight, outputWidth] = view.output.shape
    const [padTop, padLeft] = integers(view, 'pads')
    const input = place.input(0)
    return {
      opcode: 'pad',
      fields: {
        input: input.address,
        output: place.output.address,
        inputHeight,
        inputWidth,
        outputHeight,
        outputWidth,
        channels,
        elementBytes: bytesOf(view.output),
        inputStride: input.stride,
        outputStride: place.output.stride,
        padTop,
        padLeft,
        mode: padModes[modeOf(view)],
        value: valueBits(view),
      },
    }
  },
}

function modeOf(view: NodeView): (typeof modes)[number] {
  const mode = choice(view, 'mode', 'constant')
  return modes.find((known) => known === mode) ?? fail(view, 'E_MODEL_OPERATOR', `no mode ${mode}`)
}

/** The border's value as the bits of one element. */
function valueBits(view: NodeView): number {
  const value = Number(attribute(view, 'value') ?? 0)
  if (view.output.dtype === 'float32') return new Int32Array(Float32Array.of(value).buffer)[0]
  const { scale, zeroPoint } = quantizationOf(view, view.output)
  return Math.min(127, Math.max(-128, Math.round(value / scale) + zeroPoint))
}
