import { channelCount, elementBytes, pixelCount, roundUp } from '../graph/descriptor.js'
import type { Tensor } from '../graph/types.js'
import type { VerifiedModel } from '../graph/verify.js'

/** Readable bytes after every block, so that a vector load may run past a tensor's end. */
export const slack = 64

/** Memory of its own, for one tensor or for several that are views of it. */
export interface ArenaBuffer {
  readonly name: string
  readonly bytes: number
  /** Index of the first and last instruction that touch it. */
  first: number
  last: number
}

/**
 * Where a tensor lies in its buffer: byte offset of its first channel, bytes from pixel to pixel.
 */
export interface Storage {
  readonly buffer: ArenaBuffer
  readonly offset: number
  readonly stride: number
}

/** An instruction still without addresses: a node's, or a copy into a concatenation. */
export type Step =
  | { readonly kind: 'node'; readonly index: number }
  | { readonly kind: 'copy'; readonly from: string; readonly into: string; readonly channel: number }

export interface StoragePlan {
  readonly steps: readonly Step[]
  readonly storage: ReadonlyMap<string, Storage>
  readonly buffers: readonly ArenaBuffer[]
}

interface Parent {
  readonly tensor: string
  readonly channel: number
}

/**
 * Decides which tensors share memory. A slice is a view of its input; the producer of a
 * concatenation's input writes straight into the result when it can; a pixelwise operator writes
 * over an input that nothing else reads. What can't be a view is copied.
 */
export function planStorage(model: VerifiedModel): StoragePlan {
  const { parents, copies } = chooseParents(model)
  const steps: Step[] = []
  model.views.forEach(({ view, operator }, index) => {
    if (operator.storage === 'kernel') steps.push({ kind: 'node', index })
    for (const copy of copies.get(index) ?? []) steps.push({ kind: 'copy', into: view.output.name, ...copy })
  })

  const storage = new Map<string, Storage>()
  const buffers: ArenaBuffer[] = []
  const own = (tensor: Tensor): Storage => {
    const stride = strideOf(tensor)
    const bytes = pixelCount(tensor.shape) * stride + slack
    const buffer: ArenaBuffer = { name: tensor.name, bytes, first: Number.POSITIVE_INFINITY, last: -1 }
    buffers.push(buffer)
    return { buffer, offset: 0, stride }
  }
  const locate = (tensor: Tensor): Storage => {
    // Up to a tensor that has a place, then down again: views of views can be as many as nodes, too
    // deep to recurse.
    const views: Tensor[] = []
    let base = tensor
    let place = storage.get(base.name)
    while (place === undefined) {
      const parent = parents.get(base.name)
      if (parent === undefined) {
        place = own(base)
        storage.set(base.name, place)
      } else {
        views.push(base)
        base = model.tensorsByName.get(parent.tensor)!
        place = storage.get(base.name)
      }
    }
    for (const view of views.reverse()) {
      const { channel } = parents.get(view.name)!
      place = { ...place, offset: place.offset + channel * elementBytes[view.dtype] }
      storage.set(view.name, place)
    }
    return place
  }
  const touch = (name: string, step: number): void => {
    const { buffer } = locate(model.tensorsByName.get(name)!)
    buffer.first = Math.min(buffer.first, step)
    buffer.last = Math.max(buffer.last, step)
  }
  // Step 0 is the preprocessing, which writes the input; outputs stay until the caller has read
  // them.
  for (const name of model.graph.inputs) touch(name, 0)
  steps.forEach((step, index) => {
    const names =
      step.kind === 'copy'
        ? [step.from, step.into]
        : [
            ...model.views[step.index].view.inputs.map((t) => t.name),
            model.views[step.index].view.output.name,
          ]
    for (const name of names) touch(name, index + 1)
  })
  for (const name of model.graph.outputs) touch(name, steps.length + 1)
  for (const tensor of model.graph.tensors) locate(tensor)
  return { steps, storage, buffers: buffers.filter((b) => b.last >= 0) }
}

/** int8 pixels start at multiples of 4 bytes, so that a kernel may load them as words. */
const strideOf = ({ shape, dtype }: Tensor): number => roundUp(channelCount(shape) * elementBytes[dtype], 4)

function chooseParents(model: VerifiedModel) {
  const parents = new Map<string, Parent>()
  const copies = new Map<number, { from: string; channel: number }[]>()
  const uses = new Map<string, number>()
  for (const { view } of model.views)
    for (const t of view.inputs) uses.set(t.name, (uses.get(t.name) ?? 0) + 1)
  const isFixed = new Set([...model.graph.inputs, ...model.graph.outputs])
  // Overwriting a concatenation would change the tensors that it is made of, which may still be
  // read.
  const joined = new Set<string>()

  for (const { view, operator } of model.views) {
    if (operator.storage === 'slice') {
      const start = view.node.attributes.start
      parents.set(view.output.name, {
        tensor: view.inputs[0].name,
        channel: typeof start === 'number' ? start : 0,
      })
    }
  }
  for (const [index, { view, operator }] of model.views.entries()) {
    if (operator.storage !== 'concat') continue
    joined.add(view.output.name)
    let channel = 0
    const list: { from: string; channel: number }[] = []
    for (const input of view.inputs) {
      const free = !parents.has(input.name) && !isFixed.has(input.name)
      if (free) parents.set(input.name, { tensor: view.output.name, channel })
      else list.push({ from: input.name, channel })
      channel += channelCount(input.shape)
    }
    copies.set(index, list)
  }
  // In place: the input becomes a view of the output, wherever that lies.
  for (const { view, operator } of model.views) {
    const input = view.inputs[0]
    if (
      operator.inPlace &&
      uses.get(input.name) === 1 &&
      !parents.has(input.name) &&
      !isFixed.has(input.name) &&
      !joined.has(input.name) &&
      input.dtype === view.output.dtype
    ) {
      parents.set(input.name, { tensor: view.output.name, channel: 0 })
    }
  }
  return { parents, copies }
}
