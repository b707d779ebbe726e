import { statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { OcellusError } from '../src/host/errors.js'
import { checkWritable, makeFolder } from '../src/host/platform/node/write.js'
import { shown } from '../src/host/shown.js'
import { photoName } from './photos.js'

/** Pictures that can be written, by their endings. */
export const pictureEndings = ['.jpg', '.jpeg', '.png']

/**
 * Whether --out means a folder: there is one, it ends with a separator, or it has no ending. Throws
 * E_OPTION for an ending that the verb can't write, which would else become the name of a folder.
 */
export function meansFolder(out: string, endings: readonly string[]): boolean {
  const ending = extname(out).toLowerCase()
  if (/[/\\]$/.test(out)) return true
  // A file's ending means a file, even where a folder has that name: then it can't be written,
  // which is said.
  if (endings.includes(ending)) return false
  if (ending === '' || isFolder(out)) return true
  throw new OcellusError(
    'E_OPTION',
    `--out ${out}: what is written here ends in ${endings.join(', ')}; a folder of that name ends in /`,
  )
}

const isFolder = (path: string): boolean => statOf(path)?.isDirectory() ?? false

/**
 * All files that a command writes, named before it starts to work. None may be one of its inputs or
 * be written twice, and each must be writable.
 */
export class Outputs {
  readonly #taken = new Map<string, string>()
  readonly #files: string[] = []

  /** `inputs`: every file that the command reads; what is no file is passed over. */
  constructor(inputs: readonly (string | undefined)[]) {
    for (const input of inputs) {
      if (input === undefined) continue
      for (const key of keysOf(input)) this.#taken.set(key, 'is read by this command')
    }
  }

  /** Takes a name. Throws E_OPTION for that of an input or of another output. */
  add(path: string): string {
    for (const key of keysOf(path)) {
      const taken = this.#taken.get(key)
      if (taken !== undefined)
        throw new OcellusError('E_OPTION', `${path} ${taken}: nothing was written; give another --out`)
    }
    for (const key of keysOf(path)) this.#taken.set(key, 'would be written twice')
    this.#files.push(path)
    return path
  }

  /** Makes the folders, and throws E_FILE_WRITE where one of the files could not be written. */
  check(): void {
    const folders = new Set<string>()
    for (const file of this.#files) {
      // One file shows for all of a folder, but none of them may be a folder itself.
      if (!folders.has(dirname(file)) || isFolder(file)) checkWritable(file)
      folders.add(dirname(file))
    }
  }
}

/** Undefined also where a part of the path is no folder. */
function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false, bigint: true })
  } catch {
    return undefined
  }
}

/**
 * What tells a file: its place, and where it is there already what the system knows it by, whatever
 * leads to it.
 */
function keysOf(path: string): string[] {
  const found = statOf(path)
  if (found !== undefined && !found.isFile()) return []
  const place = `path ${resolve(path)}`
  return found === undefined ? [place] : [place, `file ${found.dev} ${found.ino}`]
}

/**
 * A name for each photo, from its file's and without an ending, the same for drawings, labels and
 * ids. Where two would be equal, in capitals or not, the later ones are numbered: x, x-2, x-3.
 */
export function namesOf(photos: readonly string[]): Map<string, string> {
  const stems = photos.map((photo) => basename(photoName(photo), extname(photo)))
  const own = new Set(stems.map(plain))
  const taken = new Set<string>()
  const names = new Map<string, string>()
  for (const [n, photo] of photos.entries()) {
    let name = stems[n]
    for (let count = 2; taken.has(plain(name)) || (name !== stems[n] && own.has(plain(name))); count++)
      name = `${stems[n]}-${count}`
    taken.add(plain(name))
    names.set(photo, name)
  }
  return names
}

const plain = (name: string): string => name.normalize('NFC').toLowerCase()

/** Plans one file. */
export function oneOutput(out: string, inputs: readonly (string | undefined)[]): string {
  const outputs = new Outputs(inputs)
  outputs.add(out)
  outputs.check()
  return out
}

/** Plans a file in a folder for each of these names. */
export function folderOutputs(
  folder: string,
  names: readonly string[],
  inputs: readonly (string | undefined)[],
): string[] {
  const outputs = new Outputs(inputs)
  const files = names.map((name) => outputs.add(join(folder, name)))
  makeFolder(folder)
  outputs.check()
  return files
}

/**
 * Plans a picture for each of these photos, in their order: `out` itself, which is for one photo
 * alone, or files in that folder, named as the photos are. Throws E_OPTION for one picture for several.
 */
export function pictureOutputs(
  out: string,
  photos: readonly string[],
  inputs: readonly (string | undefined)[],
): string[] {
  if (meansFolder(out, pictureEndings)) {
    const names = [...namesOf(photos).values()].map((name) => `${name}.png`)
    return folderOutputs(out, names, inputs)
  }
  if (photos.length > 1)
    throw new OcellusError(
      'E_OPTION',
      `--out ${out} is one picture for ${photos.length} photos: give a folder`,
    )
  return [oneOutput(out, inputs)]
}

/** Throws E_OPTION for an --out that ends otherwise than what a verb writes. */
export function checkEnding(out: string, endings: readonly string[]): void {
  if (!endings.includes(extname(out).toLowerCase()))
    throw new OcellusError(
      'E_OPTION',
      `--out ${shown(out)}: what is written here ends in ${endings.join(', ')}`,
    )
}
