import { OcellusError } from '../src/host/errors.js'
import type { Graph } from '../src/host/graph/types.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import { readNpy } from '../tools/npy/read.js'

/**
 * The patches that an autoencoder sees, counted row by row: a row of them for each run, or one for
 * all. Undefined for a model of another task.
 */
export async function readVisible(graph: Graph, word: string | undefined): Promise<number[][] | undefined> {
  if (graph.task.kind !== 'autoencoder') {
    if (word === undefined) return undefined
    throw new OcellusError('E_OPTION', `${graph.name} is no autoencoder: --visible is for those`)
  }
  const [, height, width] = graph.tensors.find(({ name }) => name === graph.inputs[0])!.shape
  const places = (height / graph.task.patch) * (width / graph.task.patch)
  if (word === undefined) return [Array.from({ length: places }, (_, place) => place)]
  const rows = word.toLowerCase().endsWith('.npy') ? await readRows(word) : [word.split(',').map(parsePatch)]
  const bad = rows.flat().find((patch) => !(Number.isInteger(patch) && patch >= 0 && patch < places))
  if (bad !== undefined)
    throw new OcellusError(
      'E_OPTION',
      `the patch ${bad} is not of 0 to ${places - 1}, which ${graph.name} has`,
    )
  return rows
}

async function readRows(file: string): Promise<number[][]> {
  const { shape, data } = readNpy(await readCapped(file, limits.npyBytes), file)
  const [count, length] = shape.length === 1 ? [1, shape[0]] : shape
  if (shape.length !== 1 && shape.length !== 2)
    throw new OcellusError(
      'E_INPUT_SHAPE',
      `${file} has the shape [${shape.join(', ')}]; give [patches] or [runs, patches]`,
    )
  const values = Array.from(data, Number)
  return Array.from({ length: count }, (_, n) => values.slice(n * length, (n + 1) * length))
}

const parsePatch = (word: string): number => (/^\d{1,6}$/.test(word.trim()) ? Number(word) : Number.NaN)
