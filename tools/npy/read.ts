import { OcellusError } from '../../src/host/errors.js'
import { quoted } from '../../src/host/format/json.js'
import { limits } from '../../src/host/limits.js'
import { type NpyHeader, readHeader, truncated } from './header.js'

export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Int32Array
  | BigInt64Array

export interface NpyArray {
  readonly shape: readonly number[]
  /** Row-major, whatever order the file has. float16 is widened to float32. */
  readonly data: NpyData
}

type Place = (index: number) => number

interface Kind {
  readonly bytes: number
  /** Reads so many elements, the one of index i at the i-th place. */
  readonly read: (view: DataView, length: number, place: Place) => NpyData
}

const kinds: Readonly<Record<string, Kind>> = {
  f2: {
    bytes: 2,
    read: (v, n, at) => filled(new Float32Array(n), (i) => half(v.getUint16(at(i) * 2, true))),
  },
  f4: { bytes: 4, read: (v, n, at) => filled(new Float32Array(n), (i) => v.getFloat32(at(i) * 4, true)) },
  f8: { bytes: 8, read: (v, n, at) => filled(new Float64Array(n), (i) => v.getFloat64(at(i) * 8, true)) },
  i1: { bytes: 1, read: (v, n, at) => filled(new Int8Array(n), (i) => v.getInt8(at(i))) },
  u1: { bytes: 1, read: (v, n, at) => filled(new Uint8Array(n), (i) => v.getUint8(at(i))) },
  i2: { bytes: 2, read: (v, n, at) => filled(new Int16Array(n), (i) => v.getInt16(at(i) * 2, true)) },
  i4: { bytes: 4, read: (v, n, at) => filled(new Int32Array(n), (i) => v.getInt32(at(i) * 4, true)) },
  i8: {
    bytes: 8,
    read(v, n, at) {
      const values = new BigInt64Array(n)
      for (let i = 0; i < n; i++) values[i] = v.getBigInt64(at(i) * 8, true)
      return values
    },
  },
}

function filled<T extends { length: number; [index: number]: number }>(
  values: T,
  value: (index: number) => number,
): T {
  for (let i = 0; i < values.length; i++) values[i] = value(i)
  return values
}

/**
 * Reads a NumPy array file (numpy.lib.format 1.0 to 3.0): little-endian float16, 32, 64, int8, 16,
 * 32, 64 or uint8, in C or Fortran order. Nothing is allocated before the file is known to hold
 * what its header says. Throws E_NPY_*.
 */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  const header = readHeader(bytes, file)
  const kind = kindOf(header, file)
  const { shape, start } = header
  const length = shape.reduce((product, side) => product * side, 1)
  if (!(length >= 1 && length <= limits.elements))
    throw new OcellusError(
      'E_NPY_SHAPE',
      `${file} has the shape [${shape.join(', ')}]; 1 to ${limits.elements} elements are read`,
    )
  const held = bytes.length - start
  if (held < length * kind.bytes)
    throw truncated(file, `after ${held} of ${length * kind.bytes} bytes of data`)
  if (held > length * kind.bytes)
    throw new OcellusError('E_NPY_FORMAT', `${file} has ${held - length * kind.bytes} bytes after its data`)
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, held)
  const place = header.fortranOrder ? fortranPlaces(shape) : (index: number): number => index
  return { shape, data: kind.read(view, length, place) }
}

function kindOf({ descr }: NpyHeader, file: string): Kind {
  const [, order, name] = /^([<>|=])([a-zA-Z]\d{1,3})$/.exec(descr) ?? []
  if (order === '>')
    throw new OcellusError('E_NPY_TYPE', `${file} is big-endian (${descr}): save it with .astype('<${name}')`)
  if (name !== undefined && Object.hasOwn(kinds, name)) return kinds[name]
  throw new OcellusError(
    'E_NPY_TYPE',
    `${file} holds ${quoted(descr.slice(0, 40))}; ${Object.keys(kinds).join(', ')} are read: convert it with .astype('float32')`,
  )
}

/**
 * The place in a file of Fortran order, first index fastest, of an element that is counted in C
 * order.
 */
function fortranPlaces(shape: readonly number[]): Place {
  const steps: number[] = []
  let step = 1
  for (const side of shape) {
    steps.push(step)
    step *= side
  }
  return (index) => {
    let rest = index
    let place = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (rest % shape[axis]) * steps[axis]
      rest = Math.floor(rest / shape[axis])
    }
    return place
  }
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
