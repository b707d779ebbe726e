import type { Notes } from '../../engine/platform.js'

const keyOf = (topic: string): string => `ocellus ${topic}`

/**
 * What was found out about this browser. Storage may be refused, full or emptied: then it is found
 * out again.
 */
export const notes: Notes = {
  async read(topic) {
    try {
      const { browser, values } = JSON.parse(localStorage.getItem(keyOf(topic)) ?? '{}')
      if (browser !== navigator.userAgent || typeof values !== 'object' || values === null) return undefined
      return new Map(
        Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    } catch {
      return undefined
    }
  },
  async write(topic, values) {
    try {
      const text = JSON.stringify({ browser: navigator.userAgent, values: Object.fromEntries(values) })
      localStorage.setItem(keyOf(topic), text)
    } catch {
      // As above.
    }
  },
}
