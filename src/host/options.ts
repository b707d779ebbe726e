import { OcellusError } from './errors.js'
import { told } from './shown.js'

/**
 * What an option's value must be; `true` where that is checked elsewhere. The rest of its check,
 * such as a range, is its function's own.
 */
export type OptionKind = true | keyof typeof kinds

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const kinds = {
  number: { what: 'a number', is: (value: unknown) => typeof value === 'number' },
  boolean: { what: 'true or false', is: (value: unknown) => typeof value === 'boolean' },
  string: { what: 'a text', is: (value: unknown) => typeof value === 'string' },
  strings: {
    what: 'a list of texts',
    is: (value: unknown) => isList(value) && value.every((each) => typeof each === 'string'),
  },
  list: { what: 'a list', is: isList },
  object: { what: 'an object', is: (value: unknown) => typeof value === 'object' && value !== null },
} as const

/**
 * The names of options, and what their values must be. Write `const names = { a: 'number', b: true }
 * satisfies OptionNames<Options>`: the compiler then keeps the list equal to the type.
 */
export type OptionNames<T> = Readonly<Record<keyof T, OptionKind>>

/**
 * Refuses options that a function does not know, because a misspelt one would silently do nothing,
 * and values of another kind. `where` names the function in the message. Throws E_OPTION, with the
 * names that were perhaps meant.
 */
export function checkOptions(
  options: unknown,
  names: Readonly<Record<string, OptionKind>>,
  where: string,
): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OcellusError('E_OPTION', `${where} takes its options as an object, as in { name: value }`)
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(names, name)) {
      const meant = similarNames(name, Object.keys(names))
      const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `it has ${list(names)}`
      throw new OcellusError('E_OPTION', `${where} has no option ${JSON.stringify(name)}: ${hint}`)
    }
    const kind = names[name]
    if (value === undefined || kind === true || kinds[kind].is(value)) continue
    throw new OcellusError('E_OPTION', `${name} is ${told(value)}: give ${kinds[kind].what}`)
  }
}

const list = (names: Readonly<Record<string, OptionKind>>): string => Object.keys(names).sort().join(', ')

/** Refuses a value that is none of an option's choices. Throws E_OPTION with the choices. */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  throw new OcellusError('E_OPTION', `${name} is ${told(value)}: give ${choices.join(' or ')}`)
}

/**
 * Known names that are much like one: two letters in five differ at most, or one is a part of the
 * other.
 */
export function similarNames(name: string, known: readonly string[]): string[] {
  const wanted = name.toLowerCase()
  const near = known.map((other) => {
    const candidate = other.toLowerCase()
    const isPart = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate))
    const edits = editDistance(wanted, candidate)
    return { other, distance: isPart ? Math.min(1, edits) : edits }
  })
  const least = Math.min(...near.map(({ distance }) => distance))
  if (least > Math.max(1, Math.floor(name.length * 0.4))) return []
  return near.filter(({ distance }) => distance === least).map(({ other }) => other)
}

/** Letters to insert, remove or replace (Levenshtein, 1965). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1))
    }
    row = next
  }
  return row[b.length]
}
