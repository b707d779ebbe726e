import { OcellusError } from '../src/host/errors.js'
import type { Preprocessing } from '../src/host/graph/types.js'

type Triple = readonly [number, number, number]

/** How bytes become the values that a network was trained on: (byte / 255 - mean) / std. */
export interface Normalization {
  readonly mean: Triple
  readonly std: Triple
}

const all = (value: number): Triple => [value, value, value]

/** What networks are most often trained on, by name. */
const presets: Readonly<Record<string, Normalization>> = {
  unit: { mean: all(0), std: all(1) },
  signed: { mean: all(0.5), std: all(0.5) },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  bytes: { mean: all(0), std: all(1 / 255) },
}

export interface NormalizeWords {
  readonly normalize?: Normalization
  readonly channels?: Preprocessing['channels']
}

/** A preset's name, or mean and deviation of bytes. */
export function parseNormalize(word: string): Normalization {
  if (Object.hasOwn(presets, word)) return presets[word]
  const [mean, std] = word.split('/').map(parseTriple)
  if (mean === undefined || std === undefined || std.some((value) => value <= 0))
    throw new OcellusError(
      'E_OPTION',
      `${word}: give ${Object.keys(presets).join(', ')}, or MEAN/STD with one or three numbers each, in bytes`,
    )
  return { mean: scaled(mean), std: scaled(std) }
}

function parseTriple(word: string): Triple | undefined {
  const values = word.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (!values.every(Number.isFinite)) return undefined
  if (values.length === 1) return all(values[0])
  return values.length === 3 ? [values[0], values[1], values[2]] : undefined
}

const scaled = ([r, g, b]: Triple): Triple => [r / 255, g / 255, b / 255]

/** How pictures become an input, as far as the command line says it. They are stretched to fit. */
export function pictureOf({ normalize, channels }: NormalizeWords): Preprocessing | undefined {
  if (normalize === undefined) {
    if (channels !== undefined)
      throw new OcellusError('E_OPTION', '--channels goes with --normalize, which is missing')
    return undefined
  }
  return { mode: 'stretch', pad: 128, channels: channels ?? 'rgb', ...normalize }
}
