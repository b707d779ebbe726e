import { OcellusError } from '../src/host/errors.js'

/** Reads one of certain words. */
export function parseChoice<T extends string>(values: readonly T[]): (word: string) => T {
  return (word) => {
    const value = values.find((v) => v === word)
    if (value === undefined) throw new OcellusError('E_OPTION', `${word}: give one of ${values.join(', ')}`)
    return value
  }
}
