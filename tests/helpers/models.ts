import type { TensorData } from '../../src/host/engine/session.js'
import type { Model, Quantization } from '../../src/host/graph/types.js'
import { fromRange } from '../../tools/quantize/calibrate/observers.js'
import { precisionOf } from '../../tools/quantize/passes/precision.js'
import { rewriteInt8 } from '../../tools/quantize/passes/rewrite.js'
import { shareScales } from '../../tools/quantize/passes/share.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { randomizer, randomWeights } from '../readers/tiny.js'
import { runReference } from './reference.js'

/** A darknet network with made-up weights. */
export function tinyModel(cfg: string, seed: number): Model {
  return readDarknet({
    cfg: { text: cfg, file: 'tiny.cfg' },
    weights: { bytes: randomWeights(cfg, seed), file: 'tiny.weights' },
  })
}

const inputLength = ({ graph }: Model): number => {
  const input = graph.tensors.find(({ name }) => name === graph.inputs[0])
  return input?.shape.reduce((a, b) => a * b, 1) ?? 0
}

/** Values of a picture, 0 to 1. */
export function randomInput(model: Model, seed: number): Float32Array {
  const random = randomizer(seed)
  return Float32Array.from({ length: inputLength(model) }, random)
}

export function randomInt8Input(model: Model, seed: number): Int8Array {
  const random = randomizer(seed)
  return Int8Array.from({ length: inputLength(model) }, () => Math.floor(random() * 256) - 128)
}

/** The int8 form of a float model, calibrated on one random input by the reference interpreter. */
export function int8Model(model: Model, seed: number, reduceRange = false): Model {
  return quantizedBy(model, runReference(model, randomInput(model, seed)), reduceRange)
}

/** The int8 form of a float model whose tensors took these values: each scale just spans them. */
export function quantizedBy(
  model: Model,
  taken: ReadonlyMap<string, TensorData>,
  reduceRange = false,
): Model {
  // Every operator that has an int8 form is tried in it, after the last weights too.
  const precision = precisionOf(model, [], 'int8')
  const groups = shareScales(model, precision)
  const ranges = new Map<string, [low: number, high: number]>()
  for (const [name, values] of taken) {
    const range = ranges.get(groups.get(name)!) ?? [0, 0]
    for (const value of values) {
      if (value < range[0]) range[0] = value
      if (value > range[1]) range[1] = value
    }
    ranges.set(groups.get(name)!, range)
  }
  const scales = new Map<string, Quantization>()
  for (const { name } of model.graph.tensors) {
    const [low, high] = ranges.get(groups.get(name)!)!
    scales.set(name, fromRange(low, high))
  }
  return rewriteInt8(model, scales, { reduceRange, precision })
}
