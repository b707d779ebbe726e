import { platform } from './platform.js'

const given = new Set<string>()

/** Gives a warning once: it is about where the program runs, not about what it does. */
export function warnOnce(text: string): void {
  if (given.has(text)) return
  given.add(text)
  platform().warn?.(`ocellus: ${text}`)
}
