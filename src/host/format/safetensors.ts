import { type ErrorCode, OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { plainBytes } from '../source/bytes.js'
import { parseStrictJson, quoted } from './json.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'

/** Element types of the safetensors format that Ocellus uses, and their bytes. */
export const elementBytes = { I8: 1, I32: 4, F32: 4 } as const
export type ElementType = keyof typeof elementBytes

export interface StoredTensor {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** Where a tensor's bytes lie: from the start of the data, or of the file, as said. */
export interface Entry<T extends string = ElementType> {
  readonly name: string
  readonly dtype: T
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface Container {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/** The data starts at a multiple of this, so that every tensor can be read where it lies. */
const alignment = 64

const lengthBytes = 8
const metadataKey = '__metadata__'
const openingBrace = 0x7b

/** Makes an error that names the file. */
type Refusal = (code: ErrorCode, what: string) => OcellusError

/** A file of which pieces can be read at once, such as one on a disk. */
export interface FileSource {
  readonly size: number
  /** Fills memory with the bytes from a place on. Throws E_FILE_READ. */
  read(at: number, into: Uint8Array): void
}

/**
 * Reads a safetensors file (huggingface/safetensors, README, Format): 8 bytes of header length, a
 * JSON header, then the tensors' bytes, which must cover the rest of the file exactly, in order,
 * without a hole or an overlap. Nothing is copied: tensors are views of `bytes`.
 */
export function readSafetensors(given: Uint8Array, file: string): Container {
  const bytes = plainBytes(given)
  const { length } = bytes
  checkSize(length, file)
  const start = dataStart(bytes, length, file)
  const header = bytes.subarray(lengthBytes, start)
  const { metadata, entries } = readSafetensorsIndex(header, length, elementBytes, file)
  const tensors = new Map<string, StoredTensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, data: bytes.subarray(begin, end) })
  }
  return { metadata, tensors }
}

/** Reads the header of a safetensors file, and none of its tensors. */
export function openSafetensors(
  source: FileSource,
  file: string,
): { metadata: ReadonlyMap<string, string>; entries: readonly Entry[] } {
  const { size } = source
  checkSize(size, file)
  const first = new Uint8Array(Math.min(size, lengthBytes + 1))
  source.read(0, first)
  const header = new Uint8Array(dataStart(first, size, file) - lengthBytes)
  source.read(lengthBytes, header)
  return readSafetensorsIndex(header, size, elementBytes, file)
}

function checkSize(size: number, file: string): void {
  if (size <= limits.modelBytes) return
  throw new OcellusError(
    'E_MODEL_LIMIT',
    `${file}: the file has ${size} bytes; the most is ${limits.modelBytes}`,
  )
}

/**
 * What the header of a file of `size` bytes says, and where each tensor's bytes lie in the file; it
 * is read without them. `types` are the element types that the caller takes, with their bytes.
 */
export function readSafetensorsIndex<T extends string>(
  headerBytes: Uint8Array,
  size: number,
  types: Readonly<Record<T, number>>,
  file: string,
): { metadata: ReadonlyMap<string, string>; entries: readonly Entry<T>[] } {
  const refusal: Refusal = (code, what) => new OcellusError(code, `${file}: ${what}`)
  const start = lengthBytes + headerBytes.length
  const { metadata, entries } = readEntries(readHeader(headerBytes, refusal), types, refusal)
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const placed: Entry<T>[] = []
  let at = 0
  for (const entry of entries) {
    const { name, begin, end } = entry
    if (begin !== at) {
      throw refusal(
        'E_MODEL_LAYOUT',
        `${quoted(name)} starts at ${begin}, but the tensor before it ends at ${at}`,
      )
    }
    if (start + end > size) {
      throw refusal(
        'E_MODEL_TRUNCATED',
        `${quoted(name)} ends at byte ${start + end}, the file at ${size}: copy it again`,
      )
    }
    placed.push({ ...entry, begin: start + begin, end: start + end })
    at = end
  }
  if (start + at !== size) {
    throw refusal('E_MODEL_LAYOUT', `${size - start - at} bytes follow the last tensor`)
  }
  return { metadata, entries: placed }
}

/**
 * Where the header of a file of `size` bytes ends. `bytes` holds the first 9 of them, or what there
 * is.
 */
export function dataStart(bytes: Uint8Array, size: number, file: string): number {
  const refusal: Refusal = (code, what) => new OcellusError(code, `${file}: ${what}`)
  if (size === 0) throw refusal('E_MODEL_EMPTY', 'the file is empty')
  if (size < lengthBytes) {
    throw refusal(
      'E_MODEL_TRUNCATED',
      `the file has ${size} bytes, not even a header's length: copy it again`,
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
  if (length > limits.headerBytes) {
    throw refusal(
      'E_MODEL_HEADER',
      `its header would have ${length} bytes, more than ${limits.headerBytes}: is this a safetensors file?`,
    )
  }
  // Looked at before the length is believed: what is no safetensors file should be called that.
  if (length === 0 || (bytes.length > lengthBytes && bytes[lengthBytes] !== openingBrace)) {
    throw refusal('E_MODEL_HEADER', 'its header does not start with {: is this a safetensors file?')
  }
  const start = lengthBytes + length
  if (start > size) {
    throw refusal('E_MODEL_TRUNCATED', `its header ends at byte ${start}, the file at ${size}: copy it again`)
  }
  return start
}

function readHeader(bytes: Uint8Array, refusal: Refusal): Map<string, unknown> {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw refusal('E_MODEL_HEADER', 'its header is not UTF-8')
  // A Map, as the header starts with a brace.
  return parseStrictJson(
    text,
    (what) => refusal('E_MODEL_HEADER', `its header is damaged: ${what}`),
    'whole',
  ) as Map<string, unknown>
}

function readEntries<T extends string>(
  header: Map<string, unknown>,
  types: Readonly<Record<T, number>>,
  refusal: Refusal,
) {
  const metadata = new Map<string, string>()
  const entries: Entry<T>[] = []
  for (const [name, value] of header) {
    if (name !== metadataKey) {
      entries.push(
        readEntry(name, value, types, (what) => refusal('E_MODEL_HEADER', `${quoted(name)} ${what}`)),
      )
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

function readEntry<T extends string>(
  name: string,
  value: unknown,
  types: Readonly<Record<T, number>>,
  refusal: (what: string) => OcellusError,
): Entry<T> {
  if (!(value instanceof Map)) throw refusal('is not an object')
  for (const key of (value as Map<string, unknown>).keys()) {
    if (!['dtype', 'shape', 'data_offsets'].includes(key))
      throw refusal(`has an unknown field ${quoted(key)}`)
  }
  const dtype: unknown = value.get('dtype')
  if (!isOneOf(dtype, types)) {
    const what = typeof dtype === 'string' ? quoted(dtype) : 'no text'
    throw refusal(`has the type ${what}; expected ${Object.keys(types).join(', ')}`)
  }
  const shape = sizes(value.get('shape'))
  const offsets = sizes(value.get('data_offsets'))
  if (shape === undefined || shape.length > 8) throw refusal('has no proper shape')
  if (offsets === undefined || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw refusal('has no proper data_offsets')
  }
  const [begin, end] = offsets
  const bytes = bytesOf(types[dtype], shape)
  if (bytes === undefined) throw refusal(`has the shape [${shape}], which is too large`)
  if (end - begin !== bytes)
    throw refusal(`has ${end - begin} bytes, but its shape [${shape}] needs ${bytes}`)
  return { name, dtype, shape, begin, end }
}

const isOneOf = <T extends string>(value: unknown, types: Readonly<Record<T, number>>): value is T =>
  typeof value === 'string' && Object.hasOwn(types, value)

/** A list of whole numbers of at least 0 that a double holds exactly. */
function sizes(value: unknown): readonly number[] | undefined {
  const good =
    Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0))
  return good ? (value as number[]) : undefined
}

/**
 * Undefined when a product on the way, not only the last, is beyond the cap: a zero must not hide
 * it.
 */
function bytesOf(elementSize: number, shape: readonly number[]): number | undefined {
  let bytes = elementSize
  for (const side of shape) {
    bytes *= side
    if (bytes > limits.modelBytes) return undefined
  }
  return bytes
}

/**
 * The bytes of a safetensors file: deterministic, the widest elements first so that every tensor is
 * aligned.
 */
export function writeSafetensors({ metadata, tensors }: Container): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes[y.dtype] - elementBytes[x.dtype] || (a < b ? -1 : 1),
  )
  let at = 0
  const entries = ordered.map(([name, { dtype, shape, data }]) => {
    if (name === metadataKey || bytesOf(elementBytes[dtype], shape) !== data.length) {
      const what = `${quoted(name)} can't be written: ${dtype} [${shape}] with ${data.length} bytes`
      throw new OcellusError('E_MODEL_LAYOUT', what)
    }
    const begin = at
    at += data.length
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const
  })
  const json = JSON.stringify(Object.fromEntries([[metadataKey, Object.fromEntries(metadata)], ...entries]))
  const text = encodeUtf8(json)
  const headerBytes = Math.ceil((lengthBytes + text.length) / alignment) * alignment - lengthBytes
  const start = lengthBytes + headerBytes
  if (headerBytes > limits.headerBytes || start + at > limits.modelBytes) {
    throw new OcellusError('E_MODEL_LIMIT', `a model file of ${start + at} bytes can't be written`)
  }
  const file = new Uint8Array(start + at)
  // The cap keeps the upper half at 0.
  new DataView(file.buffer).setUint32(0, headerBytes, true)
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
