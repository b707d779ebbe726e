import { arithmeticKinds } from '../../program/kinds.js'
import {
  channelCount,
  choice,
  integer,
  type NodeView,
  type OperatorDescriptor,
  pixelCount,
} from '../descriptor.js'
import type { Tensor } from '../types.js'
import { units, workOfValues } from '../work.js'
import { fail, floatOnly, noBlocks, none, nothing } from './shared.js'

const kinds = ['add', 'sub', 'mul', 'div', 'min', 'max', 'pow', 'slope'] as const

/**
 * Two float32 tensors element by element. The second has the first's shape, or repeats: one value a
 * channel [1, 1, 1, C], one a pixel [1, H, W, 1], or one at all [1, 1, 1, 1]. `slope` is a where a
 * is not negative, else a * b: PReLU. `reversed` computes b kind a.
 */
export const arithmetic: OperatorDescriptor = {
  op: 'arithmetic',
  types: floatOnly,
  scales: 'fresh',
  arity: [2, 2],
  attributes: {
    kind: { kind: 'choice', values: kinds },
    reversed: { kind: 'integer', min: 0, max: 1, optional: true },
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    stepsOf(view)
    return view.inputs[0].shape
  },
  macs: none,
  work: (view) => workOfValues(view, units.normalised),
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [a, b] = [place.input(0), place.input(1)]
    const { pixel, channel } = stepsOf(view)
    const kind = kinds.find((known) => known === choice(view, 'kind', 'add'))
    if (kind === undefined) fail(view, 'E_MODEL_OPERATOR', 'no such kind')
    return {
      opcode: 'arithmeticF32',
      fields: {
        inputA: a.address,
        inputB: b.address,
        output: place.output.address,
        pixels: pixelCount(view.output.shape),
        channels: channelCount(view.output.shape),
        strideA: a.stride,
        pixelStep: pixel ? b.stride : 0,
        channelStep: channel ? 4 : 0,
        outputStride: place.output.stride,
        kind: arithmeticKinds[kind],
        reversed: integer(view, 'reversed'),
      },
    }
  },
}

/** Whether the second operand moves on from pixel to pixel, and from channel to channel. */
function stepsOf(view: NodeView): { pixel: boolean; channel: boolean } {
  const [a, b] = view.inputs
  const channels = channelCount(b.shape)
  const pixels = pixelCount(b.shape)
  const fits = (count: number, all: number) => count === all || count === 1
  if (!fits(channels, channelCount(a.shape)) || !fits(pixels, pixelCount(a.shape)) || !alike(a, b))
    fail(view, 'E_MODEL_SHAPE', `[${b.shape}] does not repeat over [${a.shape}]`)
  return { pixel: pixels > 1, channel: channels > 1 }
}

/** Where it has pixels of its own, they are as many along each side. */
const alike = (a: Tensor, b: Tensor): boolean =>
  pixelCount(b.shape) === 1 || b.shape.slice(0, -1).every((side, d) => side === a.shape[d])
