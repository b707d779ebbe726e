/** Nesting beyond this is an attack, not a model. */
const maxDepth = 32

/**
 * JSON (RFC 8259) for files that can't be trusted: an object becomes a Map, so that `__proto__` is a key like
 * any other, and a key that stands twice is an error, as readers would disagree on which one counts.
 * JSON.parse checks the grammar first; this pass then only has to walk it.
 */
export function parseStrictJson(text: string, error: (what: string) => Error): unknown {
  try {
    JSON.parse(text)
  } catch {
    throw error('the JSON is malformed')
  }
  let at = 0
  const space = /[ \t\n\r]*/y
  const skip = (): void => {
    space.lastIndex = at
    space.exec(text)
    at = space.lastIndex
  }
  const scalar = /"(?:[^"\\]|\\.)*"|[^,\]}\s]+/y
  const readScalar = (): unknown => {
    scalar.lastIndex = at
    const [token] = scalar.exec(text) as RegExpExecArray
    at = scalar.lastIndex
    return JSON.parse(token)
  }
  const read = (depth: number): unknown => {
    if (depth > maxDepth) throw error('the JSON is nested too deeply')
    skip()
    const open = text[at]
    if (open !== '{' && open !== '[') return readScalar()
    const close = open === '{' ? '}' : ']'
    const map = new Map<string, unknown>()
    const list: unknown[] = []
    at++
    skip()
    while (text[at] !== close) {
      if (open === '{') {
        const key = readScalar() as string
        if (map.has(key)) throw error(`the key ${JSON.stringify(key)} stands twice`)
        skip()
        at++ // the colon
        map.set(key, read(depth + 1))
      } else list.push(read(depth + 1))
      skip()
      if (text[at] === ',') {
        at++
        skip()
      }
    }
    at++
    return open === '{' ? map : list
  }
  return read(0)
}
