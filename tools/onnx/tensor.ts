import { OcellusError } from '../../src/host/errors.js'
import { limits } from '../../src/host/limits.js'
import type { RawTensor } from './file.js'
import { type Constant, count, type ElementType, elementTypes, make, type Values } from './value.js'

/** Bytes of an element in `raw_data`. */
const sizes: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  bfloat16: 2,
}

export function elementType(type: number, name: string, file: string): ElementType {
  const known: ElementType | undefined = (elementTypes as Readonly<Record<number, ElementType>>)[type]
  if (known === undefined)
    throw new OcellusError(
      'E_ONNX_OPERATOR',
      `${file}: ${name} has the element type ${type}, which is not supported`,
    )
  return known
}

/** The values of a tensor; `external` gives the bytes that stand in another file. */
export function readConstant(
  tensor: RawTensor,
  file: string,
  external: (tensor: RawTensor) => Uint8Array,
): Constant {
  const name = tensor.name || 'a tensor without a name'
  const type = elementType(tensor.type, name, file)
  const wrong = (why: string) => new OcellusError('E_ONNX_FORMAT', `${file}: ${name} ${why}`)
  if (tensor.dims.some((side) => !Number.isSafeInteger(side) || side < 0))
    throw wrong('has a negative dimension')
  const length = count(tensor.dims)
  if (tensor.dims.length > 16 || length > limits.elements)
    throw new OcellusError('E_ONNX_LIMIT', `${file}: ${name} would have ${length} elements`)
  if (tensor.strings > 0) throw wrong('holds texts')
  const raw = tensor.external === undefined ? tensor.raw : external(tensor)
  const held = raw === undefined ? tensor.floats.length + tensor.integers.length : raw.length / sizes[type]
  if (held !== length) throw wrong(`has ${held} values, and its shape [${tensor.dims}] needs ${length}`)
  const values = make(type, length)
  if (raw !== undefined) fromRaw(raw, type, values)
  else fromFields(tensor, type, values)
  return { type, dims: tensor.dims, values }
}

/** float16 stands in `int32_data` as bits, the other floats in fields of their own. */
function fromFields({ floats, integers }: RawTensor, type: ElementType, values: Values): void {
  const half = type === 'float16' || type === 'bfloat16'
  const list = integers.length > 0 ? integers : floats
  for (let n = 0; n < list.length; n++) values[n] = half ? halfToNumber(list[n], type) : list[n]
}

function fromRaw(raw: Uint8Array, type: ElementType, values: Values): void {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  for (let n = 0; n < values.length; n++) values[n] = readElement(view, type, n)
}

function readElement(view: DataView, type: ElementType, n: number): number {
  switch (type) {
    case 'float32':
      return view.getFloat32(n * 4, true)
    case 'float64':
      return view.getFloat64(n * 8, true)
    case 'float16':
    case 'bfloat16':
      return halfToNumber(view.getUint16(n * 2, true), type)
    case 'int8':
      return view.getInt8(n)
    case 'uint8':
      return view.getUint8(n)
    case 'bool':
      return view.getUint8(n) === 0 ? 0 : 1
    case 'int16':
      return view.getInt16(n * 2, true)
    case 'uint16':
      return view.getUint16(n * 2, true)
    case 'int32':
      return view.getInt32(n * 4, true)
    case 'uint32':
      return view.getUint32(n * 4, true)
    case 'int64':
      return view.getInt32(n * 8 + 4, true) * 2 ** 32 + view.getUint32(n * 8, true)
    case 'uint64':
      return view.getUint32(n * 8 + 4, true) * 2 ** 32 + view.getUint32(n * 8, true)
  }
}

/** IEEE 754 binary16, or bfloat16: the upper half of a float32. */
function halfToNumber(bits: number, type: ElementType): number {
  const sign = bits & 0x8000 ? -1 : 1
  const [exponentBits, fractionBits, bias] = type === 'float16' ? [5, 10, 15] : [8, 7, 127]
  const top = (1 << exponentBits) - 1
  const exponent = (bits >> fractionBits) & top
  const fraction = (bits & ((1 << fractionBits) - 1)) / (1 << fractionBits)
  if (exponent === top) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias)
  return sign * (1 + fraction) * 2 ** (exponent - bias)
}
