import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OcellusError } from '../src/host/errors.js'
import type { Pixels } from '../src/host/image/pixels.js'
import { pathOf } from '../src/host/platform/node/files.js'
import { decodeImage } from '../src/host/platform/node.js'
import { imageContent } from '../src/host/source/content.js'
import { photoPattern } from '../tools/evaluate/files.js'
import { warn } from './output.js'
import { readStdin } from './stdin.js'

/** The word for a photo on standard input, and what messages and outputs call it. */
const stdinWord = '-'
export const stdinName = 'stdin'

/**
 * Photos named by paths, folders (searched to the bottom), globs and `-`, each once, in a stable
 * order.
 */
export async function findPhotos(words: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const given of words) {
    if (given === stdinWord) {
      found.add(stdinWord)
      continue
    }
    const word = /^file:/i.test(given) ? pathOf(given) : given
    const info = await stat(word).catch(() => undefined)
    if (info?.isDirectory()) {
      const inside = await photosIn(word)
      if (inside.length === 0) throw new OcellusError('E_FILE_MISSING', `${word}: no photos in this folder`)
      for (const file of inside) found.add(file)
    } else if (info !== undefined) found.add(word)
    else {
      const { glob, isDynamicPattern } = await import('tinyglobby')
      const matches = isDynamicPattern(word) ? (await glob([word])).sort() : []
      if (matches.length === 0) throw new OcellusError('E_FILE_MISSING', `${word}: no such file`)
      for (const file of matches) found.add(file)
    }
  }
  return [...found]
}

/** The photos below a folder, told by their endings in any case. */
export async function photosIn(folder: string): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const inside = await glob([photoPattern], { cwd: folder, caseSensitiveMatch: false })
  return inside.sort().map((file) => join(folder, file))
}

/** What messages and outputs call a photo. */
export const photoName = (photo: string): string => (photo === stdinWord ? stdinName : photo)

/**
 * The pixels of a photo that `findPhotos` found, of at most `maxPixels`. Throws E_FILE_*, E_IMAGE_*.
 */
export async function readPhoto(photo: string, maxPixels?: number): Promise<Pixels> {
  const source = photo === stdinWord ? await readStdin(imageContent) : photo
  return decodeImage(source, { maxPixels })
}

/** One damaged photo does not cost the work on the others. */
export const warnDropped = ({ code, message }: OcellusError): void =>
  warn(`${code}: ${message}; left out, the others are used`)
