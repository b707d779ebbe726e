import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { unreadable } from '../../src/host/platform/node/files.js'
import { flush } from '../../src/host/platform/node/write.js'
import { networkReason, request, Watchdog } from './request.js'

export interface Expected {
  readonly bytes?: number
  readonly sha256?: string
  readonly md5?: string
}

export interface DownloadOptions {
  readonly expected?: Expected
  /** Most bytes to accept, whatever the server says. */
  readonly cap: number
  readonly timeoutMs: number
  /** How often a connection that broke after some bytes is taken up again. */
  readonly attempts: number
  onProgress?(done: number, total: number | undefined): void
  /** Bytes free in a folder. */
  space?(folder: string): Promise<number>
}

export interface Downloaded {
  readonly bytes: number
  readonly sha256: string
  /** Bytes that an earlier, broken download had left. */
  readonly resumedFrom: number
}

/** What is kept beside a part, to know whether the rest still fits it. */
interface Part {
  readonly url: string
  /** The server's ETag or Last-Modified. */
  readonly validator: string
}

/**
 * Fetches an address into a file. What arrives is kept as `FILE.part`; a later call goes on from
 * there, if the server gives ranges and says that the file is the same. Only a whole file whose
 * length and hashes fit takes its name. Throws E_DOWNLOAD_*, E_FILE_TOO_LARGE, E_FILE_WRITE.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<Downloaded> {
  const part = `${file}.part`
  let resumedFrom = 0
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part)
    try {
      resumedFrom = Math.max(resumedFrom, await fetchRest(url, part, options))
      break
    } catch (error) {
      const broke = error instanceof OcellusError && error.code === 'E_DOWNLOAD_TRUNCATED'
      // A server that breaks off again and again without giving anything is not asked for ever.
      if (!broke || attempt >= options.attempts || (await sizeOf(part)) <= before) throw error
    }
  }
  const { bytes, sha256, md5 } = await hashFile(part)
  const { expected } = options
  for (const [kind, want, got] of [
    ['SHA-256', expected?.sha256, sha256],
    ['MD5', expected?.md5, md5],
  ] as const) {
    if (want === undefined || want === got) continue
    await remove(part)
    await remove(`${part}.json`)
    throw new OcellusError('E_DOWNLOAD_HASH', `${url} has ${kind} ${got}, not ${want}: it was thrown away`)
  }
  await rename(part, file).catch((cause: unknown) => {
    throw unwritten(file, cause)
  })
  flush(dirname(file))
  await remove(`${part}.json`)
  return { bytes, sha256, resumedFrom }
}

/**
 * One connection: appends to the part, or starts it anew. Returns the bytes that were there and
 * stayed.
 */
async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<number> {
  const watchdog = new Watchdog(options.timeoutMs)
  let output: FileHandle | undefined
  try {
    const have = await resumable(url, part)
    const headers: Record<string, string> =
      have === undefined ? {} : { range: `bytes=${have.bytes}-`, 'if-range': have.validator }
    let { response } = await request(url, headers, watchdog)
    if (response.status === 416 && have !== undefined) {
      // Nothing is left, or the part is longer than the file: only its hash can tell, so the safe
      // way is anew.
      await response.body?.cancel().catch(() => {})
      response = (await request(url, {}, watchdog)).response
    }
    if (response.status !== 200 && response.status !== 206) {
      await response.body?.cancel().catch(() => {})
      throw new OcellusError(
        'E_DOWNLOAD_FAILED',
        `${url}: the server answers ${response.status} ${response.statusText}`.trimEnd(),
      )
    }
    const from = response.status === 206 ? rangeStart(response, url, have?.bytes) : 0
    const length = Number(response.headers.get('content-length') ?? Number.NaN)
    const total = Number.isFinite(length) ? from + length : undefined
    checkLength(url, total, options)
    await checkSpace(part, total === undefined ? undefined : total - from, options)
    if (from === 0) await remember(url, part, response)
    output = await open(part, from === 0 ? 'w' : 'a').catch((cause: unknown) => {
      throw unwritten(part, cause)
    })
    await receive(response, output, { url, part, from, total, watchdog, options })
    await output.sync().catch((cause: unknown) => {
      throw unwritten(part, cause)
    })
    return from
  } finally {
    watchdog.stop()
    await output?.close()
  }
}

interface Receiving {
  readonly url: string
  readonly part: string
  readonly from: number
  readonly total: number | undefined
  readonly watchdog: Watchdog
  readonly options: DownloadOptions
}

/** Bytes a second that a transfer needs, over each stretch of its time-out. */
const slowest = 1024

