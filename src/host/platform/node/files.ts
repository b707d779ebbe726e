import type { Stats } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OcellusError } from '../../errors.js'
import type { FileSource } from '../../format/safetensors.js'
import { limits } from '../../limits.js'
import { fs } from './builtin.js'

/**
 * A smaller file is read at once: waiting for it would start threads, and holding it is no burden.
 */
const largeBytes = 32 << 20

/**
 * The path that a file: address or a path tells. Throws E_FILE_READ for an address of anything
 * else.
 */
export function pathOf(address: string): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1].toLowerCase()
  // One letter is a drive; a file's name may hold a colon, but hardly two slashes behind it.
  if (scheme === undefined || (scheme !== 'file' && !/^[^:]+:\/\/|^(blob|data):/i.test(address)))
    return address
  try {
    if (scheme === 'file') return fileURLToPath(address)
  } catch (cause) {
    throw new OcellusError('E_FILE_READ', `${address} is no file of this machine`, { cause })
  }
  throw new OcellusError(
    'E_FILE_READ',
    `${address} is not fetched here: give what \`await fetch(address)\` answers`,
  )
}

/**
 * The bytes of a regular file that has no more than `cap` of them. The cap is checked before the
 * file is read and again while it is read, because some files (in /proc) do not know their size
 * and others grow. Throws E_FILE_MISSING, E_FILE_READ, E_FILE_TOO_LARGE.
 */
export async function readCapped(path: string, cap: number): Promise<Uint8Array> {
  const { size } = checkFile(path, cap)
  const readSome = size < largeBytes ? readNow : readLater
  let file: number | undefined
  try {
    file = fs.openSync(path, 'r')
    // The byte beyond the size tells a file that has grown from one that has ended.
    let bytes = new Uint8Array(size + 1)
    let length = 0
    for (;;) {
      const count = await readSome(file, bytes.subarray(length))
      length += count
      if (count === 0) return bytes.subarray(0, length)
      if (length > cap) throw tooLarge(path, `more than ${cap} bytes`)
      if (length === bytes.length) {
        const larger = new Uint8Array(Math.min(cap + 1, Math.max(4096, 2 * length)))
        larger.set(bytes)
        bytes = larger
      }
    }
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    if (file !== undefined) closeRead(file)
  }
}

/** What was read is not worse for a file that can't be closed. */
export function closeRead(file: number): void {
  try {
    fs.closeSync(file)
  } catch {
    // It is closed: systems tell here of what was written.
  }
}

const readNow = (file: number, into: Uint8Array): number => fs.readSync(file, into)

/** Pieces of 64 MiB: some systems refuse to read 2 GiB at once. */
const readLater = (file: number, into: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    const length = Math.min(into.length, 64 << 20)
    fs.read(file, into, 0, length, null, (error, count) => (error ? reject(error) : resolve(count)))
  })

/** A model file's bytes, or, where the file is large, a way to read it in pieces. */
export async function openModel(path: string, large = largeBytes): Promise<Uint8Array | FileSource> {
  const found = checkFile(path, limits.modelBytes)
  return found.size >= large ? fileSource(path, found) : readCapped(path, limits.modelBytes)
}

/**
 * What the system knows of a regular file that has no more than `cap` bytes. A device or a pipe is
 * refused, because it may never end. Throws E_FILE_MISSING, E_FILE_READ, E_FILE_TOO_LARGE.
 */
export function checkFile(path: string, cap: number): Stats {
  let found: Stats
  try {
    found = fs.statSync(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  if (found.isDirectory()) throw new OcellusError('E_FILE_READ', `${path} is a folder, not a file`)
  if (!found.isFile())
    throw new OcellusError('E_FILE_READ', `${path} is a device or a pipe: save its contents to a file first`)
  if (found.size > cap) throw tooLarge(path, `${found.size} bytes, more than ${cap}`)
  return found
}

const tooLarge = (path: string, what: string): OcellusError =>
  new OcellusError('E_FILE_TOO_LARGE', `${path} has ${what}`)

/**
 * Opened for each piece, so that nobody has to close it. What became another file meanwhile is not
 * read.
 */
function fileSource(path: string, first: Stats): FileSource {
  const same = (now: Stats): boolean =>
    now.size === first.size && now.mtimeMs === first.mtimeMs && now.ino === first.ino
  return {
    size: first.size,
    read(at, into) {
      let file: number | undefined
      try {
        file = fs.openSync(path, 'r')
        if (!same(fs.fstatSync(file))) throw new Error('it has changed since it was opened')
        for (let done = 0; done < into.length; ) {
          const count = fs.readSync(file, into, done, into.length - done, at + done)
          if (count === 0) throw new Error('it ends too soon')
          done += count
        }
      } catch (cause) {
        throw unreadable(path, cause)
      } finally {
        if (file !== undefined) closeRead(file)
      }
    },
  }
}

/** The reason why a file could not be read, as an error of ours. */
export function unreadable(path: string, cause: unknown): OcellusError {
  if (cause instanceof OcellusError) return cause
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) }
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new OcellusError('E_FILE_MISSING', `${path}: no such file`, { cause })
  return new OcellusError('E_FILE_READ', `${path} can't be read: ${message}`, { cause })
}
