import { copyFile, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { limits } from '../../src/host/limits.js'
import { unreadable } from '../../src/host/platform/node/files.js'
import { flush, sweep, temporaryOf } from '../../src/host/platform/node/write.js'
import { type DownloadOptions, download, hashFile } from './download.js'
import type { PublishedFile } from './registry.js'
import { networkReason } from './request.js'

/** What is known of a file since it was first fetched. */
export interface Known {
  readonly source: string
  readonly bytes: number
  readonly sha256: string
  /** The day of the first fetch. */
  readonly since: string
}

export interface Fetched extends Known {
  readonly path: string
  /**
   * Against what the bytes were held: a published hash, the one of the first fetch, or nothing yet.
   */
  readonly checked: 'published' | 'recorded' | 'first'
  readonly fresh: boolean
}

export type FetchOptions = Omit<DownloadOptions, 'expected' | 'cap'> & {
  /** Fetch even what is there already. */
  readonly force: boolean
  writeRecord(path: string, text: string): Promise<void>
}

const recordName = 'record.json'

/** The published files of one model, in a folder of their own with a record of their hashes. */
export class Store {
  readonly #folder: string
  #known: Record<string, Known> = {}

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<Store> {
    const store = new Store(folder)
    const text = await readFile(join(folder, recordName), 'utf8').catch((cause: unknown) => {
      const error = unreadable(join(folder, recordName), cause)
      // What is there but can't be read would be recorded anew, whatever the files are by now.
      if (error.code === 'E_FILE_MISSING') return '{}'
      throw error
    })
    try {
      for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, Known>)) {
        if (/^[0-9a-f]{64}$/.test(value?.sha256)) store.#known[name] = value
      }
    } catch {
      throw new OcellusError(
        'E_FILE_READ',
        `${join(folder, recordName)} is no JSON: remove it to record hashes anew`,
      )
    }
    return store
  }

  /**
   * Brings one file from an address or a path, unless it is there and whole. The hash that the
   * registry publishes must fit; where it publishes none, the one of the first fetch. Throws
   * E_DOWNLOAD_*, E_FILE_*.
   */
  async fetch(file: PublishedFile, source: string, options: FetchOptions): Promise<Fetched> {
    const path = join(this.#folder, file.name)
    const before = Object.hasOwn(this.#known, file.name) ? this.#known[file.name] : undefined
    const checked = file.sha256 !== undefined ? 'published' : before !== undefined ? 'recorded' : 'first'
    if (!options.force && before !== undefined && (await isFile(path))) {
      const { sha256 } = await hashFile(path)
      if (sha256 === (file.sha256 ?? before.sha256)) return { ...before, path, checked, fresh: false }
    }
    const expected = { bytes: file.bytes, sha256: file.sha256 ?? before?.sha256, md5: file.md5 }
    const got = await this.#bring(source, path, expected, options).catch((error: unknown) => {
      throw checked === 'recorded' ? explain(error, before!, file.name) : error
    })
    const known = { source, ...got, since: before?.since ?? new Date().toISOString().slice(0, 10) }
    this.#known[file.name] = known
    await options.writeRecord(join(this.#folder, recordName), `${JSON.stringify(this.#known, null, 2)}\n`)
    return { ...known, path, checked, fresh: true }
  }

  async #bring(
    source: string,
    path: string,
    expected: DownloadOptions['expected'],
    options: FetchOptions,
  ): Promise<{ bytes: number; sha256: string }> {
    const cap = expected?.bytes ?? limits.modelBytes
    if (isAddress(source)) {
      const { bytes, sha256 } = await download(source, path, { ...options, expected, cap })
      return { bytes, sha256 }
    }
    return takeFile(source, path, expected, cap)
  }
}

/**
 * A hash that no longer fits the first fetch is not the network's fault alone: say what it may
 * mean.
 */
function explain(error: unknown, before: Known, name: string): unknown {
  if (!(error instanceof OcellusError) || error.code !== 'E_DOWNLOAD_HASH') return error
  return new OcellusError(
    'E_DOWNLOAD_HASH',
    `${error.message}; that is what ${name} had on ${before.since}. If its authors changed it, remove the folder of the model`,
    { cause: error },
  )
}

/** Copies a local file under a temporary name, checks the copy, renames it. */
async function takeFile(
  source: string,
  path: string,
  expected: DownloadOptions['expected'],
  cap: number,
): Promise<{ bytes: number; sha256: string }> {
  const found = await stat(source).catch(() => undefined)
  if (!found?.isFile()) throw new OcellusError('E_FILE_MISSING', `${source}: no such file`)
  if (expected?.bytes !== undefined && found.size !== expected.bytes) {
    throw new OcellusError('E_DOWNLOAD_HASH', `${source} has ${found.size} bytes, not ${expected.bytes}`)
  }
  if (found.size > cap)
    throw new OcellusError('E_FILE_TOO_LARGE', `${source} has ${found.size} bytes, more than ${cap}`)
  sweep(path)
  const temporary = temporaryOf(path)
  try {
    await copyFile(source, temporary)
    const { bytes, sha256, md5 } = await hashFile(temporary)
    if (expected?.sha256 !== undefined && sha256 !== expected.sha256) {
      throw new OcellusError('E_DOWNLOAD_HASH', `${source} has SHA-256 ${sha256}, not ${expected.sha256}`)
    }
    if (expected?.md5 !== undefined && md5 !== expected.md5) {
      throw new OcellusError('E_DOWNLOAD_HASH', `${source} has MD5 ${md5}, not ${expected.md5}`)
    }
    flush(temporary)
    await rename(temporary, path)
    flush(dirname(path))
    return { bytes, sha256 }
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw new OcellusError('E_FILE_WRITE', `${path} can't be written: ${networkReason(cause)}`, { cause })
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

export const isAddress = (word: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(word)

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() ?? false

/**
 * Where each file of a model comes from. `from` is a folder, or an address that ends in `/`: all
 * files lie there under their names. Any other `from` is the weights; the rest is taken from beside
 * it if it lies there, else as published.
 */
export async function sourceOf(
  file: PublishedFile,
  isWeights: boolean,
  from: string | undefined,
): Promise<string> {
  if (from !== undefined) {
    if (isAddress(from)) {
      if (from.endsWith('/')) return new URL(file.name, from).href
      if (isWeights) return from
    } else if ((await stat(from).catch(() => undefined))?.isDirectory()) {
      const names = await readdir(from).catch((cause: unknown) => {
        throw unreadable(from, cause)
      })
      // Under the name that it has here, or the one that it has where it is published, as
      // coco.names.
      const name = [file.name, basename(new URL(file.url ?? 'file:///').pathname)].find((n) =>
        names.includes(n),
      )
      if (name !== undefined) return join(from, name)
      if (isWeights) throw new OcellusError('E_FILE_MISSING', `${from} holds no ${file.name}`)
    } else if (isWeights) return from
    else {
      const beside = join(dirname(from), file.name)
      const same = join(
        dirname(from),
        basename(from).replace(/\.[^.]*$/, '') + file.name.replace(/^.*\./, '.'),
      )
      for (const path of [beside, same]) if (path !== from && (await isFile(path))) return path
    }
  }
  if (file.url !== undefined) return file.url
  throw new OcellusError('E_DOWNLOAD_ADDRESS', `${file.name}: ${file.missing}. Give it with --from`)
}
