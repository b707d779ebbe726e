const given = new Set<string>()

/** A warning is given once: it is about where the program runs, not about what it does. */
export function warnOnce(text: string): void {
  if (given.has(text)) return
  given.add(text)
  console.warn(`ocellus: ${text}`)
}
