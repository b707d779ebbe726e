import { type ErrorCode, OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { shown } from '../shown.js'
import { bytesOf, tagOf } from './bytes.js'
import { dataAddressBytes } from './data-address.js'

/** A `URL`, without asking for its type. */
export interface Address {
  readonly href: string
}

/** The bytes of a file, and what messages call it. */
export interface Content {
  readonly bytes: Uint8Array
  readonly file: string
}

/** What holds the bytes of a file, or gives them one after the other. */
export type Contents =
  | ArrayBuffer
  | ArrayBufferView
  | BlobLike
  | ResponseLike
  | StreamLike
  | AsyncIterable<unknown>

export interface ContentLimits {
  /** Bytes that are read at most. */
  readonly cap: number
  /** Of more. */
  readonly tooLarge: ErrorCode
  /** What messages call bytes without a name, such as `image`. */
  readonly noun: string
}

/** Of the file of a picture. */
export const imageContent: ContentLimits = {
  cap: limits.imageFileBytes,
  tooLarge: 'E_IMAGE_TOO_LARGE',
  noun: 'image',
}

/** Of the file of a model. */
export const modelContent: ContentLimits = {
  cap: limits.modelBytes,
  tooLarge: 'E_FILE_TOO_LARGE',
  noun: 'model',
}

/**
 * The bytes behind a value that holds them or gives them one after the other: typed arrays,
 * buffers, `data:` addresses, Blob and File, Response, web streams, Node's streams and any other
 * sequence of byte arrays. Undefined for what is none of these. Throws E_FILE_READ where reading
 * fails, E_INPUT_TYPE for what a stream may not give.
 */
export async function contentOf(source: unknown, most: ContentLimits): Promise<Content | undefined> {
  const held = bytesOf(source)
  if (held !== undefined) return { bytes: checked(held, most), file: most.noun }
  const address = addressOf(source)
  if (address !== undefined) {
    if (!/^data:/i.test(address)) return undefined
    return { bytes: dataAddressBytes(address, most.cap, most.tooLarge), file: `the data: address` }
  }
  const tag = tagOf(source)
  if (tag === 'Blob' || tag === 'File') return ofBlob(source as BlobLike, most)
  if (tag === 'Response') return ofResponse(source as ResponseLike, most)
  if (tag === 'ReadableStream')
    return { bytes: await gathered(piecesOf(source as StreamLike), most), file: most.noun }
  if (isIterable(source)) return { bytes: await gathered(source, most), file: most.noun }
  return undefined
}

/** The text of an address, given as such or as a URL of any realm. */
export function addressOf(source: unknown): string | undefined {
  if (typeof source === 'string') return source
  if (typeof source !== 'object' || source === null || !('href' in source)) return undefined
  return tagOf(source) === 'URL' && typeof source.href === 'string' ? source.href : undefined
}

/** A `Blob` or `File`, without asking for its type. */
export interface BlobLike {
  readonly size: number
  readonly name?: unknown
  arrayBuffer(): Promise<ArrayBuffer>
}

/** A `Response` of fetch, without asking for its type. */
export interface ResponseLike {
  readonly ok: boolean
  readonly status: number
  readonly url: string
  readonly bodyUsed: boolean
  readonly body: StreamLike | null
}

/** A `ReadableStream`, without asking for its type. */
export interface StreamLike {
  readonly locked: boolean
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>
    cancel(reason?: unknown): Promise<void>
  }
}

function checked(bytes: Uint8Array, { cap, tooLarge, noun }: ContentLimits): Uint8Array {
  if (bytes.length <= cap) return bytes
  throw new OcellusError(tooLarge, `the ${noun} has ${bytes.length} bytes; the most is ${cap}`)
}

async function ofBlob(blob: BlobLike, most: ContentLimits): Promise<Content> {
  const file = typeof blob.name === 'string' && blob.name !== '' ? shown(blob.name) : most.noun
  if (!(blob.size <= most.cap))
    throw new OcellusError(most.tooLarge, `${file} has ${blob.size} bytes; the most is ${most.cap}`)
  try {
    const bytes = bytesOf(await blob.arrayBuffer())
    if (bytes !== undefined) return { bytes: checked(bytes, most), file }
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw new OcellusError('E_FILE_READ', `${file} can't be read: ${shown(String(cause))}`, { cause })
  }
  throw new OcellusError('E_INPUT_TYPE', `${file} gives no bytes`)
}

async function ofResponse(response: ResponseLike, most: ContentLimits): Promise<Content> {
  const file = shown(response.url) || most.noun
  if (!response.ok) throw new OcellusError('E_FILE_READ', `${file}: the server answered ${response.status}`)
  if (response.bodyUsed || response.body === null)
    throw new OcellusError('E_FILE_READ', `${file}: the answer's body was read before, or is not there`)
  return { bytes: await gathered(piecesOf(response.body), most), file }
}

async function* piecesOf(stream: StreamLike): AsyncIterable<unknown> {
  if (stream.locked) throw new OcellusError('E_FILE_READ', 'the stream has another reader already')
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        ended = true
        return
      }
      yield value
    }
  } finally {
    // What is not wanted any more need not be sent.
    if (!ended) await reader.cancel().catch(() => {})
  }
}

function isIterable(source: unknown): source is AsyncIterable<unknown> {
  return (
    typeof source === 'object' &&
    source !== null &&
    typeof (source as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function'
  )
}

/**
 * The pieces of a stream as one, in memory that grows with what has come and not with what somebody
 * says.
 */
async function gathered(pieces: AsyncIterable<unknown>, most: ContentLimits): Promise<Uint8Array> {
  let bytes = new Uint8Array(1 << 16)
  let length = 0
  try {
    for await (const piece of pieces) {
      const part = bytesOf(piece)
      if (part === undefined)
        throw new OcellusError('E_INPUT_TYPE', `the stream gives ${tagOf(piece)}, not bytes`)
      const end = length + part.length
      if (end > most.cap) throw new OcellusError(most.tooLarge, `the stream has more than ${most.cap} bytes`)
      if (end > bytes.length) {
        const larger = new Uint8Array(Math.min(most.cap, 2 * end))
        larger.set(bytes.subarray(0, length))
        bytes = larger
      }
      bytes.set(part, length)
      length = end
    }
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw new OcellusError('E_FILE_READ', `the stream can't be read: ${shown(String(cause))}`, { cause })
  }
  return bytes.subarray(0, length)
}
