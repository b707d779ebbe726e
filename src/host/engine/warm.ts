import { integers, type NodeView } from '../graph/descriptor.js'
import type { VerifiedModel } from '../graph/verify.js'
import { candidatesOf, cheapest } from '../plan/kernels.js'
import { hasNarrowWeights } from './choose.js'
import type { Engine } from './engine.js'
import { layOut } from './measure.js'
import { platform } from './platform.js'
import { withShapes } from './sample.js'
import type { SessionOptions } from './session.js'

/** Calls after which a runtime takes a function for one that is worth its better compiler. */
const calls = 8

/**
 * Runs the kernels that a first run will take most of its time in, on next to nothing. A runtime
 * compiles what has run for a while anew, in a thread of its own: so it does that while the network
 * is being planned, and a picture decoded.
 */
export function warmUp(
  { exports, memory }: Engine,
  model: VerifiedModel,
  { kernel, build }: SessionOptions,
): void {
  // Such a network will be computed by another build.
  if (kernel !== undefined || (build === undefined && hasNarrowWeights(model))) return
  if ((platform().threads?.processors() ?? 1) < 2) return
  const most = model.views.reduce((best, next) => (macsOf(next) > macsOf(best) ? next : best))
  const candidates = candidatesOf(most.view, most.operator)
  const expected = cheapest(most.view, candidates)
  if (expected === candidates[0] || most.operator.slice === undefined) return
  try {
    const run = layOut({ exports, memory: memory.memory })(littleOf(most.view), expected)
    for (let n = 0; n < calls; n++) run()
  } catch {
    // There may be no more memory than the sums need; a first run is only slower without this.
  }
}

const macsOf = ({ view, operator }: VerifiedModel['views'][number]): number => operator.macs(view)

/** The same convolution of 16x16 outputs, 32 channels of input and 8 of output. */
function littleOf(view: NodeView): NodeView {
  const [, height, width] = view.constants.weight.shape
  const [strideY, strideX] = integers(view, 'strides')
  const [top, left, bottom, right] = integers(view, 'pads')
  return withShapes(view, {
    input: [1, 15 * strideY + height - top - bottom, 15 * strideX + width - left - right, 32],
    output: [1, 16, 16, 8],
    weight: [8, height, width, 32],
  })
}
