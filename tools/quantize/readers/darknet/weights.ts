import { OcellusError } from '../../../../src/host/errors.js'
import type { Constant } from '../../../../src/host/graph/types.js'
import type { Convolution } from './network.js'

export interface WeightFile {
  readonly bytes: Uint8Array
  readonly file: string
}

export interface Header {
  /** As in 0.2.5; written by darknet. */
  readonly version: string
  /** Pictures that the network was trained on. */
  readonly seen: number
  readonly bytes: number
}

/** Major, minor, revision, then the pictures seen, in 64 bits since version 0.2. */
export function readHeader({ bytes, file }: WeightFile): Header {
  const short = (needed: number): OcellusError =>
    new OcellusError(
      'E_WEIGHTS_TRUNCATED',
      `${file} holds ${bytes.length} bytes, fewer than the ${needed} of its header: get the file again`,
    )
  if (bytes.length < 12) throw short(16)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const major = view.getInt32(0, true)
  const minor = view.getInt32(4, true)
  const revision = view.getInt32(8, true)
  // darknet counts up from 0.1, and adds 1000 for a layout of long ago; text read as numbers is
  // huge.
  if (major < 0 || minor < 0 || revision < 0 || major >= 10_000 || minor >= 10_000) {
    throw new OcellusError(
      'E_WEIGHTS_HEADER',
      `${file} says it is version ${major}.${minor}.${revision}: not a darknet .weights file`,
    )
  }
  const wide = major * 10 + minor >= 2 && major < 1000 && minor < 1000
  const length = wide ? 20 : 16
  if (bytes.length < length) throw short(length)
  const seen = wide ? Number(view.getBigUint64(12, true)) : view.getUint32(12, true)
  return { version: `${major}.${minor}.${revision}`, seen, bytes: length }
}

const valuesOf = ({ filters, size, depth, batchNormalize }: Convolution): number =>
  filters * (batchNormalize ? 4 : 1) + filters * size * size * depth

const amount = (bytes: number): string =>
  bytes % 4 === 0 ? `${bytes} bytes (${bytes / 4} values)` : `${bytes} bytes`

/**
 * The file must hold what the configuration needs, to the byte; checked before anything is
 * allocated.
 */
export function checkLength(
  convolutions: readonly Convolution[],
  header: Header,
  weights: WeightFile,
  cfg: string,
): void {
  const { bytes, file } = weights
  const needed = convolutions.reduce((sum, convolution) => sum + valuesOf(convolution) * 4, header.bytes)
  if (bytes.length > needed) {
    throw new OcellusError(
      'E_WEIGHTS_TRAILING',
      `${file} has ${amount(bytes.length - needed)} after its last layer, ${convolutions.at(-1)?.node ?? 'none'}: it is not of ${cfg}`,
    )
  }
  if (bytes.length === needed) return
  let end = header.bytes
  const layer = convolutions.find((convolution) => {
    end += valuesOf(convolution) * 4
    return end > bytes.length
  })
  throw new OcellusError(
    'E_WEIGHTS_TRUNCATED',
    `${file} ends ${amount(needed - bytes.length)} early, in ${layer?.node}: it is cut off, or not of ${cfg}`,
  )
}

/**
 * Reads biases, batch-norm scales, means and variances, then weights, layer by layer, and folds the
 * normalisation in float64, as darknet does: w * scale / sqrt(variance + epsilon). darknet stores
 * weights [out, in, kh, kw]; Ocellus wants [out, kh, kw, in].
 */
export function readConstants(
  convolutions: readonly Convolution[],
  header: Header,
  weights: WeightFile,
  epsilon: number,
): Map<string, Constant> {
  const constants = new Map<string, Constant>()
  const reader = new ValueReader(weights, header.bytes)
  for (const convolution of convolutions) {
    const { node, filters, size, depth, batchNormalize } = convolution
    reader.layer = node
    const bias = reader.read('biases', filters)
    const norm = batchNormalize ? readNorm(reader, filters, bias, epsilon) : undefined
    const taps = size * size
    const source = reader.read('weights', filters * depth * taps)
    const target = new Float32Array(source.length)
    for (let filter = 0, at = 0; filter < filters; filter++) {
      const factor = norm === undefined ? 1 : norm[filter]
      const base = filter * depth * taps
      for (let tap = 0; tap < taps; tap++) {
        for (let channel = 0; channel < depth; channel++) {
          target[at++] = source[base + channel * taps + tap] * factor
        }
      }
    }
    reader.requireFinite(target, 'weights times scale')
    constants.set(`${node}.weight`, constant(`${node}.weight`, [filters, size, size, depth], target))
    constants.set(`${node}.bias`, constant(`${node}.bias`, [filters], bias))
  }
  return constants
}

const constant = (name: string, shape: readonly number[], data: Float32Array): Constant => ({
  name,
  shape,
  dtype: 'float32',
  data,
})

/** Reads the normalisation, moves the biases in place, and returns the factor of each filter. */
function readNorm(reader: ValueReader, filters: number, bias: Float32Array, epsilon: number): Float64Array {
  const scales = reader.read('scales', filters)
  const means = reader.read('means', filters)
  const variances = reader.read('variances', filters)
  const factors = new Float64Array(filters)
  for (let filter = 0; filter < filters; filter++) {
    if (variances[filter] < 0) throw reader.bad('variances', filter, variances[filter], 'negative')
    factors[filter] = scales[filter] / Math.sqrt(variances[filter] + epsilon)
    bias[filter] = bias[filter] - factors[filter] * means[filter]
  }
  reader.requireFinite(bias, 'biases minus means')
  return factors
}

class ValueReader {
  layer = ''
  readonly #view: DataView
  readonly #file: string
  #at: number

  constructor({ bytes, file }: WeightFile, start: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#file = file
    this.#at = start
  }

  read(what: string, count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count)
    for (let i = 0; i < count; i++) values[i] = this.#view.getFloat32(this.#at + 4 * i, true)
    this.#at += 4 * count
    this.requireFinite(values, what)
    return values
  }

  requireFinite(values: Float32Array, what: string): void {
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) throw this.bad(what, i, values[i], 'not finite')
    }
  }

  bad(what: string, index: number, value: number, why: string): OcellusError {
    return new OcellusError(
      'E_WEIGHTS_NOT_FINITE',
      `${this.#file}: ${this.layer}, ${what}: value ${index} is ${value}, ${why}; the file is damaged or not of this cfg`,
    )
  }
}
