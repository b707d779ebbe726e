import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'

export interface Entry {
  readonly value: string
  readonly line: number
  /** A later line of the same section that gives this key another value. */
  conflict?: { readonly value: string; readonly line: number }
}

export interface Section {
  /** As in `[convolutional]`, without the brackets. */
  readonly type: string
  readonly line: number
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Cfg {
  readonly file: string
  readonly net: Section
  /** The layers; their places in this list are the indices that routes count in. */
  readonly layers: readonly Section[]
}

/**
 * Splits a darknet configuration into sections, keys and values. Whole-line comments start with #
 * or ; and a # ends a value. Of a key that is given twice darknet takes the first and OpenCV the
 * last, so a second value that differs is remembered, and refused where the key matters.
 */
export function parseCfg(text: string, file: string): Cfg {
  if (text.length > limits.cfgBytes) {
    throw new OcellusError(
      'E_FILE_TOO_LARGE',
      `${file} holds ${text.length} characters, more than the ${limits.cfgBytes} that a darknet cfg may have`,
    )
  }
  const sections: { type: string; line: number; entries: Map<string, Entry> }[] = []
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  lines.forEach((raw, index) => {
    const line = index + 1
    const content = raw.trim()
    if (content === '' || content.startsWith('#') || content.startsWith(';')) return
    if (content.startsWith('[')) {
      if (sections.length > limits.nodes) {
        throw new OcellusError('E_MODEL_LIMIT', `${file} line ${line}: more than ${limits.nodes} layers`)
      }
      sections.push({ type: sectionType(content, file, line), line, entries: new Map() })
      return
    }
    const current = sections.at(-1)
    if (current === undefined) {
      throw syntax(file, line, `expected a section such as [net], found ${quote(content)}`)
    }
    const { key, value } = keyAndValue(content, file, line)
    const first = current.entries.get(key)
    if (first === undefined) current.entries.set(key, { value, line })
    else if (first.value !== value) first.conflict ??= { value, line }
  })
  const [net, ...layers] = sections
  if (net === undefined) throw syntax(file, 1, 'the file has no sections: is this a darknet cfg?')
  if (net.type !== 'net' && net.type !== 'network') {
    throw new OcellusError(
      'E_CFG_SECTION',
      `${file} line ${net.line}: the first section must be [net], not [${net.type}]`,
    )
  }
  return { file, net, layers }
}

function sectionType(content: string, file: string, line: number): string {
  const type = content.slice(1, -1).trim()
  if (!content.endsWith(']') || !/^\w{1,40}$/.test(type)) {
    throw syntax(file, line, `expected a section such as [convolutional], found ${quote(content)}`)
  }
  return type
}

function keyAndValue(content: string, file: string, line: number): { key: string; value: string } {
  const equals = content.indexOf('=')
  if (equals < 1) throw syntax(file, line, `expected key=value, found ${quote(content)}`)
  const key = content.slice(0, equals).trim()
  const rest = content.slice(equals + 1)
  const comment = rest.indexOf('#')
  const value = (comment < 0 ? rest : rest.slice(0, comment)).trim()
  if (value === '') throw syntax(file, line, `${quote(key)} has no value`)
  return { key, value }
}

function syntax(file: string, line: number, what: string): OcellusError {
  return new OcellusError('E_CFG_SYNTAX', `${file} line ${line}: ${what}`)
}

/** Text from a file, cut and escaped so that a message stays one readable line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}
