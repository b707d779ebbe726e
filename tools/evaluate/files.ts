import { basename } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { limits } from '../../src/host/limits.js'
import { readCapped } from '../../src/host/platform/node/files.js'

/**
 * What is taken for a photo in a folder, in capitals or not: search with `caseSensitiveMatch:
 * false`.
 */
export const photoExtensions = ['jpg', 'jpeg', 'jpe', 'jfif', 'jif', 'png', 'webp', 'bmp', 'dib', 'gif']
export const photoPattern = `**/*.{${photoExtensions.join(',')}}`

/** The text of a label file. Throws E_FILE_MISSING, E_FILE_READ, E_FILE_TOO_LARGE. */
export const readLabelFile = async (path: string): Promise<string> =>
  new TextDecoder().decode(await readCapped(path, limits.labelFileBytes))

/** Throws E_DATA_LABELS; `where` is a file, and a line or the path of a value in it. */
export function badLabels(where: string, what: string): never {
  throw new OcellusError('E_DATA_LABELS', `${where}: ${what}`)
}

/** `3 photos without labels: a.jpg, b.jpg, c.jpg` */
export function listed(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return []
  const shown = items
    .slice(0, 3)
    .map((item) => basename(item))
    .join(', ')
  return [`${items.length} ${what}: ${shown}${items.length > 3 ? ', ...' : ''}`]
}
