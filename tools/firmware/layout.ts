import { loadEngine } from '../../src/host/engine/build.js'
import { loadPlan } from '../../src/host/engine/load.js'
import { OcellusError } from '../../src/host/errors.js'
import { roundUp } from '../../src/host/graph/descriptor.js'
import { detectionOf } from '../../src/host/graph/task.js'
import type { VerifiedModel } from '../../src/host/graph/verify.js'
import { fitImage } from '../../src/host/image/fit.js'
import { planArena } from '../../src/host/plan/arena.js'
import { boxCount, capacityFor } from '../../src/host/plan/detection.js'
import { memoryOf, type Plan, planModel } from '../../src/host/plan/plan.js'
import { compileProgram, describeInstruction } from '../../src/host/plan/program.js'
import { planStorage, slack } from '../../src/host/plan/storage.js'
import { listBytes } from '../../src/host/program/candidates.js'
import { encode } from '../../src/host/program/encode.js'
import type { Layout } from '../../src/host/program/field.js'
import { fields, instructionWords, type Opcode, opcodes } from '../../src/host/program/instruction.js'
import type { Settings } from '../../src/host/tasks/detection/options.js'
import { decodingProgram } from '../../src/host/tasks/detection/program.js'

/** Where the addresses of a plan for firmware begin: each kind of memory at a number of its own. */
const arenaBase = 0x10000000
const flashBase = 0x40000000

/** The arena's first bytes hold the instruction that runs. */
export const instructionArea = instructionWords * 4

/** An instruction of firmware: words, and which of them are offsets in the arena or in flash. */
export interface FirmwareInstruction {
  readonly name: string
  readonly opcode: Opcode | 'beginList'
  readonly words: readonly number[]
  readonly arenaMask: number
  readonly flashMask: number
}

/** Constants of one layer in flash. */
export interface FlashPart {
  readonly name: string
  readonly role: string
  readonly offset: number
  readonly bytes: number
}

/** Bytes of the arena, and from which to which step they are taken. */
export interface ArenaPart {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  readonly first: number
  readonly last: number
}

/** A tensor in the arena: `pixels` times `bytes`, `stride` apart. */
export interface OutputPlace {
  readonly name: string
  readonly offset: number
  readonly pixels: number
  readonly bytes: number
  readonly stride: number
}

export interface FirmwareLayout {
  readonly instructions: readonly FirmwareInstruction[]
  readonly weights: Uint8Array
  readonly flash: readonly FlashPart[]
  readonly arena: readonly ArenaPart[]
  readonly arenaBytes: number
  readonly outputs: readonly OutputPlace[]
  /** Offset of the list of candidates in the arena. */
  readonly list: number
}

