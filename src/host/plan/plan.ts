import { constantBytes, type Place, roundUp } from '../graph/descriptor.js'
import { bytesOf } from '../graph/ops/shared.js'
import type { VerifiedModel } from '../graph/verify.js'
import { listBytes } from '../program/candidates.js'
import { programStart } from '../program/control.js'
import { instructionBytes } from '../program/instruction.js'
import { planArena } from './arena.js'
import { boxCount, capacityFor, type DetectionPlan, reserveDetection } from './detection.js'
import { frameBytes } from './frame.js'
import { planStorage, type Step, slack } from './storage.js'

export { programStart }

/** The first thread's scratch of a step; the others' follow, `stride` bytes apart. */
export interface Scratch {
  readonly address: number
  readonly stride: number
}

/** Everything about a model's memory, known before any of it is allocated. */
export interface Plan {
  readonly model: VerifiedModel
  readonly steps: readonly Step[]
  readonly places: ReadonlyMap<string, Place>
  /** Address of each node's blocks, by their role. */
  readonly blocks: readonly ReadonlyMap<string, number>[]
  /** Threads that each have scratch of their own. */
  readonly threads: number
  /** Scratch of each step, after step 0, the preprocessing. */
  readonly scratch: readonly Scratch[]
  /** Of models that take pictures: their program starts with the preprocessing. */
  readonly preprocessing?: { readonly table: number; readonly scratch: Scratch }
  /** Of detectors. */
  readonly detection?: DetectionPlan
  readonly packedBytes: number
  readonly arenaStart: number
  readonly arenaBytes: number
  readonly arenaLowerBound: number
  /** First address after program, constants and arena: where a frame may lie. */
  readonly end: number
  /**
   * First address after what is needed while constants are loaded, which pass through the arena.
   */
  readonly loadEnd: number
}

const pageBytes = 0x10000

/** Linear memory that a session of this plan takes, with a frame of this size: exact. */
export function memoryOf(plan: Plan, frame?: { readonly width: number; readonly height: number }): number {
  const end = frame === undefined ? plan.end : plan.end + frameBytes(plan, frame) + slack
  return Math.ceil(Math.max(end, plan.loadEnd, 2 * pageBytes) / pageBytes) * pageBytes
}

const align = (value: number): number => roundUp(value, 64)

/** Plans for as many threads as may ever run the model: fewer need no other plan. */
export function planModel(model: VerifiedModel, threads = 1): Plan {
  const { steps, storage, buffers } = planStorage(model)

  const pictures = model.graph.preprocessing !== undefined
  let address = programStart + align((steps.length + Number(pictures)) * instructionBytes)
  const constantsStart = address
  const take = (bytes: number): number => {
    const at = address
    address = align(address + bytes + slack)
    return at
  }
  const table = pictures ? take(3 * 256 * 4) : 0
  const blocks = model.views.map(
    ({ view, operator }) => new Map(operator.blocks(view).map(({ role, bytes }) => [role, take(bytes)])),
  )
  const { task } = model.graph
  const detection = task.kind === 'detection' ? reserveDetection(task, take) : undefined
  const arenaStart = address

  const input = model.tensorsByName.get(model.graph.inputs[0])!
  const scratchOf = (step: Step): number => {
    if (step.kind === 'copy') return 0
    const { view, operator } = model.views[step.index]
    return operator.scratchBytes(view)
  }
  const needs = [pictures ? preprocessScratch(input.shape[2]) : 0, ...steps.map(scratchOf)].map((bytes) =>
    bytes === 0 ? 0 : align(bytes + slack),
  )
  // One thread's scratch may lie wherever the arena has room. Several threads keep to one place
  // each: what a thread has written is in its own processor's cache, and memory that another one
  // wrote to last comes slowly from there.
  const most = Math.max(...needs)
  const strides = threads === 1 ? needs : needs.map(() => most)
  const scratches =
    threads === 1
      ? needs.map((bytes, step) => ({ bytes, first: step, last: step }))
      : [{ bytes: most * threads, first: 0, last: steps.length }]
  const boxes = task.kind === 'detection' ? boxCount(task, model) : 0
  const last = steps.length + 1
  // When the network is done, only its outputs are still needed.
  const list = { bytes: boxes === 0 ? 0 : listBytes(capacityFor(boxes, 1)), first: last, last }
  const arena = planArena([...buffers, ...scratches, list])
  const bufferOffset = new Map(buffers.map((buffer, i) => [buffer, arena.offsets[i]]))
  const scratch = strides.map((stride, i) => ({
    address: arenaStart + arena.offsets[buffers.length + (threads === 1 ? i : 0)],
    stride,
  }))

  const places = new Map<string, Place>()
  for (const tensor of model.graph.tensors) {
    const place = storage.get(tensor.name)
    const offset = place === undefined ? undefined : bufferOffset.get(place.buffer)
    if (place !== undefined && offset !== undefined) {
      places.set(tensor.name, { address: arenaStart + offset + place.offset, stride: place.stride })
    }
  }
  const heads =
    task.kind !== 'detection'
      ? []
      : task.heads.map(({ output }) => {
          const [, rows, columns] = model.tensorsByName.get(output)!.shape
          return { ...places.get(output)!, rows, columns }
        })
  const candidates = arenaStart + arena.offsets[arena.offsets.length - 1]
  const end = arenaStart + align(arena.bytes + slack)
  const staged = model.views.map(({ view }) =>
    Object.values(view.constants).reduce((sum, constant) => sum + align(constantBytes(constant) + slack), 0),
  )
  return {
    model,
    steps,
    places,
    blocks,
    threads,
    scratch: scratch.slice(1),
    ...(pictures ? { preprocessing: { table, scratch: scratch[0] } } : {}),
    ...(detection ? { detection: { ...detection, candidates, boxes, heads } } : {}),
    packedBytes: arenaStart - constantsStart,
    arenaStart,
    arenaBytes: arena.bytes,
    arenaLowerBound: arena.lowerBound,
    end,
    loadEnd: arenaStart + Math.max(0, ...staged),
  }
}

/** Interpolation positions and weights of a row's columns; see docs/engine.md, Scratch. */
export function preprocessScratch(width: number): number {
  return roundUp(width, 4) * 8 + 64
}

/** Address and stride of one channel of a tensor. */
export function channelPlace(plan: Plan, tensor: string, channel: number): Place {
  const place = plan.places.get(tensor)!
  return {
    address: place.address + channel * bytesOf(plan.model.tensorsByName.get(tensor)!),
    stride: place.stride,
  }
}
