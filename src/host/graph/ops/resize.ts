import { limits } from '../../limits.js'
import { attribute, choice, integers, type NodeView, type OperatorDescriptor } from '../descriptor.js'
import { type ResizeAxis, resizeTable, tapsOf } from '../resize-table.js'
import { units, workOfValues } from '../work.js'
import { fail, floatOnly, none, requireFeatureMap } from './shared.js'

const modes = ['nearest', 'linear', 'cubic'] as const
const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const
const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const

/**
 * A map in another size, as ONNX's Resize has it (opset 19): any mode and convention of
 * coordinates; float32.
 */
export const resize: OperatorDescriptor = {
  op: 'resize',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {
    mode: { kind: 'choice', values: modes },
    coordinates: { kind: 'choice', values: coordinates },
    nearest: { kind: 'choice', values: roundings },
    cubic: { kind: 'number', min: -10, max: 10 },
    size: { kind: 'integers', length: 2, min: 1, max: limits.dimension },
    scaleY: { kind: 'number', min: 1e-6, max: limits.dimension },
    scaleX: { kind: 'number', min: 1e-6, max: limits.dimension },
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: () => [],
  infer(view) {
    const [, , , channels] = requireFeatureMap(view, view.inputs[0])
    const [height, width] = integers(view, 'size')
    return [1, height, width, channels]
  },
  macs: none,
  // Four taps in each direction at most.
  work: (view) => workOfValues(view, 16 * units.moved),
  scratchBytes: none,
  blocks: (view) =>
    axes.map(({ role, d }) => ({ role, bytes: view.output.shape[d] * tapsOf(modeOf(view)) * 8 })),
  load(view, loader) {
    for (const axis of axes) loader.write(axis.role, resizeTable(axisOf(view, axis)))
  },
  emit(view, place) {
    const [, , inputWidth, channels] = view.inputs[0].shape
    const [, outputHeight, outputWidth] = view.output.shape
    const input = place.input(0)
    return {
      opcode: 'resizeF32',
      fields: {
        input: input.address,
        output: place.output.address,
        rowTable: place.block('rows'),
        columnTable: place.block('columns'),
        inputWidth,
        outputHeight,
        outputWidth,
        channels,
        inputStride: input.stride,
        outputStride: place.output.stride,
        taps: tapsOf(modeOf(view)),
      },
    }
  },
}

const axes = [
  { role: 'rows', d: 1, scale: 'scaleY' },
  { role: 'columns', d: 2, scale: 'scaleX' },
] as const

function modeOf(view: NodeView): (typeof modes)[number] {
  const mode = choice(view, 'mode', 'linear')
  return modes.find((known) => known === mode) ?? fail(view, 'E_MODEL_OPERATOR', `no mode ${mode}`)
}

const axisOf = (view: NodeView, { d, scale }: (typeof axes)[number]): ResizeAxis => ({
  mode: modeOf(view),
  coordinates: choice(view, 'coordinates', 'half_pixel'),
  nearest: choice(view, 'nearest', 'round_prefer_floor'),
  cubic: Number(attribute(view, 'cubic')),
  input: view.inputs[0].shape[d],
  output: view.output.shape[d],
  scale: Number(attribute(view, scale)),
})
