import { basename, dirname, join, resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { parseDocument } from 'yaml'
import { limits } from '../../src/host/limits.js'
import { badLabels, readLabelFile } from './files.js'

export const nameFiles = 'classes.txt, a *.names file or data.yaml'

/**
 * Class names of a data set by classes.txt, *.names or *.yaml, in this order; undefined when there
 * is none.
 */
export async function readNames(folder: string): Promise<readonly string[] | undefined> {
  for (const place of placesOf(resolve(folder))) {
    for (const patterns of [
      ['classes.txt', 'labels/classes.txt'],
      ['*.names'],
      ['data.{yaml,yml}', '*.{yaml,yml}'],
    ]) {
      for (const pattern of patterns) {
        const [file] = (await glob(pattern, { cwd: place, absolute: true })).sort()
        if (file) return readNameFile(file)
      }
    }
  }
  return undefined
}

/** The folder, and, when it is images/ or a part of it, the one that holds images/. */
function placesOf(folder: string): string[] {
  if (basename(folder) === 'images') return [folder, dirname(folder)]
  if (basename(dirname(folder)) === 'images') return [folder, join(folder, '../..')]
  return [folder]
}

async function readNameFile(file: string): Promise<readonly string[]> {
  const text = await readLabelFile(file)
  const names = /\.ya?ml$/i.test(file) ? parseYaml(text, file) : parseLines(text)
  if (names.length === 0) badLabels(file, 'names no class')
  if (names.length > limits.labels) badLabels(file, `${names.length} classes, more than ${limits.labels}`)
  return names
}

/**
 * A name a line; an empty line would shift the numbers of all that follow, so only the end may have
 * them.
 */
function parseLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim())
}

/** ultralytics' data.yaml: `names` is a list, or a map from class number to name. */
function parseYaml(text: string, file: string): string[] {
  const document = parseDocument(text)
  const [problem] = document.errors
  if (problem) badLabels(`${file}:${problem.linePos?.[0].line ?? 1}`, problem.message.split('\n')[0])
  let content: { names?: unknown } | null
  try {
    content = document.toJS() as { names?: unknown } | null
  } catch (cause) {
    badLabels(file, (cause as Error).message.split('\n')[0])
  }
  const names: unknown = content?.names
  if (typeof names !== 'object' || names === null) badLabels(file, 'has no list called names')
  const entries = Object.entries(names)
  const list = new Array<string>(Array.isArray(names) ? names.length : entries.length)
  for (const [key, name] of entries) {
    const index = Number(key)
    if (!/^\d+$/.test(key) || index >= list.length) {
      badLabels(file, `names has the key '${key}'; expected 0 to ${list.length - 1}`)
    }
    if (typeof name !== 'string' && typeof name !== 'number') badLabels(file, `names: ${key} is no text`)
    list[index] = String(name)
  }
  return list
}
