import { OcellusError } from '../../src/host/errors.js'
import {
  elements,
  type Implementation,
  integer,
  type NodeView,
  roundUp,
} from '../../src/host/graph/descriptor.js'
import {
  convolutionFields,
  foldedBias,
  geometry,
  isDepthwise,
  isInt8,
  multipliers,
} from '../../src/host/graph/kernels/convolution.js'
import type { VerifiedModel } from '../../src/host/graph/verify.js'

/**
 * Output pixels that a convolution gathers at a time: more take more RAM, fewer read the weights more
 * often.
 */
const block = 8

const quadsOf = (view: NodeView): number => {
  const { kernel, inputChannels } = geometry(view)
  return elements(kernel) * Math.ceil(inputChannels / 4)
}

/** Positions within a quad, and output channels within a panel, of the bytes of a panel's four words. */
const places = [
  [0, 0],
  [0, 1],
  [2, 0],
  [2, 1],
  [0, 2],
  [0, 3],
  [2, 2],
  [2, 3],
  [1, 0],
  [1, 1],
  [3, 0],
  [3, 1],
  [1, 2],
  [1, 3],
  [3, 2],
  [3, 3],
] as const

/** int8 [outputs][taps][channels] to the layout of assembly/micro/conv_s8.ts. */
export function packQuads(
  weights: ArrayLike<number>,
  outputs: number,
  taps: number,
  channels: number,
): Int8Array {
  const perTap = Math.ceil(channels / 4)
  const quads = taps * perTap
  const packed = new Int8Array(Math.ceil(outputs / 4) * quads * 16)
  for (let panel = 0, to = 0; panel < outputs; panel += 4)
    for (let quad = 0; quad < quads; quad++)
      for (const [position, output] of places) {
        const channel = (quad % perTap) * 4 + position
        const o = panel + output
        if (channel < channels && o < outputs)
          packed[to] = weights[(o * taps + Math.floor(quad / perTap)) * channels + channel]
        to++
      }
  return packed
}

function padded<T extends Int32Array | Float32Array>(values: T, into: T): T {
  into.set(values)
  return into
}

/** The convolution of assembly/micro/conv_s8.ts, in the place of the operator's own. */
const convolution: Implementation = {
  scratchBytes: (view) => (block / 2) * quadsOf(view) * 16 + 32,
  blocks(view) {
    const channels = roundUp(view.output.shape[3], 4)
    return [
      { role: 'weight', bytes: channels * quadsOf(view) * 4 },
      { role: 'bias', bytes: channels * 4 },
      { role: 'multiplier', bytes: channels * 4 },
    ]
  },
  load(view, loader) {
    const { kernel, inputChannels } = geometry(view)
    const outputs = view.output.shape[3]
    const channels = roundUp(outputs, 4)
    const { data } = view.constants.weight
    loader.write('weight', packQuads(data, outputs, elements(kernel), inputChannels))
    loader.write('bias', padded(foldedBias(view).values, new Int32Array(channels)))
    loader.write('multiplier', padded(multipliers(view), new Float32Array(channels)))
  },
  emit: (view, place) => ({ opcode: 'convS8', fields: { ...convolutionFields(view, place), block } }),
}

/** Whether firmware computes a node by its own convolution. */
export const isMicroConvolution = (view: NodeView): boolean =>
  view.node.op === 'conv' && isInt8(view) && !isDepthwise(view) && integer(view, 'groups', 1) === 1

/**
 * The model with its nodes computed as firmware computes them. Throws E_FIRMWARE_OPERATOR for a
 * convolution that it has no form for.
 */
export function withFirmwareKernels(model: VerifiedModel): VerifiedModel {
  const views = model.views.map(({ view, operator }) => {
    if (isMicroConvolution(view)) return { view, operator: { ...operator, ...convolution } }
    if (view.node.op === 'conv' && isInt8(view) && !isDepthwise(view))
      throw new OcellusError(
        'E_FIRMWARE_OPERATOR',
        `${view.node.name}: firmware has no convolution of several groups; nothing was written`,
      )
    return { view, operator }
  })
  return { ...model, views }
}