/** Lays out program, flash and arena of a detector for frames of one size. */
export async function layOut(
  model: VerifiedModel,
  settings: Settings,
  frame: { readonly width: number; readonly height: number },
): Promise<FirmwareLayout> {
  const task = detectionOf(model.graph)
  const planned = planModel(model, 1)
  const flash = await packConstants(planned)
  const arena = layOutArena(model, planned, task.labels.length)
  const plan = placed(planned, flash.addresses, arena)

  const input = model.tensorsByName.get(model.graph.inputs[0])!
  const [, height, width] = input.shape
  const fit = fitImage(model.graph.preprocessing?.mode ?? 'letterbox', frame, { width, height })
  const program = compileProgram(plan)
  const instructions = Array.from({ length: plan.steps.length + 1 }, (_, n) =>
    relocated(
      describeInstruction(plan, n).name,
      program.slice(n * instructionWords, (n + 1) * instructionWords),
    ),
  )
  const first = instructions[0]
  instructions[0] = { ...first, words: patch(first.words, 'preprocess', { ...fit }) }

  const capacity = capacityFor(plan.detection!.boxes, settings.multiLabel ? task.labels.length : 1)
  const decoding = decodingProgram(task, settings, fit, {
    heads: plan.detection!.heads,
    // Their addresses are known once their bytes are.
    parameters: task.heads.map(() => flashBase).concat(flashBase),
    classMask: 0,
    chains: arenaBase + arena.chains,
    list: arenaBase + arena.list,
    capacity,
  })
  const heads = decoding.map(({ instruction, parameters }, n) => {
    const name = n < task.heads.length ? `decode ${task.heads[n].output}` : 'suppress'
    const at = flash.add(name, 'parameters', new Uint8Array(Float64Array.from(parameters).buffer))
    const mask =
      settings.classMask !== undefined && instruction.opcode === 'decodeYolo'
        ? { classMask: flash.add(name, 'classes', settings.classMask) }
        : {}
    const fieldsOf = { ...instruction.fields, parameters: at, ...mask }
    return relocated(name, encode({ opcode: instruction.opcode, fields: fieldsOf } as typeof instruction))
  })
  const begin: FirmwareInstruction = {
    name: 'begin the list',
    opcode: 'beginList',
    words: [0, arena.list],
    arenaMask: 2,
    flashMask: 0,
  }
  return {
    instructions: [...instructions, begin, ...heads],
    weights: flash.bytes(),
    flash: flash.parts,
    arena: arena.parts,
    arenaBytes: arena.bytes,
    outputs: model.graph.outputs.map((name) => {
      const { address, stride } = plan.places.get(name)!
      const tensor = model.tensorsByName.get(name)!
      const [, rows, columns, channels] = tensor.shape
      const bytes = channels * (tensor.dtype === 'int8' ? 1 : 4)
      return { name, offset: address - arenaBase, pixels: rows * columns, bytes, stride }
    }),
    list: arena.list,
  }
}

/** The words of an instruction with some of its fields written anew. */
function patch<O extends Opcode>(
  words: readonly number[],
  opcode: O,
  values: Readonly<Record<string, number>>,
): readonly number[] {
  const names = Object.keys(fields[opcode])
  return words.map((word, n) => (n > 0 && Object.hasOwn(values, names[n - 1]) ? values[names[n - 1]] : word))
}

const opcodeNames = new Map<number, Opcode>(
  Object.entries(opcodes).map(([name, number]) => [number, name as Opcode]),
)

/** Addresses of a plan as offsets, and which words hold them. */
function relocated(name: string, encoded: Int32Array): FirmwareInstruction {
  const opcode = opcodeNames.get(encoded[0])!
  const layout: Layout = fields[opcode]
  const words = Array.from(encoded, (word) => word >>> 0)
  let arenaMask = 0
  let flashMask = 0
  Object.values(layout).forEach((kind, n) => {
    const word = n + 1
    if (!['arena', 'weights', 'state'].includes(kind) || words[word] === 0) return
    const inFlash = words[word] >= flashBase
    words[word] -= inFlash ? flashBase : arenaBase
    if (inFlash) flashMask |= 1 << word
    else arenaMask |= 1 << word
  })
  // The last word is for builds with threads.
  words[instructionWords - 1] = 0
  let count = words.length
  while (words[count - 1] === 0) count--
  return {
    name,
    opcode,
    words: words.slice(0, count),
    arenaMask: arenaMask >>> 0,
    flashMask: flashMask >>> 0,
  }
}

/** Constants as the kernels read them, one behind the other, aligned to words. */
async function packConstants(planned: Plan) {
  const engine = await loadEngine(memoryOf(planned), { build: 'scalar' })
  const parts: FlashPart[] = []
  const contents: Uint8Array[] = []
  let end = 0
  const add = (name: string, role: string, bytes: Uint8Array): number => {
    parts.push({ name, role, offset: end, bytes: bytes.length })
    contents.push(bytes)
    const at = end
    end = roundUp(end + bytes.length, 4)
    return flashBase + at
  }
  try {
    loadPlan(planned, compileProgram(planned), engine)
    const read = (address: number, bytes: number): Uint8Array =>
      engine.memory.bytes.slice(address, address + bytes)
    const input = planned.model.tensorsByName.get(planned.model.graph.inputs[0])!
    const tableBytes = 3 * 256 * (input.dtype === 'int8' ? 1 : 4)
    const table =
      planned.preprocessing === undefined
        ? 0
        : add('preprocess', 'table', read(planned.preprocessing.table, tableBytes))
    const blocks = planned.model.views.map(({ view, operator }, n) => {
      const own = new Map<string, number>()
      for (const { role, bytes } of operator.blocks(view))
        own.set(role, add(view.node.name, role, read(planned.blocks[n].get(role)!, bytes)))
      return own
    })
    const bytes = (): Uint8Array => {
      const all = new Uint8Array(end)
      for (const [n, { offset }] of parts.entries()) all.set(contents[n], offset)
      return all
    }
    return { addresses: { table, blocks }, parts, add, bytes }
  } finally {
    engine.close()
  }
}

