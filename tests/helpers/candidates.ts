import {
  candidateOffset,
  entryBytes,
  listBytes,
  listHeaderBytes,
  listOffset,
} from '../../src/host/program/candidates.js'
import { overlapKinds } from '../../src/host/program/kinds.js'
import { type Build, loadEngine, programStart, writeInstruction } from './engine.js'
import type { Candidate, SuppressSettings } from './reference-detection.js'

const doubles = (['xmin', 'ymin', 'xmax', 'ymax', 'score'] as const).map(candidateOffset)

/** A list of candidates as assembly/kernels/detect/candidates.ts lays it out. */
export function writeList(buffer: ArrayBuffer, list: number, candidates: readonly Candidate[]): void {
  const view = new DataView(buffer)
  view.setInt32(list + listOffset('count'), candidates.length, true)
  candidates.forEach(({ box, score, classId, origin }, n) => {
    const at = list + listHeaderBytes + n * entryBytes
    for (const [i, value] of [...box, score].entries()) view.setFloat64(at + doubles[i], value, true)
    view.setInt32(at + candidateOffset('classId'), classId, true)
    view.setInt32(at + candidateOffset('origin'), origin, true)
  })
}

export function readList(buffer: ArrayBuffer, list: number, count: number): Candidate[] {
  const view = new DataView(buffer)
  return Array.from({ length: count }, (_, n) => {
    const at = list + listHeaderBytes + n * entryBytes
    const [a, b, c, d, score] = doubles.map((offset) => view.getFloat64(at + offset, true))
    return {
      box: [a, b, c, d],
      score,
      classId: view.getInt32(at + candidateOffset('classId'), true),
      origin: view.getInt32(at + candidateOffset('origin'), true),
    }
  })
}

/** What the engine's suppression leaves of candidates. */
export function suppress(
  build: Build,
  candidates: readonly Candidate[],
  settings: SuppressSettings,
  classes = 3,
): Candidate[] {
  const list = programStart + 4096
  const chains = list + Math.ceil(listBytes(candidates.length) / 64) * 64
  const { memory, exports } = loadEngine(build, chains + classes * 4 - programStart)
  writeList(memory.buffer, list, candidates)
  const parameters = programStart + 1024
  new Float64Array(memory.buffer, parameters, 2).set([settings.iou, settings.beta])
  writeInstruction(memory, programStart, 'suppress', {
    candidates: list,
    chains,
    classes,
    kind: overlapKinds[settings.kind === 'diou' ? 'diou' : 'iou'],
    agnostic: Number(settings.agnostic),
    bestOnly: Number(settings.bestOnly),
    maxResults: Math.min(settings.maxResults, 0x7fffffff),
    clip: Number(settings.clip),
    sourceWidth: settings.width,
    sourceHeight: settings.height,
    parameters,
  })
  // A thread that isn't the first has nothing to do here.
  if (exports.run(programStart, 1, 1, 2) !== 0 || exports.run(programStart, 1, 0, 2) !== 0)
    throw new Error('no such instruction')
  return readList(memory.buffer, list, new DataView(memory.buffer).getInt32(list + listOffset('kept'), true))
}
