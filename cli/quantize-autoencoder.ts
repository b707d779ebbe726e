import { basename, extname } from 'node:path'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { isInt8 } from '../src/host/graph/precision.js'
import type { Model } from '../src/host/graph/types.js'
import { writeModel } from '../src/host/platform/node.js'
import { quantizeLinears } from '../tools/quantize/passes/linear.js'
import { compareModels, type Photo } from '../tools/quantize/quantize.js'
import { noiseWarnings } from '../tools/quantize/report/warnings.js'
import type { ModelWords } from './inputs.js'
import { bytes, print, printJson, table, warn, writeWhole } from './output.js'
import { readPhoto, warnDropped } from './photos.js'
import type { SessionWords } from './session-options.js'

export interface AutoencoderWords extends ModelWords, SessionWords {
  calibrate?: string[]
  out: string
  name?: string
  license?: string
  source?: string
  reduceRange?: boolean
  json?: boolean
}

/** An int8 autoencoder, and its float original where it is at hand. */
export interface QuantizedAutoencoder {
  readonly model: Model
  /** Reads the float weights again: both are held only for a comparison. */
  float(): Promise<Model>
}

/**
 * Weights that were opened for int8, as an autoencoder; undefined for any other network.
 * Checkpoints are quantised while they are read, because both may not fit the memory: `reopen`
 * reads the float weights.
 */
export function autoencoderOf(
  model: Model,
  reopen: () => Promise<Model>,
  { reduceRange }: AutoencoderWords,
): QuantizedAutoencoder | undefined {
  if (model.graph.task.kind !== 'autoencoder') return undefined
  if (isInt8(model)) return { model, float: reopen }
  return { model: quantizeLinears(model, reduceRange ? 7 : 8), float: async () => model }
}

/**
 * Writes an int8 autoencoder; where photos are given, tells the noise of each layer on some of
 * them.
 */
export async function quantizeAutoencoder(
  weights: string,
  { model, float }: QuantizedAutoencoder,
  photoFiles: readonly string[],
  words: AutoencoderWords,
): Promise<void> {
  const named: Model = {
    ...model,
    graph: {
      ...model.graph,
      name: words.name ?? basename(words.out, extname(words.out)),
      provenance: {
        ...model.graph.provenance,
        quantization: `int8, ${words.reduceRange ? 7 : 8}-bit weights per channel, tokens by their own range`,
        ...(words.license === undefined ? {} : { license: words.license }),
        ...(words.source === undefined ? {} : { source: words.source }),
      },
    },
  }
  const file = writeModel(named)
  const photos = photoFiles.slice(0, 8).map(
    (file): Photo =>
      async () =>
        readPhoto(file, words.maxPixels),
  )
  const layers =
    photos.length === 0
      ? []
      : await compareModels(await float(), named, photos, sessionOptionsOf(words), warnDropped)
  const warnings = noiseWarnings(layers)
  for (const warning of warnings) warn(warning)
  writeWhole(words.out, file)
  if (words.json) {
    printJson({ file: words.out, bytes: file.length, photos: photos.length, warnings, layers })
    return
  }
  if (layers.length > 0) {
    const rows = layers.map((l) => [l.name, l.op, l.decibels.toFixed(1)])
    print(`${table(['layer', 'operator', 'SNR dB'], rows)}\n`)
  }
  print(`${words.out}: ${bytes(file.length)}, from ${weights}; autoencoders need no calibration`)
}