async function receive(response: Response, output: FileHandle, to: Receiving): Promise<void> {
  const { url, watchdog, options } = to
  const total = to.total ?? options.expected?.bytes
  let done = to.from
  options.onProgress?.(done, total)
  const reader = response.body?.getReader()
  let window = { start: performance.now(), bytes: 0 }
  for (;;) {
    watchdog.rest()
    let chunk: Uint8Array | undefined
    try {
      chunk = (await reader?.read())?.value
    } catch (cause) {
      watchdog.check(url)
      throw truncated(url, done, total, networkReason(cause))
    }
    if (chunk === undefined) break
    done += chunk.length
    window.bytes += chunk.length
    // A byte now and then keeps a time-out from passing, for as long as the server likes.
    const elapsed = performance.now() - window.start
    if (elapsed >= options.timeoutMs) {
      if (window.bytes < (slowest * elapsed) / 1000) {
        await reader?.cancel().catch(() => {})
        throw new OcellusError(
          'E_DOWNLOAD_TIMEOUT',
          `${url} sent ${window.bytes} bytes in ${(elapsed / 1000).toFixed(0)} s: run the same again to go on from byte ${done}, or use a mirror (--from)`,
        )
      }
      window = { start: performance.now(), bytes: 0 }
    }
    if (done > options.cap) {
      await reader?.cancel().catch(() => {})
      throw new OcellusError('E_FILE_TOO_LARGE', `${url} sends more than ${options.cap} bytes`)
    }
    await write(output, chunk, to.part)
    options.onProgress?.(done, total)
  }
  if (total !== undefined && done < total) throw truncated(url, done, total, 'the connection ended')
  checkLength(url, done, options)
}

const truncated = (url: string, done: number, total: number | undefined, why: string): OcellusError =>
  new OcellusError(
    'E_DOWNLOAD_TRUNCATED',
    `${url} broke off after ${done}${total === undefined ? '' : ` of ${total}`} bytes (${why}): run the same again to go on from there`,
  )

async function write(output: FileHandle, chunk: Uint8Array, part: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await output.write(chunk, at)).bytesWritten
  } catch (cause) {
    throw unwritten(part, cause)
  }
}

function checkLength(url: string, total: number | undefined, { expected, cap }: DownloadOptions): void {
  if (total === undefined) return
  if (total > cap) throw new OcellusError('E_FILE_TOO_LARGE', `${url} has ${total} bytes, more than ${cap}`)
  if (expected?.bytes !== undefined && total !== expected.bytes) {
    throw new OcellusError('E_DOWNLOAD_HASH', `${url} has ${total} bytes, not ${expected.bytes}`)
  }
}

async function checkSpace(part: string, wanted: number | undefined, options: DownloadOptions): Promise<void> {
  if (wanted === undefined) return
  const folder = dirname(part)
  const free = await (options.space ?? freeBytes)(folder)
  if (free < wanted) {
    throw new OcellusError('E_FILE_WRITE', `${folder} has ${free} bytes free, and ${wanted} are to come`)
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw unwritten(folder, cause)
  })
  return bavail * bsize
}

const unwritten = (path: string, cause: unknown): OcellusError =>
  new OcellusError('E_FILE_WRITE', `${path} can't be written: ${networkReason(cause)}`, { cause })

/**
 * Where the bytes of a 206 belong; a server that sends another range than asked for would spoil the
 * file.
 */
function rangeStart(response: Response, url: string, asked: number | undefined): number {
  const range = response.headers.get('content-range') ?? ''
  const start = Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN)
  if (asked === undefined || start !== asked) {
    throw new OcellusError(
      'E_DOWNLOAD_FAILED',
      `${url}: asked from byte ${asked ?? 0}, the server sends ${JSON.stringify(range)}`,
    )
  }
  return start
}

/**
 * A part that can be gone on with: of the same address, and with something to tell whether the file
 * has changed.
 */
async function resumable(
  url: string,
  part: string,
): Promise<{ bytes: number; validator: string } | undefined> {
  const bytes = await sizeOf(part)
  if (bytes === 0) return undefined
  try {
    const known = JSON.parse(await readFile(`${part}.json`, 'utf8')) as Partial<Part>
    if (known.url !== url || typeof known.validator !== 'string') return undefined
    return { bytes, validator: known.validator }
  } catch {
    return undefined
  }
}

async function remember(url: string, part: string, response: Response): Promise<void> {
  const etag = response.headers.get('etag')
  // A weak tag may stand for other bytes, and If-Range does not take it.
  const validator = etag !== null && !etag.startsWith('W/') ? etag : response.headers.get('last-modified')
  const file = `${part}.json`
  try {
    // One that stayed would vouch for bytes of another file.
    await rm(file, { force: true })
    if (validator !== null) await writeFile(file, JSON.stringify({ url, validator } satisfies Part))
  } catch (cause) {
    throw unwritten(file, cause)
  }
}

/** Of files that nobody needs any more: one that can't be removed does no harm. */
const remove = (file: string): Promise<void> => rm(file, { force: true }).catch(() => {})

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.size ?? 0

/** Throws E_FILE_MISSING, E_FILE_READ. */
export async function hashFile(file: string): Promise<{ bytes: number; sha256: string; md5: string }> {
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let bytes = 0
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      const data = chunk as Buffer
      bytes += data.length
      sha256.update(data)
      md5.update(data)
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
  return { bytes, sha256: sha256.digest('hex'), md5: md5.digest('hex') }
}
