import {
  channelCount,
  constantBytes,
  type Implementation,
  type Kernel,
  type NodeView,
  roundUp,
} from '../graph/descriptor.js'
import { operators } from '../graph/ops/index.js'
import type { VerifiedModel } from '../graph/verify.js'
import { instructionBytes } from '../program/instruction.js'
import type { Choice } from './kernels.js'
import type { Plan } from './plan.js'
import { slack } from './storage.js'

/**
 * How a network's first run does without the packed weights of its kernels, which are many times
 * the file's bytes: memory that is touched first costs more than to compute with it once. Each of
 * these nodes is computed a part at a time, whose constants pass through one window, where most of
 * the packed weights will lie; the result is the same bytes.
 */
export interface FirstPlan {
  /** What computes each of the nodes, by their index. */
  readonly nodes: ReadonlyMap<number, Implementation>
  /**
   * Addresses of the one instruction, of the scratch, of a node's constants as they are and of what
   * is made of them.
   */
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

/**
 * Of the weights of a part, as an operator's own implementation has them: as much memory is touched
 * for all nodes together.
 */
const ownPartBytes = 128 << 10
/** As other kernels have them, which transform the whole input again for each part. */
const kernelPartBytes = 512 << 10
/** What packing works in beside the constants: Winograd's filters, while they are transformed. */
const packingBytes = 1024
/**
 * A kernel that spares fewer multiply-accumulates is compiled, by the runtime's better compiler,
 * too late to gain anything.
 */
const leastSpared = 1e8

/**
 * The chosen kernels that a first run is sooner done with, by the index of the node; the others'
 * own need no transforms.
 */
export function firstKernels({ views }: VerifiedModel, choice: Choice): Map<number, Kernel> {
  const found = new Map<Kernel, { indices: number[]; spared: number }>()
  views.forEach(({ view }, index) => {
    const operator = operators.get(view.node.op)!
    const kernel = operator.kernels?.find(({ name }) => name === choice[index])
    // The first channels may be computed by themselves where all may.
    if (kernel === undefined || operator.slice?.(view, 0, 1) === undefined) return
    const entry = found.get(kernel) ?? { indices: [], spared: 0 }
    entry.indices.push(index)
    entry.spared += operator.macs(view) - kernel.cost(view)
    found.set(kernel, entry)
  })
  const kernels = new Map<number, Kernel>()
  for (const [kernel, { indices, spared }] of found)
    if (spared >= leastSpared) for (const index of indices) kernels.set(index, kernel)
  return kernels
}

/** What is computed at a time: a node, or some of its output channels from `channel` on. */
interface Part {
  readonly view: NodeView
  readonly channel: number
}

/** One after the other, the first being the largest. */
export function* partsOf(view: NodeView, by: Implementation): Generator<Part, void> {
  const operator = operators.get(view.node.op)!
  const bytes = by.blocks(view).reduce((sum, block) => sum + block.bytes, 0)
  const channels = channelCount(view.output.shape)
  const wanted = by === operator ? ownPartBytes : kernelPartBytes
  const most = Math.max(8, Math.floor((channels * wanted) / bytes / 8) * 8)
  const first = most < channels ? operator.slice?.(view, 0, most) : undefined
  if (first === undefined) {
    yield { view, channel: 0 }
    return
  }
  yield { view: first, channel: 0 }
  for (let channel = most; channel < channels; channel += most)
    yield { view: operator.slice!(view, channel, Math.min(most, channels - channel))!, channel }
}

/** Undefined where a first run would gain little, or has no room. */
export function planFirst(plan: Plan): FirstPlan | undefined {
  // Constants that are loaded after the first run pass through the arena, behind which a picture
  // lies by then.
  if (plan.loadEnd > plan.end) return undefined
  const { views, kernels: choice = [] } = plan.model
  const { indices, start, end } = longestRun(plan)
  if (end - start < leastBytes) return undefined
  const kernels = firstKernels(plan.model, choice)
  const nodes = new Map<number, Implementation>()
  for (const index of indices)
    nodes.set(index, kernels.get(index) ?? operators.get(views[index].view.node.op)!)
  const instruction = start
  const scratch = roundUp(instruction + instructionBytes, 64)
  let [deepest, widest, most] = [0, 0, 0]
  for (const [index, by] of nodes) {
    const [{ view }] = partsOf(views[index].view, by)
    const staged = Object.values(view.constants).reduce(
      (sum, constant) => sum + roundUp(constantBytes(constant) + slack, 64),
      packingBytes,
    )
    deepest = Math.max(deepest, by.scratchBytes(view))
    widest = Math.max(widest, staged)
    most = Math.max(most, placeBlocks(by.blocks(view), 0).end)
  }
  const staging = roundUp(scratch + deepest + slack, 64)
  const blocks = staging + widest
  if (blocks + most > start + (end - start) / 2) return undefined
  return { nodes, instruction, scratch, staging, blocks }
}

/** Neighbours in memory that all have a choice of kernels, and most bytes together. */
function longestRun(plan: Plan): { indices: number[]; start: number; end: number } {
  let best = { indices: [] as number[], start: 0, end: 0 }
  let run = best
  plan.model.views.forEach(({ view, operator }, index) => {
    const own = plan.blocks[index]
    if (own.size === 0) return
    if (operator.kernels === undefined) {
      run = { indices: [], start: 0, end: 0 }
      return
    }
    const start = Math.min(...own.values())
    const { end } = placeBlocks(operator.blocks(view), start)
    run = { indices: run.indices, start: run.indices.length === 0 ? start : run.start, end }
    run.indices.push(index)
    if (run.end - run.start > best.end - best.start) best = run
  })
  return best
}
