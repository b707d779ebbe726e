import { OcellusError } from './errors.js'

/**
 * The names of options. Write `const names = { a: true, b: true } satisfies OptionNames<Options>`:
 * the compiler then keeps the list equal to the type.
 */
export type OptionNames<T> = Readonly<Record<keyof T, true>>

/**
 * Refuses options that a function does not know: a misspelt one would silently do nothing. `where`
 * names the function in the message. Throws E_OPTION, with the names that were perhaps meant.
 */
export function checkOptions(options: unknown, names: Readonly<Record<string, true>>, where: string): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OcellusError('E_OPTION', `${where} takes its options as an object, as in { name: value }`)
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue
    const meant = similarNames(name, Object.keys(names))
    const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `it has ${list(names)}`
    throw new OcellusError('E_OPTION', `${where} has no option ${JSON.stringify(name)}: ${hint}`)
  }
}

const list = (names: Readonly<Record<string, true>>): string => Object.keys(names).sort().join(', ')

/** Refuses a value that is none of an option's choices. Throws E_OPTION with the choices. */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  throw new OcellusError('E_OPTION', `${name} is ${JSON.stringify(value)}: give ${choices.join(' or ')}`)
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
