import { type ErrorCode, OcellusError } from '../errors.js'
import { quoted } from './json.js'

/** Control characters would break up messages and lists. */
const control = /\p{Cc}/u

const nameLength = 256
const isName = (text: string): boolean => text !== '' && text.length <= nameLength && !control.test(text)

/**
 * Reads fields of JSON as `parseStrictJson` gives it, and names the place of whatever does not fit.
 */
export class Fields {
  constructor(
    readonly value: unknown,
    /** The place, or under which key of `parent` it is. */
    readonly key: string | number,
    readonly file: string,
    readonly parent?: Fields,
  ) {}

  /** The place, put together only for a message: there are thousands of fields. */
  get at(): string {
    if (this.parent === undefined) return String(this.key)
    return typeof this.key === 'number' ? `${this.parent.at}[${this.key}]` : `${this.parent.at}.${this.key}`
  }

  fail(what: string, code: ErrorCode = 'E_MODEL_GRAPH'): never {
    throw new OcellusError(code, `${this.file}: ${this.at} ${what}`)
  }

  /** Only these keys may stand here: a misspelt setting must not be silently ignored. */
  only(...known: string[]): this {
    for (const key of this.#map().keys()) {
      if (!known.includes(key)) this.fail(`has an unknown field ${quoted(key)}`)
    }
    return this
  }

  field(name: string): Fields {
    return new Fields(this.#map().get(name), name, this.file, this)
  }

  get missing(): boolean {
    return this.value === undefined
  }

  list(most: number): Fields[] {
    if (!Array.isArray(this.value)) return this.fail('is not a list')
    if (this.value.length > most) {
      this.fail(`has ${this.value.length} entries, more than ${most}`, 'E_MODEL_LIMIT')
    }
    return this.value.map((value, i) => new Fields(value, i, this.file, this))
  }

  string(most = 4096): string {
    if (typeof this.value !== 'string') return this.fail('is not a string')
    if (this.value.length > most) {
      this.fail(`has ${this.value.length} characters, more than ${most}`, 'E_MODEL_LIMIT')
    }
    return this.value
  }

  /** A name: some text on one line. */
  name(): string {
    const text = this.string(nameLength)
    if (isName(text)) return text
    this.fail(text === '' ? 'is an empty name' : `is ${quoted(text)}, with a control character`)
  }

  number(min: number, max: number, code?: ErrorCode): number {
    if (typeof this.value !== 'number' || !(this.value >= min && this.value <= max)) {
      return this.fail(`is ${shown(this.value)}, expected a number from ${min} to ${max}`, code)
    }
    return this.value
  }

  integer(min: number, max: number, code?: ErrorCode): number {
    const value = this.number(min, max, code)
    return Number.isInteger(value) ? value : this.fail(`is ${value}, expected a whole number`, code)
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('is neither true nor false')
  }

  choice<T extends string>(values: readonly T[], code?: ErrorCode): T {
    const found = values.find((v) => v === this.value)
    return found ?? this.fail(`is ${shown(this.value)}, expected one of ${values.join(', ')}`, code)
  }

  /** An object whose keys are free, within a cap. */
  entries<T>(most: number, read: (value: Fields) => T): Record<string, T> {
    const map = this.#map()
    if (map.size > most) this.fail(`has ${map.size} entries, more than ${most}`, 'E_MODEL_LIMIT')
    const keys = [...map.keys()]
    for (const key of keys) if (!isName(key)) new Fields(key, `${this.at} key`, this.file).name()
    // fromEntries makes `__proto__` a property like any other.
    return Object.fromEntries(keys.map((key) => [key, read(this.field(key))]))
  }

  #map(): Map<string, unknown> {
    return this.value instanceof Map ? (this.value as Map<string, unknown>) : this.fail('is not an object')
  }
}

/** A value for a message. */
function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (value === undefined) return 'missing'
  return typeof value === 'object' && value !== null ? 'a list or an object' : String(value)
}
