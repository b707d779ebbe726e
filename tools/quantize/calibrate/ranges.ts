import { OcellusError } from '../../../src/host/errors.js'
import type { Quantization } from '../../../src/host/graph/types.js'

/** What calibration saw of a network: numbers alone, none of its weights. */
export interface Ranges {
  /** By which channels were divided, by tensor. */
  readonly factors: ReadonlyMap<string, Float64Array>
  /** Of each group of tensors that share one, by the tensor that stands for it. */
  readonly scales: ReadonlyMap<string, Quantization>
  /** Of the channels of each tensor that meets weights. */
  readonly means: ReadonlyMap<string, Float64Array>
  /** On how many samples. */
  readonly samples: number
}

/** Ranges that were seen in another network than the one that they are given for. */
export const unfit = (what: string): OcellusError =>
  new OcellusError('E_OPTION', `the ranges ${what}: they are of another network, or of other float layers`)

const version = 1
/** Steps of a factor from one power of two to the next. */
const steps = 32

/** The largest magnitude of some channels, and a byte for each of them. */
type Packed = readonly [largest: number, bytes: Uint8Array]

const largestOf = (values: Float64Array): number => Number(Math.max(...values.map(Math.abs)).toPrecision(6))

function packFactors(values: Float64Array): Packed {
  const largest = largestOf(values)
  return [
    largest,
    Uint8Array.from(values, (value) =>
      Math.max(0, Math.min(255, Math.round(-Math.log2(value / largest) * steps))),
    ),
  ]
}

const unpackFactors = ([largest, bytes]: Packed): Float64Array =>
  Float64Array.from(bytes, (byte) => largest * 2 ** (-byte / steps))

function packMeans(values: Float64Array): Packed {
  const largest = largestOf(values)
  return [
    largest,
    Uint8Array.from(values, (value) =>
      largest === 0 ? 0 : Math.max(-127, Math.min(127, Math.round((value / largest) * 127))) & 0xff,
    ),
  ]
}

const unpackMeans = ([largest, bytes]: Packed): Float64Array =>
  Float64Array.from(bytes, (byte) => (largest * ((byte << 24) >> 24)) / 127)

type ByTensor = ReadonlyMap<string, Float64Array>

const mapped = (tensors: ByTensor, round: (values: Float64Array) => Float64Array): ByTensor =>
  new Map([...tensors].map(([name, values]) => [name, round(values)]))

/**
 * Factors and means as a file of ranges holds them. Quantisation works with these from the start,
 * so that a file gives the same model, byte for byte.
 */
export const keptFactors = (tensors: ByTensor): ByTensor =>
  mapped(tensors, (values) => unpackFactors(packFactors(values)))
export const keptMeans = (tensors: ByTensor): ByTensor =>
  mapped(tensors, (values) => unpackMeans(packMeans(values)))

/**
 * A file of ranges, JSON: `scales` are [scale, zeroPoint] by tensor. The channels of a tensor are a
 * byte each, in base64, after their largest magnitude: a factor is that times 2^(-byte / 32), a mean
 * that times byte / 127, signed.
 */
export function writeRanges({ factors, scales, means, samples }: Ranges, weights: string): string {
  const packed = (tensors: ByTensor, pack: (values: Float64Array) => Packed) =>
    Object.fromEntries(
      [...tensors].map(([name, values]) => {
        const [largest, bytes] = pack(values)
        return [name, [largest, Buffer.from(bytes).toString('base64')]]
      }),
    )
  const content = {
    version,
    weights,
    samples,
    scales: Object.fromEntries([...scales].map(([name, { scale, zeroPoint }]) => [name, [scale, zeroPoint]])),
    factors: packed(factors, packFactors),
    means: packed(means, packMeans),
  }
  return `${JSON.stringify(content)}\n`
}

/** Reads what `writeRanges` wrote. Throws E_CALIBRATION_RANGES for anything else. */
export function parseRanges(text: string, file: string): Ranges & { readonly weights: string } {
  const wrong = (what: string): OcellusError =>
    new OcellusError('E_CALIBRATION_RANGES', `${file} is no file of ranges: ${what}`)
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    throw wrong('not JSON')
  }
  const record = (value: unknown, at: string): Record<string, unknown> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${at} is no object`)
    return Object.fromEntries(Object.entries(value))
  }
  const finite = (value: unknown, at: string): number => {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw wrong(`${at} is no number`)
  }
  const pair = (value: unknown, at: string): readonly [unknown, unknown] => {
    if (Array.isArray(value) && value.length === 2) return [value[0], value[1]]
    throw wrong(`${at} is no pair`)
  }
  const root = record(read, 'it')
  if (root.version !== version) throw wrong(`version ${String(root.version)} is not ${version}`)
  if (typeof root.weights !== 'string' || !/^[0-9a-f]{64}$/.test(root.weights))
    throw wrong('weights is no SHA-256')
  const samples = finite(root.samples, 'samples')
  if (!Number.isSafeInteger(samples) || samples < 1) throw wrong('samples is no count')
  const scaleOf = ([name, value]: [string, unknown]): [string, Quantization] => {
    const [scale, zeroPoint] = pair(value, name).map((part) => finite(part, name))
    if (!(Math.fround(scale) > 0 && Number.isFinite(Math.fround(scale)))) throw wrong(`the scale of ${name}`)
    if (!Number.isInteger(zeroPoint) || zeroPoint < -128 || zeroPoint > 127)
      throw wrong(`the zero point of ${name}`)
    return [name, { scale, zeroPoint }]
  }
  const unpacked = (value: unknown, at: string, unpack: (packed: Packed) => Float64Array) =>
    new Map(
      Object.entries(record(value, at)).map(([name, entry]) => {
        const [size, bytes] = pair(entry, name)
        const largest = finite(size, name)
        if (typeof bytes !== 'string' || largest < 0) throw wrong(`the channels of ${name}`)
        return [name, unpack([largest, Buffer.from(bytes, 'base64')])] as const
      }),
    )
  const factors = unpacked(root.factors, 'factors', unpackFactors)
  for (const [name, values] of factors)
    if (!values.every((value) => value > 0 && Number.isFinite(value))) throw wrong(`the factors of ${name}`)
  return {
    weights: root.weights,
    samples,
    scales: new Map(Object.entries(record(root.scales, 'scales')).map(scaleOf)),
    factors,
    means: unpacked(root.means, 'means', unpackMeans),
  }
}
