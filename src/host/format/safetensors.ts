import { type ErrorCode, OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { parseStrictJson, quoted } from './json.js'

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

interface Entry {
  readonly name: string
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** The data starts at a multiple of this, so that every tensor can be read where it lies. */
const alignment = 64

const lengthBytes = 8
const metadataKey = '__metadata__'
const openingBrace = 0x7b

/** Makes an error that names the file. */
type Refusal = (code: ErrorCode, what: string) => OcellusError

/**
 * Reads a safetensors file (huggingface/safetensors, README, Format): 8 bytes of header length, a JSON
 * header, then the tensors' bytes, which must cover the rest of the file exactly, in order, without a hole or
 * an overlap. Nothing is copied: tensors are views of `bytes`.
 */
export function readSafetensors(bytes: Uint8Array, file: string): Container {
  const refusal: Refusal = (code, what) => new OcellusError(code, `${file}: ${what}`)
  const { header, start } = readHeader(bytes, refusal)
  const { metadata, entries } = readEntries(header, refusal)
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const tensors = new Map<string, StoredTensor>()
  let at = 0
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== at) {
      throw refusal(
        'E_MODEL_LAYOUT',
        `${quoted(name)} starts at ${begin}, but the tensor before it ends at ${at}`,
      )
    }
    if (start + end > bytes.length) {
      throw refusal(
        'E_MODEL_TRUNCATED',
        `${quoted(name)} ends at byte ${start + end}, the file at ${bytes.length}: copy it again`,
      )
    }
    tensors.set(name, { dtype, shape, data: bytes.subarray(start + begin, start + end) })
    at = end
  }
  if (start + at !== bytes.length) {
    throw refusal('E_MODEL_LAYOUT', `${bytes.length - start - at} bytes follow the last tensor`)
  }
  return { metadata, tensors }
}

