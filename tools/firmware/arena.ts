import type { VerifiedModel } from '../../src/host/graph/verify.js'
import { planArena } from '../../src/host/plan/arena.js'
import { boxCount, capacityFor } from '../../src/host/plan/detection.js'
import type { Plan } from '../../src/host/plan/plan.js'
import { describeInstruction } from '../../src/host/plan/program.js'
import { planStorage, slack } from '../../src/host/plan/storage.js'
import { listBytes } from '../../src/host/program/candidates.js'
import { instructionWords } from '../../src/host/program/instruction.js'
import type { Band } from './bands.js'

/** The arena's first bytes hold the instruction that runs. */
export const instructionArea = instructionWords * 4

/** Bytes of the arena, and from which to which step they are taken. */
export interface ArenaPart {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  readonly first: number
  readonly last: number
}

export interface ArenaLayout {
  readonly parts: readonly ArenaPart[]
  readonly bytes: number
  readonly offsets: ReadonlyMap<string, number>
  readonly scratch: readonly number[]
  readonly list: number
  readonly chains: number
}

/**
 * Tensors, scratch and the list of candidates by their lifetimes. Nothing reads behind a tensor. With
 * bands the input holds a few rows, which the first two steps fill and use by turns.
 */
export function layOutArena(
  model: VerifiedModel,
  planned: Plan,
  labels: number,
  bands: readonly Band[],
): ArenaLayout {
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
  const isBanded = bands.length > 1
  const wanted = [
    ...buffers.map(({ name, bytes, first, last: end }) => ({
      name: isBanded && name === input.name ? `${name} (rows of a band)` : name,
      bytes:
        isBanded && name === input.name
          ? ((bytes - slack) / input.shape[1]) * Math.max(...bands.map((band) => band.inputRows))
          : bytes - slack,
      first,
      last: end,
    })),
    { name: 'scratch of preprocess', bytes: input.shape[2] * 8, first: 0, last: isBanded ? 1 : 0 },
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
