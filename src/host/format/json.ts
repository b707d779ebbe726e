import { limits } from '../limits.js'

/** Nesting beyond this is an attack, not a model. */
const maxDepth = 32
const maxNumberLength = 40

/** What a number is made of, from a place on. */
const numberSigns = /[-+.\deE]+/y
const anyNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/
const wholeNumber = /^(?:0|[1-9]\d*)$/
const loneSurrogate = /\p{Surrogate}/u
/** Of a string's own signs: those that need no second look. */
const plain = /^[\x20-\x7e]*$/
/** The escape of half a character. */
const halfEscape = /\\u[dD][89a-fA-F]/
/** So much text is no burden, whatever is made of it before it is looked at. */
const quickLength = 1 << 20

const constants: readonly (readonly [word: string, value: unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/**
 * JSON (RFC 8259) for files that can't be trusted. An object becomes a Map, so that `__proto__` is
 * a key like any other. A key that stands twice is an error, as readers would disagree on which one
 * counts. Depth and number of values are capped before anything is built: "[[[[" or "[],[],[]"
 * takes far more memory than bytes.
 * `numbers`: whether 1.0, 1e3 and -1 may stand, or only digits.
 */
export function parseStrictJson(
  text: string,
  error: (what: string) => Error,
  numbers: 'any' | 'whole' = 'any',
): unknown {
  const quick = readAsWritten(text, numbers === 'whole')
  if (quick !== undefined) return quick
  const number = numbers === 'any' ? anyNumber : wholeNumber
  let at = 0
  let values = 0

  const malformed = (): Error => error(`the JSON is malformed at character ${at}`)

  const skipSpace = (): void => {
    // By codes: this runs between any two signs of a header of hundreds of lines, before anything
    // is compiled.
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      at++
    }
  }

  const expect = (character: string): void => {
    if (text[at] !== character) throw malformed()
    at++
  }

  const readString = (): string => {
    if (text[at] !== '"') throw malformed()
    const start = at
    let end = text.indexOf('"', start + 1)
    while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
    if (end < 0) throw malformed()
    const inner = text.slice(start + 1, end)
    if (plain.test(inner) && !inner.includes('\\')) {
      at = end + 1
      return inner
    }
    let value: string
    try {
      value = JSON.parse(text.slice(start, end + 1)) as string
    } catch {
      throw malformed()
    }
    if (loneSurrogate.test(value)) throw error(`the JSON has half a character at character ${at}`)
    at = end + 1
    return value
  }

  const readNumber = (): number => {
    const start = at
    numberSigns.lastIndex = start
    numberSigns.test(text)
    at = Math.min(Math.max(numberSigns.lastIndex, start), start + maxNumberLength + 1)
    const token = text.slice(start, at)
    const value = Number(token)
    if (!number.test(token) || !Number.isFinite(value)) {
      at = start
      throw malformed()
    }
    return value
  }

  const readScalar = (): unknown => {
    if (text[at] === '"') return readString()
    for (const [word, value] of constants) {
      if (!text.startsWith(word, at)) continue
      at += word.length
      return value
    }
    return readNumber()
  }

  const readObject = (depth: number): Map<string, unknown> => {
    const map = new Map<string, unknown>()
    items('}', () => {
      const key = readString()
      if (map.has(key)) throw error(`the key ${quoted(key)} stands twice`)
      skipSpace()
      expect(':')
      map.set(key, read(depth + 1))
    })
    return map
  }

  const readList = (depth: number): unknown[] => {
    const list: unknown[] = []
    items(']', () => list.push(read(depth + 1)))
    return list
  }

  const items = (close: string, readItem: () => void): void => {
    at++
    skipSpace()
    if (text[at] !== close) {
      for (;;) {
        skipSpace()
        readItem()
        skipSpace()
        if (text[at] !== ',') break
        at++
      }
    }
    expect(close)
  }

  const read = (depth: number): unknown => {
    if (depth > maxDepth) throw error('the JSON is nested too deeply')
    if (++values > limits.jsonValues) throw error(`the JSON has more than ${limits.jsonValues} values`)
    skipSpace()
    if (text[at] === '{') return readObject(depth)
    return text[at] === '[' ? readList(depth) : readScalar()
  }

  const value = read(0)
  skipSpace()
  if (at < text.length) throw malformed()
  return value
}

/**
 * The same, by the runtime's own reader, of text that is exactly what its writer makes of the
 * values that were read: then no key stood twice, and no number is spelt otherwise. Undefined of
 * any other text, and of what is beyond a cap.
 */
function readAsWritten(text: string, whole: boolean): unknown {
  if (text.length > quickLength || halfEscape.test(text)) return undefined
  let values = 0
  const withMaps = (value: unknown, depth: number): unknown => {
    if (depth > maxDepth || ++values > limits.jsonValues) throw new RangeError()
    if (typeof value === 'number') {
      if (whole && !(Number.isInteger(value) && value >= 0 && value < 1e21)) throw new RangeError()
      return value
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((item) => withMaps(item, depth + 1))
    const map = new Map<string, unknown>()
    for (const [key, item] of Object.entries(value)) map.set(key, withMaps(item, depth + 1))
    return map
  }
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text.trimEnd() ? withMaps(value, 0) : undefined
  } catch {
    // What is wrong, and where, is told by the other reader.
    return undefined
  }
}

/** Whether an odd number of backslashes stands before this quotation mark. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

/** Text of a file for a message: on one line, and not too long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