function readHeader(bytes: Uint8Array, refusal: Refusal): { header: Map<string, unknown>; start: number } {
  if (bytes.length === 0) throw refusal('E_MODEL_EMPTY', 'the file is empty')
  if (bytes.length > limits.modelBytes) {
    throw refusal('E_MODEL_LIMIT', `the file has ${bytes.length} bytes; the most is ${limits.modelBytes}`)
  }
  if (bytes.length < lengthBytes) {
    throw refusal(
      'E_MODEL_TRUNCATED',
      `the file has ${bytes.length} bytes, not even a header's length: copy it again`,
    )
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > limits.headerBytes) {
    throw refusal(
      'E_MODEL_HEADER',
      `its header would have ${length} bytes, more than ${limits.headerBytes}: is this a safetensors file?`,
    )
  }
  // Looked at before the length is believed: what is no safetensors file should be called that.
  if (length === 0n || (bytes.length > lengthBytes && bytes[lengthBytes] !== openingBrace)) {
    throw refusal('E_MODEL_HEADER', 'its header does not start with {: is this a safetensors file?')
  }
  const start = lengthBytes + Number(length)
  if (start > bytes.length) {
    throw refusal(
      'E_MODEL_TRUNCATED',
      `its header ends at byte ${start}, the file at ${bytes.length}: copy it again`,
    )
  }
  const text = decodeUtf8(bytes.subarray(lengthBytes, start))
  if (text === undefined) throw refusal('E_MODEL_HEADER', 'its header is not UTF-8')
  // A Map, as the header starts with a brace.
  const header = parseStrictJson(
    text,
    (what) => refusal('E_MODEL_HEADER', `its header is damaged: ${what}`),
    'whole',
  ) as Map<string, unknown>
  return { header, start }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function readEntries(header: Map<string, unknown>, refusal: Refusal) {
  const metadata = new Map<string, string>()
  const entries: Entry[] = []
  for (const [name, value] of header) {
    if (name !== metadataKey) {
      entries.push(readEntry(name, value, (what) => refusal('E_MODEL_HEADER', `${quoted(name)} ${what}`)))
      continue
    }
    if (!(value instanceof Map)) throw refusal('E_MODEL_HEADER', `${metadataKey} is not an object`)
    for (const [key, text] of value as Map<string, unknown>) {
      if (typeof text !== 'string')
        throw refusal('E_MODEL_HEADER', `${metadataKey} ${quoted(key)} is not a string`)
      metadata.set(key, text)
    }
  }
  if (entries.length > limits.tensors) {
    throw refusal('E_MODEL_LIMIT', `it has ${entries.length} tensors, more than ${limits.tensors}`)
  }
  return { metadata, entries }
}

function readEntry(name: string, value: unknown, refusal: (what: string) => OcellusError): Entry {
  if (!(value instanceof Map)) throw refusal('is not an object')
  for (const key of (value as Map<string, unknown>).keys()) {
    if (!['dtype', 'shape', 'data_offsets'].includes(key))
      throw refusal(`has an unknown field ${quoted(key)}`)
  }
  const dtype: unknown = value.get('dtype')
  if (!isElementType(dtype)) {
    const what = typeof dtype === 'string' ? quoted(dtype) : 'no text'
    throw refusal(`has the type ${what}; a model holds ${Object.keys(elementBytes).join(', ')}`)
  }
  const shape = sizes(value.get('shape'))
  const offsets = sizes(value.get('data_offsets'))
  if (shape === undefined || shape.length > 8) throw refusal('has no proper shape')
  if (offsets === undefined || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw refusal('has no proper data_offsets')
  }
  const [begin, end] = offsets
  const bytes = bytesOf(dtype, shape)
  if (bytes === undefined) throw refusal(`has the shape [${shape}], which is too large`)
  if (end - begin !== bytes)
    throw refusal(`has ${end - begin} bytes, but its shape [${shape}] needs ${bytes}`)
  return { name, dtype, shape, begin, end }
}

const isElementType = (value: unknown): value is ElementType =>
  typeof value === 'string' && Object.hasOwn(elementBytes, value)

/** A list of whole numbers of at least 0 that a double holds exactly. */
function sizes(value: unknown): readonly number[] | undefined {
  const good =
    Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0))
  return good ? (value as number[]) : undefined
}

/** Undefined when a product on the way, not only the last, is beyond the cap: a zero must not hide it. */
function bytesOf(dtype: ElementType, shape: readonly number[]): number | undefined {
  let bytes: number = elementBytes[dtype]
  for (const side of shape) {
    bytes *= side
    if (bytes > limits.modelBytes) return undefined
  }
  return bytes
}

/** The bytes of a safetensors file: deterministic, the widest elements first so that every tensor is aligned. */
export function writeSafetensors({ metadata, tensors }: Container): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes[y.dtype] - elementBytes[x.dtype] || (a < b ? -1 : 1),
  )
  let at = 0
  const entries = ordered.map(([name, { dtype, shape, data }]) => {
    if (name === metadataKey || bytesOf(dtype, shape) !== data.length) {
      const what = `${quoted(name)} can't be written: ${dtype} [${shape}] with ${data.length} bytes`
      throw new OcellusError('E_MODEL_LAYOUT', what)
    }
    const begin = at
    at += data.length
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const
  })
  const json = JSON.stringify(Object.fromEntries([[metadataKey, Object.fromEntries(metadata)], ...entries]))
  const text = new TextEncoder().encode(json)
  const headerBytes = Math.ceil((lengthBytes + text.length) / alignment) * alignment - lengthBytes
  const start = lengthBytes + headerBytes
  if (headerBytes > limits.headerBytes || start + at > limits.modelBytes) {
    throw new OcellusError('E_MODEL_LIMIT', `a model file of ${start + at} bytes can't be written`)
  }
  const file = new Uint8Array(start + at)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  // Padding must be spaces.
  file.fill(0x20, lengthBytes, start)
  file.set(text, lengthBytes)
  let to = start
  for (const [, { data }] of ordered) {
    file.set(data, to)
    to += data.length
  }
  return file
}
