/**
 * What a terminal, a log or a drawing obeys instead of showing: C0, DEL and C1 controls (escape
 * sequences, new lines), line separators, halves of surrogate pairs, and format characters, among
 * them the marks that change the direction of writing. The two joiners stay, because emoji and
 * several scripts are written with them.
 */
const obeyed = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?!\u200c|\u200d)\p{Cf}/gu

/**
 * Text of several lines for a terminal: new lines stay, whatever else would be obeyed is escaped.
 */
export const shownLines = (text: string): string =>
  text.replace(obeyed, (c) => (c === '\n' ? c : escapeOf(c)))

/** JSON for a terminal: the same values, but nothing in it is obeyed. */
export const shownJson = (json: string): string =>
  json.replace(obeyed, (c) =>
    c === '\n' ? c : [...Array(c.length).keys()].map((i) => unit(c.charCodeAt(i))).join(''),
  )

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`

/** Characters that one piece of foreign text may take in a line. */
const longest = 160

/**
 * Text from outside (a label, a file name, a tensor's name, another program's message) for one line
 * of a message, a table, a plot or a drawing. What would be obeyed is escaped as in JSON, and long
 * text loses its middle.
 */
export function shown(text: string, most = longest): string {
  // The cut comes first, so that a huge text costs no more than a short one.
  const short = text.length > 2 * most ? `${text.slice(0, most)}${text.slice(-most)}` : text
  const escaped = short.replace(obeyed, escapeOf)
  if (escaped.length <= most && short === text) return escaped
  const head = Math.ceil((most - 1) * (2 / 3))
  return `${whole(escaped.slice(0, head))}…${whole(escaped.slice(escaped.length - (most - 1 - head)))}`
}

function escapeOf(character: string): string {
  const known = ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' } as Readonly<Record<string, string>>)[character]
  if (known !== undefined) return known
  const code = character.codePointAt(0)!
  if (code > 0xffff) return `\\u{${code.toString(16)}}`
  return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`
}

/** Without the half of a character that a cut may have left at either end. */
const whole = (text: string): string => text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')

/**
 * A value that a caller gave, for a message: what it is where it is long or no text can be made of
 * it.
 */
export function told(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return shown(typeof value === 'string' ? JSON.stringify(value) : String(value))
}
