import {
  channelCount,
  constantBytes,
  type NodeView,
  type OperatorDescriptor,
  roundUp,
} from '../graph/descriptor.js'
import { instructionBytes } from '../graph/instruction.js'
import { operators } from '../graph/ops/index.js'
import type { Plan } from './plan.js'
import { slack } from './storage.js'

/**
 * How a network's first run does without the packed weights of its kernels, which are many times the file's bytes: memory
 * that is touched first costs more than to compute with it once. Each of these nodes is computed by its operator's own
 * implementation, a part at a time, whose constants pass through one window, where most of the packed weights will lie; the result is
 * the same bytes.
 */
export interface FirstPlan {
  /** The nodes, by their index. */
  readonly nodes: ReadonlySet<number>
  /** Addresses of the one instruction, of the scratch, of a node's constants as they are and of what is made of them. */
  readonly instruction: number
  readonly scratch: number
  readonly staging: number
  readonly blocks: number
}

/** Of less memory it is not worth to touch less. */
const leastBytes = 1 << 20

/** Blocks of a node one after the other from an address on, and where they end. */
export function placeBlocks(
  blocks: readonly { readonly role: string; readonly bytes: number }[],
  start: number,
): { readonly addresses: ReadonlyMap<string, number>; readonly end: number } {
  const addresses = new Map<string, number>()
  let end = start
  for (const { role, bytes } of blocks) {
    addresses.set(role, end)
    end = roundUp(end + bytes + slack, 64)
  }
  return { addresses, end }
}

/** Of a node's weights as its own implementation has them: as much memory is touched for all nodes together. */
const partBytes = 128 << 10

/** What is computed at a time: a node, or some of its output channels from `channel` on. */
interface Part {
  readonly view: NodeView
  readonly channel: number
}

/** One after the other, the first being the largest. */
export function* partsOf(view: NodeView, own: OperatorDescriptor): Generator<Part, void> {
  const bytes = own.blocks(view).reduce((sum, block) => sum + block.bytes, 0)
  const channels = channelCount(view.output.shape)
  const most = Math.max(8, Math.floor((channels * partBytes) / bytes / 8) * 8)
  const first = most < channels ? own.slice?.(view, 0, most) : undefined
  if (first === undefined) {
    yield { view, channel: 0 }
    return
  }
  yield { view: first, channel: 0 }
  for (let channel = most; channel < channels; channel += most)
    yield { view: own.slice!(view, channel, Math.min(most, channels - channel))!, channel }
}

/** A node's implementation that needs no choice. */
export const ownOf = (plan: Plan, index: number): OperatorDescriptor =>
  operators.get(plan.model.views[index].view.node.op)!

/** Undefined where a first run would gain little, or has no room. */
export function planFirst(plan: Plan): FirstPlan | undefined {
  // Constants that are loaded after the first run pass through the arena, behind which a picture lies by then.
  if (plan.loadEnd > plan.end) return undefined
  const { views } = plan.model
  const { nodes, start, end } = longestRun(plan)
  if (end - start < leastBytes) return undefined
  const instruction = start
  const scratch = roundUp(instruction + instructionBytes, 64)
  let [deepest, widest, most] = [0, 0, 0]
  for (const index of nodes) {
    const own = ownOf(plan, index)
    const [{ view }] = partsOf(views[index].view, own)
    const staged = Object.values(view.constants).reduce(
      (sum, constant) => sum + roundUp(constantBytes(constant) + slack, 64),
      0,
    )
    deepest = Math.max(deepest, own.scratchBytes(view))
    widest = Math.max(widest, staged)
    most = Math.max(most, placeBlocks(own.blocks(view), 0).end)
  }
  const staging = roundUp(scratch + deepest + slack, 64)
  const blocks = staging + widest
  if (blocks + most > start + (end - start) / 2) return undefined
  return { nodes, instruction, scratch, staging, blocks }
}

/** Neighbours in memory that all have a choice of kernels, and most bytes together. */
function longestRun(plan: Plan): { nodes: Set<number>; start: number; end: number } {
  let best = { nodes: new Set<number>(), start: 0, end: 0 }
  let run = best
  plan.model.views.forEach(({ view, operator }, index) => {
    const own = plan.blocks[index]
    if (own.size === 0) return
    if (operator.kernels === undefined) {
      run = { nodes: new Set(), start: 0, end: 0 }
      return
    }
    const start = Math.min(...own.values())
    const { end } = placeBlocks(operator.blocks(view), start)
    run = { nodes: run.nodes.add(index), start: run.nodes.size === 1 ? start : run.start, end }
    if (run.end - run.start > best.end - best.start) best = run
  })
  return best
}
