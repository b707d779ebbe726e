import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { OcellusError } from '../../errors.js'
import type { FileSource } from '../../format/safetensors.js'
import { limits } from '../../limits.js'
import { fs } from './builtin.js'

/** A model file of fewer bytes is read as a whole: that is soonest, and it is no burden to hold it. */
const largeBytes = 32 << 20

/** The bytes of a file that is no larger than a cap, checked before it is read. */
export async function readCapped(path: string, cap: number): Promise<Uint8Array> {
  const found = checkedStat(path, cap)
  try {
    // What is soon read is read at once: to wait for it would start threads.
    return found.isFile() && found.size < largeBytes ? fs.readFileSync(path) : await readFile(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** A model file's bytes, or, of a large one, a way to read it in pieces. */
export async function openModel(path: string, large = largeBytes): Promise<Uint8Array | FileSource> {
  const found = checkedStat(path, limits.modelBytes)
  return found.isFile() && found.size >= large ? fileSource(path, found) : readCapped(path, limits.modelBytes)
}

function checkedStat(path: string, cap: number): Stats {
  let found: Stats
  try {
    found = fs.statSync(path)
  } catch (cause) {
    throw new OcellusError('E_FILE_MISSING', `${path}: no such file`, { cause })
  }
  if (found.isDirectory()) throw new OcellusError('E_FILE_READ', `${path} is a folder, not a file`)
  if (found.size > cap)
    throw new OcellusError('E_FILE_TOO_LARGE', `${path} has ${found.size} bytes, more than ${cap}`)
  return found
}

/** Opened for each piece, so that nobody has to close it. What became another file meanwhile is not read. */
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
        if (file !== undefined) fs.closeSync(file)
      }
    },
  }
}

const unreadable = (path: string, cause: unknown): OcellusError => {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new OcellusError('E_FILE_READ', `${path} can't be read: ${why}`, { cause })
}
