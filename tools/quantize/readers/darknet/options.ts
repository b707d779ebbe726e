import { type ErrorCode, OcellusError } from '../../../../src/host/errors.js'
import { type Entry, quote, type Section } from './cfg.js'

/** The most numbers that a list such as `layers=` or `anchors=` may hold. */
const longestList = 1024

interface Range {
  readonly min: number
  readonly max: number
}

/** Reads a section's values strictly, and remembers which keys have been read. */
export class Options {
  readonly #known = new Set<string>()

  constructor(
    readonly file: string,
    readonly section: Section,
  ) {}

  has(key: string): boolean {
    return this.section.entries.has(key)
  }

  integer(key: string, otherwise: number | undefined, range: Range): number {
    const entry = this.#entry(key, otherwise === undefined)
    if (entry === undefined) return otherwise as number
    return this.#within(key, this.#toInteger(key, entry.value), range)
  }

  number(key: string, otherwise: number | undefined, range: Range): number {
    const entry = this.#entry(key, otherwise === undefined)
    if (entry === undefined) return otherwise as number
    return this.#within(key, this.#toNumber(key, entry.value), range)
  }

  word(key: string, otherwise: string, choices: readonly string[]): string {
    const value = this.#entry(key, false)?.value ?? otherwise
    if (!choices.includes(value)) {
      throw this.error('E_CFG_VALUE', `${key}=${quote(value)} is not one of ${choices.join(', ')}`, key)
    }
    return value
  }

  /** A comma-separated list of integers; undefined where the key is absent. */
  integers(key: string): readonly number[] | undefined {
    return this.#list(key)?.map((item) => this.#toInteger(key, item))
  }

  /**
   * A comma-separated list of numbers; undefined where the key is absent. A comma at its end stands
   * for nothing: darknet reads as many numbers as it needs.
   */
  numbers(key: string): readonly number[] | undefined {
    const items = this.#list(key)
    if (items !== undefined && items.length > 1 && items[items.length - 1] === '') items.pop()
    return items?.map((item) => this.#toNumber(key, item))
  }

  /** A setting that Ocellus can only run when it is off. */
  refuse(key: string, off: number, why: string): void {
    const entry = this.#entry(key, false)
    if (entry !== undefined && this.#toNumber(key, entry.value) !== off) {
      throw this.error('E_CFG_KEY', `${key}=${entry.value} is not supported: ${why}`, key)
    }
  }

  /** A setting that Ocellus can't run at any value. */
  unsupported(key: string, why: string): void {
    if (this.#entry(key, false) !== undefined)
      throw this.error('E_CFG_KEY', `${key}= is not supported: ${why}`, key)
  }

  /** Keys that don't change the result; whatever they say is fine. */
  ignore(keys: readonly string[]): void {
    for (const key of keys) this.#known.add(key)
  }

  /** Refuses the first key that nobody asked for. */
  finish(): void {
    for (const [key, { line }] of this.section.entries) {
      if (this.#known.has(key)) continue
      throw new OcellusError(
        'E_CFG_KEY',
        `${this.file} line ${line}: ${quote(key)} is not a key of [${this.section.type}] that Ocellus knows; correct it, or remove it if it only matters for training`,
      )
    }
  }

  /** An error that names the line of `key`, or of the section's head. */
  error(code: ErrorCode, what: string, key?: string): OcellusError {
    const line = (key === undefined ? undefined : this.section.entries.get(key)?.line) ?? this.section.line
    return new OcellusError(code, `${this.file} line ${line}: [${this.section.type}] ${what}`)
  }

  #entry(key: string, required: boolean): Entry | undefined {
    this.#known.add(key)
    const entry = this.section.entries.get(key)
    if (entry === undefined && required) throw this.error('E_CFG_KEY', `needs ${key}=`)
    if (entry?.conflict !== undefined) {
      const { line, value } = entry.conflict
      throw this.error(
        'E_CFG_KEY',
        `${key}=${quote(entry.value)} is ${quote(value)} on line ${line}: keep one`,
        key,
      )
    }
    return entry
  }

  #list(key: string): string[] | undefined {
    const entry = this.#entry(key, false)
    if (entry === undefined) return undefined
    const items = entry.value.split(',').map((item) => item.trim())
    if (items.length > longestList) {
      throw this.error('E_CFG_VALUE', `${key} lists ${items.length} values, more than ${longestList}`, key)
    }
    return items
  }

  #toInteger(key: string, text: string): number {
    if (!/^[+-]?\d{1,9}$/.test(text)) {
      throw this.error('E_CFG_VALUE', `${key}: ${quote(text)} is not a whole number`, key)
    }
    return Number(text)
  }

  #toNumber(key: string, text: string): number {
    if (text.length > 40 || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text)) {
      throw this.error('E_CFG_VALUE', `${key}: ${quote(text)} is not a number`, key)
    }
    return Number(text)
  }

  #within(key: string, value: number, { min, max }: Range): number {
    if (!(value >= min && value <= max)) {
      throw this.error('E_CFG_VALUE', `${key}=${value} is out of range, ${min} to ${max}`, key)
    }
    return value
  }
}
