import { OcellusError } from '../../src/host/errors.js'
import { detectionOf } from '../../src/host/graph/task.js'
import type { VerifiedModel } from '../../src/host/graph/verify.js'
import type { Geometry } from '../../src/host/image/fit.js'
import { capacityFor } from '../../src/host/plan/detection.js'
import { type Plan, planModel } from '../../src/host/plan/plan.js'
import { compileProgram, describeInstruction } from '../../src/host/plan/program.js'
import { planStorage } from '../../src/host/plan/storage.js'
import { encode } from '../../src/host/program/encode.js'
import type { Layout } from '../../src/host/program/field.js'
import { fields, instructionWords, type Opcode, opcodes, wordOf } from '../../src/host/program/instruction.js'
import type { Settings } from '../../src/host/tasks/detection/options.js'
import { decodingProgram } from '../../src/host/tasks/detection/program.js'
import { type ArenaLayout, type ArenaPart, layOutArena } from './arena.js'
import { type Band, possibleBands } from './bands.js'
import { arenaBase, type FlashPart, flashBase, packConstants } from './constants.js'

/** An instruction of firmware: words, and which of them are offsets in the arena or in flash. */
export interface FirmwareInstruction {
  readonly name: string
  readonly opcode: Opcode | 'beginList'
  readonly words: readonly number[]
  readonly arenaMask: number
  readonly flashMask: number
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

/** Lays out program, flash and arena of a detector for frames that lie so on its input. */
export async function layOut(
  model: VerifiedModel,
  settings: Settings,
  fit: Geometry,
): Promise<FirmwareLayout> {
  const task = detectionOf(model.graph)
  const planned = planModel(model, 1)
  const flash = await packConstants(planned)
  const { arena, bands } = smallestArena(model, planned, task.labels.length)
  const plan = placed(planned, flash.addresses, arena)

  const program = compileProgram(plan)
  const instructions = Array.from({ length: plan.steps.length + 1 }, (_, n) =>
    relocated(
      describeInstruction(plan, n).name,
      program.slice(n * instructionWords, (n + 1) * instructionWords),
    ),
  )
  const [preprocess, ...steps] = instructions
  const seen: FirmwareInstruction = {
    ...preprocess,
    words: patch(preprocess.words, 'preprocess', { ...fit }),
  }
  const network = bands.length > 1 ? [...inBands(seen, steps[0], bands), ...steps.slice(1)] : [seen, ...steps]

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
    instructions: [...network, begin, ...heads],
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

/** The cut of the first convolution that takes least RAM, and of several the fewest bands. */
function smallestArena(model: VerifiedModel, planned: Plan, labels: number) {
  const all = possibleBands(model).map((bands) => ({
    bands,
    arena: layOutArena(model, planned, labels, bands),
  }))
  return all.reduce((best, next) => (next.arena.bytes < best.arena.bytes ? next : best))
}

/** The preprocessing and the first convolution, band by band. */
function inBands(
  preprocess: FirmwareInstruction,
  conv: FirmwareInstruction,
  bands: readonly Band[],
): FirmwareInstruction[] {
  const rowBytes = conv.words[wordOf('convS8', 'outputWidth')] * conv.words[wordOf('convS8', 'outputStride')]
  const offsetY = preprocess.words[wordOf('preprocess', 'offsetY')]
  const output = conv.words[wordOf('convS8', 'output')]
  return bands.flatMap(({ outputRow, outputRows, inputRow, inputRows, padTop }) => [
    {
      ...preprocess,
      name: `preprocess, rows from ${inputRow}`,
      words: patch(preprocess.words, 'preprocess', { outputHeight: inputRows, offsetY: offsetY - inputRow }),
    },
    {
      ...conv,
      name: `${conv.name}, rows from ${outputRow}`,
      words: patch(conv.words, 'convS8', {
        inputHeight: inputRows,
        padTop,
        output: output + outputRow * rowBytes,
        outputHeight: outputRows,
      }),
    },
  ])
}

/** The words of an instruction with some of its fields written anew. */
function patch<O extends Opcode>(
  words: readonly number[],
  opcode: O,
  values: Readonly<Record<string, number>>,
): readonly number[] {
  const names = Object.keys(fields[opcode])
  return words.map((word, n) =>
    n > 0 && Object.hasOwn(values, names[n - 1]) ? values[names[n - 1]] >>> 0 : word,
  )
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
