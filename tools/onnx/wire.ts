import protobuf from 'protobufjs/minimal.js'
import { OcellusError } from '../../src/host/errors.js'

/** One field of a protobuf message. Nested messages stay bytes, so reading never recurses. */
export interface Field {
  readonly number: number
  /** Of a varint or a fixed-size field: its value, int64 as the nearest number. */
  readonly value: number
  /** Of a length-delimited field: its bytes, a view of the file. */
  readonly bytes: Uint8Array
}

/**
 * Counts what a file makes the reader allocate: a file of a megabyte can hold a million messages.
 */
export class Budget {
  #left = 1 << 19

  constructor(readonly file: string) {}

  take(count: number): void {
    this.#left -= count
    if (this.#left < 0)
      throw this.fail('E_ONNX_LIMIT', 'it holds more nodes, names and values than any network')
  }

  fail(code: 'E_ONNX_LIMIT' | 'E_ONNX_FORMAT', why: string): OcellusError {
    return new OcellusError(code, `${this.file} can't be read as ONNX: ${why}`)
  }
}

const empty = new Uint8Array(0)
const { LongBits } = protobuf.util

/**
 * The fields of a message in the order of the file. Throws E_ONNX_FORMAT for bytes that are none.
 */
export function fields(bytes: Uint8Array, what: string, budget: Budget): Field[] {
  const reader = protobuf.Reader.create(bytes)
  const found: Field[] = []
  try {
    while (reader.pos < reader.len) {
      budget.take(1)
      found.push(readField(reader))
    }
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw budget.fail('E_ONNX_FORMAT', `${what} is damaged at byte ${reader.pos} of its ${reader.len}`)
  }
  return found
}

function readField(reader: protobuf.Reader): Field {
  const tag = reader.uint32()
  const number = tag >>> 3
  if (number === 0) throw new RangeError('a field without a number')
  switch (tag & 7) {
    case 0:
      return { number, value: int64(reader), bytes: empty }
    case 1:
      return { number, value: reader.double(), bytes: empty }
    case 2:
      return { number, value: 0, bytes: reader.bytes() }
    case 5:
      return { number, value: reader.float(), bytes: empty }
    default:
      throw new RangeError('a kind of field that ONNX does not use')
  }
}

/** `reader.int64` gives an object where the package `long` is installed. */
function int64(reader: protobuf.Reader): number {
  const value: unknown = reader.int64()
  if (typeof value === 'number') return value
  const { low, high } = value as { low: number; high: number }
  return new LongBits(low >>> 0, high >>> 0).toNumber(false)
}

/** A repeated varint field, whose values stand together in one field or in a field each. */
export function varints(field: Field, into: number[], what: string, budget: Budget): void {
  if (field.bytes.length === 0) {
    into.push(field.value)
    return
  }
  const reader = protobuf.Reader.create(field.bytes)
  try {
    while (reader.pos < reader.len) into.push(int64(reader))
  } catch {
    throw budget.fail('E_ONNX_FORMAT', `${what} ends in the middle of a number`)
  }
}

/** A repeated float (4) or double (8) field. */
export function floats(field: Field, size: 4 | 8, into: number[], what: string, budget: Budget): void {
  const { bytes } = field
  if (bytes.length === 0) {
    into.push(field.value)
    return
  }
  if (bytes.length % size !== 0) throw budget.fail('E_ONNX_FORMAT', `${what} ends in the middle of a number`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += size)
    into.push(size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

export function text(bytes: Uint8Array, what: string, budget: Budget): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw budget.fail('E_ONNX_FORMAT', `${what} is no UTF-8 text`)
  }
}
