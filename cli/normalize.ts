import { OcellusError } from '../src/host/errors.js'
import type { Preprocessing } from '../src/host/graph/types.js'
import { type Normalization, normalizations, ofBytes } from '../tools/onnx/normalization.js'

type Triple = readonly [number, number, number]

const presets: Readonly<Record<string, Normalization>> = normalizations

export interface NormalizeWords {
  readonly normalize?: Normalization
  readonly channels?: Preprocessing['channels']
}

/** A preset's name, or mean and deviation of bytes. */
export function parseNormalize(word: string): Normalization {
  if (Object.hasOwn(presets, word)) return presets[word]
  const [mean, std] = word.split('/').map(parseTriple)
  if (mean === undefined || std === undefined || Math.min(...[std].flat()) <= 0)
    throw new OcellusError(
      'E_OPTION',
      `${word}: give ${Object.keys(presets).join(', ')}, or MEAN/STD with one or three numbers each, in bytes`,
    )
  return ofBytes(mean, std)
}

function parseTriple(word: string): number | Triple | undefined {
  const values = word.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (!values.every(Number.isFinite)) return undefined
  if (values.length === 1) return values[0]
  return values.length === 3 ? [values[0], values[1], values[2]] : undefined
}

/** How pictures become an input, as far as the command line says it. They are stretched to fit. */
export function pictureOf({ normalize, channels }: NormalizeWords): Preprocessing | undefined {
  if (normalize === undefined) {
    if (channels !== undefined)
      throw new OcellusError('E_OPTION', '--channels goes with --normalize, which is missing')
    return undefined
  }
  return { mode: 'stretch', pad: 128, channels: channels ?? 'rgb', ...normalize }
}
