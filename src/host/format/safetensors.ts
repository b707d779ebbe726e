import { type ErrorCode, OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { parseStrictJson } from './json.js'

/** Element types of the safetensors format that Ocellus uses, and their bytes. */
export const elementBytes = { I8: 1, I32: 4, F32: 4 } as const
export type ElementType = keyof typeof elementBytes

export interface StoredTensor {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

export interface Container {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/** The data starts at a multiple of this, so that every tensor can be read where it lies. */
const alignment = 64

/**
 * Reads a safetensors file (huggingface/safetensors, README, Format): 8 bytes of header length, a JSON
 * header, then the tensors' bytes, which must cover the rest of the file exactly, in order, without a hole or
 * an overlap. Nothing is copied: tensors are views of `bytes`.
 */
export function readSafetensors(bytes: Uint8Array, file: string): Container {
  const fail = (code: ErrorCode, what: string): never => {
    throw new OcellusError(code, `${file}: ${what}`)
  }
  if (bytes.length === 0) fail('E_MODEL_EMPTY', 'the file is empty')
  if (bytes.length < 8) fail('E_MODEL_TRUNCATED', `${bytes.length} bytes, not even a header length`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > BigInt(limits.headerBytes))
    fail('E_MODEL_HEADER', `a header of ${length} bytes; is it a safetensors file?`)
  const start = 8 + Number(length)
  if (start > bytes.length)
    fail('E_MODEL_TRUNCATED', `the header ends at byte ${start}, the file at ${bytes.length}`)
  const header = parseHeader(bytes.subarray(8, start), file)
  const metadata = new Map<string, string>()
  const found: { name: string; dtype: ElementType; shape: number[]; begin: number; end: number }[] = []
  for (const [name, value] of header) {
    if (name === '__metadata__') {
      if (!(value instanceof Map)) fail('E_MODEL_HEADER', '__metadata__ is not an object')
      for (const [key, text] of value as Map<string, unknown>) {
        if (typeof text !== 'string') fail('E_MODEL_HEADER', `__metadata__ ${key} is not a string`)
        metadata.set(key, text as string)
      }
    } else found.push({ name, ...entry(name, value, file) })
  }
  if (found.length > limits.tensors)
    fail('E_MODEL_LIMIT', `${found.length} tensors, more than ${limits.tensors}`)
  found.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let at = 0
  const tensors = new Map<string, StoredTensor>()
  for (const { name, dtype, shape, begin, end } of found) {
    if (begin !== at)
      fail('E_MODEL_LAYOUT', `${name} starts at ${begin}, but the tensor before it ends at ${at}`)
    if (start + end > bytes.length)
      fail('E_MODEL_TRUNCATED', `${name} ends at byte ${start + end}, the file at ${bytes.length}`)
    tensors.set(name, { dtype, shape, data: bytes.subarray(start + begin, start + end) })
    at = end
  }
  if (start + at !== bytes.length)
    fail('E_MODEL_LAYOUT', `${bytes.length - start - at} bytes follow the last tensor`)
  return { metadata, tensors }
}

function parseHeader(bytes: Uint8Array, file: string): Map<string, unknown> {
  if (bytes[0] !== 0x7b) throw new OcellusError('E_MODEL_HEADER', `${file}: the header does not start with {`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new OcellusError('E_MODEL_HEADER', `${file}: the header is not UTF-8`, { cause })
  }
  const value = parseStrictJson(text, (what) => new OcellusError('E_MODEL_HEADER', `${file}: ${what}`))
  if (!(value instanceof Map))
    throw new OcellusError('E_MODEL_HEADER', `${file}: the header is not an object`)
  return value as Map<string, unknown>
}

function entry(name: string, value: unknown, file: string) {
  const fail = (what: string): never => {
    throw new OcellusError('E_MODEL_HEADER', `${file}: ${JSON.stringify(name)} ${what}`)
  }
  if (!(value instanceof Map)) return fail('is not an object')
  for (const key of value.keys())
    if (!['dtype', 'shape', 'data_offsets'].includes(String(key))) fail(`has an unknown field ${key}`)
  const dtype: unknown = value.get('dtype')
  if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype))
    return fail(`has the type ${String(dtype)}; I8, I32 and F32 are read`)
  const shape = integers(value.get('shape'))
  const offsets = integers(value.get('data_offsets'))
  if (shape === undefined || shape.length > 8) return fail('has no proper shape')
  if (offsets === undefined || offsets.length !== 2 || offsets[0] > offsets[1])
    return fail('has no proper data_offsets')
  let bytes: number = elementBytes[dtype as ElementType]
  for (const side of shape) bytes *= side
  if (!Number.isSafeInteger(bytes) || bytes > limits.modelBytes)
    return fail(`has the shape [${shape}], which is too large`)
  if (offsets[1] - offsets[0] !== bytes)
    return fail(`holds ${offsets[1] - offsets[0]} bytes, but its shape [${shape}] needs ${bytes}`)
  return { dtype: dtype as ElementType, shape, begin: offsets[0], end: offsets[1] }
}

function integers(value: unknown): number[] | undefined {
  const good =
    Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0))
  return good ? (value as number[]) : undefined
}

/** The bytes of a safetensors file: deterministic, the widest elements first so that every tensor is aligned. */
export function writeSafetensors({ metadata, tensors }: Container): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes[y.dtype] - elementBytes[x.dtype] || (a < b ? -1 : 1),
  )
  let at = 0
  const entries = ordered.map(([name, { dtype, shape, data }]) => {
    const begin = at
    at += data.length
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const
  })
  const json = JSON.stringify(
    Object.fromEntries([['__metadata__', Object.fromEntries(metadata)], ...entries]),
  )
  const text = new TextEncoder().encode(json)
  const headerBytes = Math.ceil((8 + text.length) / alignment) * alignment - 8
  const file = new Uint8Array(8 + headerBytes + at)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(text, 8)
  let to = 8 + headerBytes
  for (const [, { data }] of ordered) {
    file.set(data, to)
    to += data.length
  }
  return file
}
