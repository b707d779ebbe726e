import { readFileSync, statSync } from 'node:fs'
import type { Command, Option } from 'commander'
import { parseDocument } from 'yaml'
import { OcellusError } from '../../src/host/errors.js'
import { Fields } from '../../src/host/format/fields.js'
import { limits } from '../../src/host/limits.js'
import { lineOf, zoneOf } from '../../src/host/video/shape-fields.js'

const longest = 1 << 20
/** What only a command line says. */
const notInFiles: ReadonlySet<string> = new Set(['config', 'check', 'json', 'help', 'version'])

/**
 * Sets the options that stand in the file of --config and nowhere else: the command line and the
 * environment win. Returns the file's `source`. Throws E_OPTION, E_FILE_*.
 *
 *     source: rtsp://user:password@10.0.0.7/stream2
 *     labels: [person, car]
 *     label-threshold: { person: 0.5 }
 *     zone:
 *       - door:0.1,0.2 0.5,0.2 0.5,0.9
 *       - { name: yard, points: [[0, 0.5], [1, 0.5], [1, 1]], labels: [car], loiterMs: 3000 }
 *     gate: true
 */
export function applyConfig(command: Command): string | undefined {
  const { config: file } = command.opts<{ config?: string }>()
  if (file === undefined) return undefined
  const root = read(file)
  let source: string | undefined
  for (const [key, value] of root.entriesOf()) {
    if (key === 'source') {
      source = checked(value, () => word(value))
      continue
    }
    const option = command.options.find(({ long }) => long === `--${key}`)
    if (option === undefined || notInFiles.has(key)) throw unknown(command, value)
    const name = option.attributeName()
    const from = command.getOptionValueSource(name)
    if (from === 'cli' || from === 'env') continue
    command.setOptionValueWithSource(
      name,
      checked(value, () => parsed(option, value)),
      'config',
    )
  }
  return source
}

/** An entry of the file. */
class Entry extends Fields {
  /** The options of a file, each with its key. */
  entriesOf(): [string, Entry][] {
    const { value } = this
    if (!(value instanceof Map))
      throw new OcellusError('E_OPTION', `${this.file} holds no options: write labels: [person]`)
    return [...value].map(([key, each]) => [String(key), new Entry(each, String(key), this.file)])
  }
}

function read(file: string): Entry {
  let text: string
  try {
    const { size } = statSync(file)
    if (size > longest)
      throw new OcellusError('E_OPTION', `${file} has ${size} bytes: that is no file of options`)
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (isMissing) throw new OcellusError('E_FILE_MISSING', `${file}: no such file`, { cause })
    throw new OcellusError('E_FILE_READ', `${file} can't be read: ${String(cause)}`, { cause })
  }
  const document = parseDocument(text)
  const [problem] = document.errors
  if (problem) {
    const line = problem.linePos?.[0].line ?? 1
    throw new OcellusError('E_OPTION', `${file}:${line}: ${problem.message.split('\n')[0]}`)
  }
  try {
    return new Entry(document.toJS({ mapAsMap: true, maxAliasCount: 100 }) ?? new Map(), 'the file', file)
  } catch (cause) {
    throw new OcellusError('E_OPTION', `${file}: ${String(cause)}`, { cause })
  }
}

function unknown(command: Command, { file, key }: Entry): OcellusError {
  const known = command.options
    .map(({ long }) => long?.slice(2) ?? '')
    .filter((each) => !notInFiles.has(each))
  return new OcellusError(
    'E_OPTION',
    `${file}: there is no option ${key}; there are source, ${known.join(', ')}`,
  )
}

/** Throws E_OPTION, with the place in the file. */
function checked<T>(value: Entry, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof OcellusError)) throw error
    const place = `${value.file}: `
    const message = error.message.startsWith(place) ? error.message : `${place}${value.key}: ${error.message}`
    throw new OcellusError('E_OPTION', message)
  }
}

/** The value of an option, as its words on the command line would give it. */
function parsed(option: Option, value: Entry): unknown {
  const takesNone = !option.required && !option.optional
  if (takesNone) return value.boolean()
  if (option.optional && typeof value.value === 'boolean') return value.value || undefined
  switch (option.long) {
    case '--zone':
      return listOf(value).map((each) => zoneOf(each))
    case '--line':
      return listOf(value).map((each) => lineOf(each))
    case '--labels':
    case '--view-name':
      return listOf(value).map(word)
    case '--label-threshold': {
      const scores = value.entries(limits.labels, (score) => score.number(0, 1))
      return Object.entries(scores).reduce<unknown>(
        (before, [label, score]) => option.parseArg?.(`${label}=${score}`, before as never),
        undefined,
      )
    }
    default:
      return option.parseArg === undefined ? word(value) : option.parseArg(word(value), undefined)
  }
}

/** One value stands for a list of one. */
const listOf = (value: Entry): Fields[] => (Array.isArray(value.value) ? value.list(limits.labels) : [value])

function word(value: Fields): string {
  const { value: content } = value
  if (typeof content === 'string') return content
  if (typeof content === 'number') return String(content)
  return value.fail('is no text and no number')
}
