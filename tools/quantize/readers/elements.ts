import type { ByteSource } from './byte-source.js'

/** Element types of checkpoints and their bytes, by the names of safetensors. */
export const elementSizes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  // Types that no reader converts: a tensor of one may stand in a file as long as no network needs
  // it.
  U16: 2,
  U32: 4,
  U64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  C64: 8,
} as const

export type ElementType = keyof typeof elementSizes

export const isFloat = (type: ElementType): boolean => ['F64', 'F32', 'F16', 'BF16'].includes(type)

/** Conversion goes piece by piece: beside the result only this much is held. */
const pieceBytes = 1 << 20

/** `count` elements that follow one another from byte `at` on, as float32. */
export async function readDense(
  source: ByteSource,
  type: ElementType,
  at: number,
  count: number,
): Promise<Float32Array> {
  const values = new Float32Array(count)
  if (type === 'F32') {
    await source.readInto(new Uint8Array(values.buffer), at)
    return values
  }
  const size = elementSizes[type]
  const perPiece = pieceBytes / size
  for (let first = 0; first < count; first += perPiece) {
    const length = Math.min(perPiece, count - first)
    const piece = await source.read(at + first * size, length * size)
    convert(piece, type, values.subarray(first, first + length))
  }
  return values
}

/** A view with strides: the elements that it spans are read, then picked in row-major order. */
export async function readStrided(
  source: ByteSource,
  type: ElementType,
  at: number,
  shape: readonly number[],
  strides: readonly number[],
): Promise<Float32Array> {
  const span = spanOf(shape, strides)
  const spanned = await readDense(source, type, at, span)
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < values.length; to++) {
    values[to] = spanned[from]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return values
}

/** Elements from the first to the last that a view touches. */
export const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.some((side) => side === 0) ? 0 : 1 + shape.reduce((sum, side, i) => sum + (side - 1) * strides[i], 0)

function convert(bytes: Uint8Array, type: ElementType, to: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case 'F64':
      for (let i = 0; i < to.length; i++) to[i] = view.getFloat64(i * 8, true)
      return
    case 'F16':
      for (let i = 0; i < to.length; i++) to[i] = half(view.getUint16(i * 2, true))
      return
    case 'BF16': {
      // A bfloat16 is the upper half of a float32.
      const bits = new Uint32Array(to.buffer, to.byteOffset, to.length)
      for (let i = 0; i < to.length; i++) bits[i] = view.getUint16(i * 2, true) << 16
      return
    }
    default:
      throw new RangeError(`${type} is no floating-point type`)
  }
}

/** The value of IEEE binary16 bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