interface ArenaLayout {
  readonly parts: readonly ArenaPart[]
  readonly bytes: number
  readonly offsets: ReadonlyMap<string, number>
  readonly scratch: readonly number[]
  readonly list: number
  readonly chains: number
}

/** Tensors, scratch and the list of candidates by their lifetimes. Nothing reads behind a tensor. */
function layOutArena(model: VerifiedModel, planned: Plan, labels: number): ArenaLayout {
  const { steps, buffers } = planStorage(model)
  const input = model.tensorsByName.get(model.graph.inputs[0])!
  const last = steps.length + 1
  const { task } = model.graph
  const boxes = task.kind === 'detection' ? boxCount(task, model) : 0
  const scratchOf = (index: number): number => {
    const step = steps[index]
    if (step.kind === 'copy') return 0
    const { view, operator } = model.views[step.index]
    return operator.scratchBytes(view)
  }
  const wanted = [
    ...buffers.map(({ name, bytes, first, last: end }) => ({
      name,
      bytes: bytes - slack,
      first,
      last: end,
    })),
    { name: 'scratch of preprocess', bytes: input.shape[2] * 8, first: 0, last: 0 },
    ...steps.map((_, n) => ({
      name: `scratch of ${describeInstruction(planned, n + 1).name}`,
      bytes: scratchOf(n),
      first: n + 1,
      last: n + 1,
    })),
    { name: 'candidates', bytes: listBytes(capacityFor(boxes, 1)), first: last, last },
    { name: 'chains', bytes: labels * 4, first: last, last },
  ]
  const arena = planArena(wanted)
  const parts = wanted.map((one, n) => ({ ...one, offset: instructionArea + arena.offsets[n] }))
  const after = buffers.length
  return {
    parts: parts.filter(({ bytes }) => bytes > 0),
    bytes: instructionArea + arena.bytes,
    offsets: new Map(buffers.map(({ name }, n) => [name, parts[n].offset])),
    scratch: parts.slice(after, after + steps.length + 1).map(({ offset }) => offset),
    list: parts[parts.length - 2].offset,
    chains: parts[parts.length - 1].offset,
  }
}

/** The plan with the addresses of firmware. */
function placed(
  planned: Plan,
  { table, blocks }: { readonly table: number; readonly blocks: readonly ReadonlyMap<string, number>[] },
  arena: ArenaLayout,
): Plan {
  const { model } = planned
  const { storage } = planStorage(model)
  const places = new Map(
    [...storage].flatMap(([name, { buffer, offset, stride }]) => {
      const at = arena.offsets.get(buffer.name)
      return at === undefined ? [] : [[name, { address: arenaBase + at + offset, stride }] as const]
    }),
  )
  const scratch = arena.scratch.map((offset) => ({ address: arenaBase + offset, stride: 0 }))
  const { detection } = planned
  if (detection === undefined || planned.preprocessing === undefined)
    throw new OcellusError('E_MODEL_TASK', `${model.graph.name} is no detector`)
  const { task } = model.graph
  const heads = detection.heads.map((head, n) => {
    const name = task.kind === 'detection' ? task.heads[n].output : ''
    return { ...head, ...places.get(name)! }
  })
  return {
    ...planned,
    places,
    blocks,
    scratch: scratch.slice(1),
    preprocessing: { table, scratch: scratch[0] },
    detection: { ...detection, heads, candidates: arenaBase + arena.list },
  }
}
