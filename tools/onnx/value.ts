/** Element types of ONNX (TensorProto.DataType) that networks here may hold. */
export const elementTypes = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
} as const

export type ElementType = (typeof elementTypes)[keyof typeof elementTypes]

/**
 * Values of a constant. Every float type is held as float32, 64-bit integers as float64: shapes and
 * indices stay far below 2^53, and the sentinels near 2^63 only mean "to the end".
 */
export type Values =
  | Float32Array
  | Float64Array
  | Int32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

export const isFloat = (type: ElementType): boolean =>
  type === 'float32' || type === 'float16' || type === 'float64' || type === 'bfloat16'

/**
 * A tensor of the graph: its type and shape, and its values where they do not depend on the inputs.
 */
export interface Value {
  readonly type: ElementType
  readonly dims: readonly number[]
  readonly values?: Values
}

/** Where the values of a constant come from that was stored as integers. */
export interface Stored {
  /** One, or one for each index along `axis`. */
  readonly scales: readonly number[]
  readonly axis: number
  /** Whether every value is a whole number from -127 to 127 times its scale. */
  readonly isSymmetric: boolean
}

export interface Constant extends Value {
  readonly values: Values
  readonly stored?: Stored
}

export const isConstant = (value: Value): value is Constant => value.values !== undefined

export const count = (dims: readonly number[]): number => dims.reduce((product, side) => product * side, 1)

/** Room for values of a type. */
export function make(type: ElementType, length: number): Values {
  switch (type) {
    case 'int8':
      return new Int8Array(length)
    case 'uint8':
    case 'bool':
      return new Uint8Array(length)
    case 'int16':
      return new Int16Array(length)
    case 'uint16':
      return new Uint16Array(length)
    case 'int32':
      return new Int32Array(length)
    case 'int64':
    case 'uint32':
    case 'uint64':
      return new Float64Array(length)
    default:
      return new Float32Array(length)
  }
}

/** Distance in elements between neighbours along each dimension. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1)
  for (let d = dims.length - 2; d >= 0; d--) strides[d] = strides[d + 1] * dims[d + 1]
  return strides
}
