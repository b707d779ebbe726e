import { basename, dirname, join, resolve } from 'node:path'
import { OcellusError } from '../../errors.js'
import { shown } from '../../shown.js'
import { fs } from './builtin.js'
import { closeRead } from './files.js'

/**
 * Makes a folder and those above it. Not `mkdir`'s own recursion: Node's never ends where the
 * system denies that a parent exists which does, as in /proc. Throws E_FILE_WRITE.
 */
export function makeFolder(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !isFolder(at) && dirname(at) !== at; at = dirname(at)) missing.push(at)
  for (const at of missing.reverse()) {
    try {
      fs.mkdirSync(at)
    } catch (cause) {
      if (isFolder(at)) continue
      throw new OcellusError('E_FILE_WRITE', `the folder ${path} can't be made: ${reason(cause)}`, { cause })
    }
  }
}

const isFolder = (path: string): boolean => statOf(path)?.isDirectory() ?? false

/** Undefined also where a part of the path is no folder, or may not be looked into. */
function statOf(path: string) {
  try {
    return fs.statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/**
 * Writes a file so that it is whole or as it was before, whatever fails: under a temporary name,
 * flushed to the disk, then renamed, and the folder flushed too. A device or a pipe, such as
 * /dev/stdout, is written to as it is. Throws E_FILE_WRITE.
 */
export function writeWhole(path: string, data: string | Uint8Array): void {
  makeFolder(dirname(path))
  try {
    if (isSpecial(path)) {
      fs.writeFileSync(path, data)
      return
    }
    sweep(path)
    replace(path, data)
  } catch (cause) {
    throw new OcellusError('E_FILE_WRITE', `${path} can't be written: ${reason(cause)}`, { cause })
  }
}

/**
 * Whether there is something that no rename may replace: renaming over /dev/null would take it away
 * from everybody.
 */
export function isSpecial(path: string): boolean {
  const found = statOf(path)
  return found !== undefined && !found.isFile() && !found.isDirectory()
}

function replace(path: string, data: string | Uint8Array): void {
  const temporary = temporaryOf(path)
  try {
    const file = fs.openSync(temporary, 'w')
    try {
      fs.writeFileSync(file, data)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
  flush(dirname(path))
}

/**
 * Where a file is written before it takes its name. Whose it is can be told, so that those of dead
 * processes can go.
 */
export const temporaryOf = (path: string): string => `${path}.${process.pid}.tmp`

/**
 * Has the disk hold what a file, or a folder's list of names, holds. Not every system can do that
 * of a folder.
 */
export function flush(path: string): void {
  let file: number | undefined
  try {
    file = fs.openSync(path, 'r')
    fs.fsyncSync(file)
  } catch {
    // What was written is in the system's hands.
  } finally {
    if (file !== undefined) closeRead(file)
  }
}

/** Removes what processes that were killed while they wrote this file have left beside it. */
export function sweep(path: string): void {
  const folder = dirname(path)
  const start = `${basename(path)}.`
  let names: string[]
  try {
    names = fs.readdirSync(folder)
  } catch {
    return
  }
  for (const name of names) {
    const pid = name.startsWith(start) ? /^(\d{1,10})\.tmp$/.exec(name.slice(start.length))?.[1] : undefined
    if (pid === undefined || isAlive(Number(pid))) continue
    try {
      fs.rmSync(join(folder, name), { force: true })
    } catch {
      // What can't be removed is somebody else's, and harms nobody.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Throws E_FILE_WRITE where a file could not be written, before anything is computed for it: its
 * folder is made, and a file is made and removed there.
 */
export function checkWritable(path: string): void {
  if (isFolder(path)) throw new OcellusError('E_FILE_WRITE', `${path} can't be written: it is a folder`)
  makeFolder(dirname(path))
  if (isSpecial(path)) return
  const probe = temporaryOf(path)
  try {
    sweep(path)
    fs.closeSync(fs.openSync(probe, 'w'))
    fs.rmSync(probe)
  } catch (cause) {
    fs.rmSync(probe, { force: true })
    throw new OcellusError('E_FILE_WRITE', `${path} can't be written: ${reason(cause)}`, { cause })
  }
}

/** What the system said, without the path and the call that follow its words. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return shown(String(cause))
  const [words] = cause.message.split('\n')
  return shown(words.replace(/, \w+ '.*'$/, ''))
}
