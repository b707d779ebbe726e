import { elements } from '../graph/descriptor.js'
import { knowSums } from '../graph/kernels/convolution.js'
import { operators } from '../graph/ops/index.js'
import type { Constant, Model } from '../graph/types.js'
import { programStart } from '../plan/plan.js'
import { rowFindings } from '../program/kinds.js'
import { loadEngine } from './build.js'
import type { Build, Engine } from './engine.js'
import { likelyThreads } from './threads.js'

/** Fewer weights are summed sooner than an engine is made for it. */
const leastWeights = 1 << 16
/**
 * Bytes of weights that pass through the engine's memory at a time: fresh memory costs more than
 * the sums.
 */
const windowBytes = 1 << 17
const mostRows = 4096

/**
 * Sums the weights of convolutions in the engine, for the proofs of `verifyModel`, which else would
 * have to do it while the runtime still interprets it. Checks nothing: what is not as it should be
 * is left to the proofs. Returns the engine that did it.
 */
export async function sumWeights(
  { graph, constants }: Model,
  options: { readonly build?: Build; readonly threads?: number } = {},
): Promise<Engine | undefined> {
  const weights = new Set<Constant>()
  for (const node of graph.nodes) {
    if (operators.get(node.op)?.summed !== true || !Object.hasOwn(node.constants, 'weight')) continue
    const weight = constants.get(node.constants.weight)
    if (weight !== undefined && fits(weight)) weights.add(weight)
  }
  const all = [...weights].reduce((sum, { data }) => sum + data.length, 0)
  if (all < leastWeights) return undefined
  const needed = programStart + windowBytes + mostRows * 8
  // The module that the session will use, so that it is compiled once.
  const engine = await loadEngine(needed, { ...options, threads: likelyThreads(options.threads) })
  const { exports, memory } = engine
  for (const weight of weights) {
    const { shape, data } = weight
    const depth = data.length / shape[0]
    const rows = Math.min(mostRows, Math.floor(windowBytes / depth))
    const found = {
      signed: new Float64Array(shape[0]),
      magnitude: new Float64Array(shape[0]),
      narrow: true,
    }
    for (let row = 0; row < shape[0]; row += rows) {
      const count = Math.min(rows, shape[0] - row)
      const at = programStart + windowBytes
      memory.int8.set(data.subarray(row * depth, (row + count) * depth), programStart)
      if ((exports.row_sums_s8(programStart, count, depth, at) & rowFindings.wide) !== 0) found.narrow = false
      const { words } = memory
      for (let n = 0; n < count; n++) {
        found.signed[row + n] = words[at / 4 + 2 * n]
        found.magnitude[row + n] = words[at / 4 + 2 * n + 1]
      }
    }
    knowSums(weight, found)
  }
  return engine
}

/** Whole rows in memory, each of which the window holds. */
const fits = ({ dtype, shape, data, read }: Constant): boolean =>
  dtype === 'int8' &&
  read === undefined &&
  data instanceof Int8Array &&
  shape.length === 4 &&
  data.length > 0 &&
  data.length === elements(shape) &&
  data.length / shape[0] <= windowBytes
