/** So many bytes become text at a time: a call takes only so many arguments. */
const pieceBytes = 4096
const ascii = /^[\0-\x7f]*$/

/**
 * The text of UTF-8 (RFC 3629), or undefined where bytes are none: cut short, longer than needed,
 * half of a pair (U+D800 to U+DFFF) or beyond U+10FFFF. A byte order mark stays, as any other
 * character. Not every engine of JavaScript has a TextDecoder.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = ''
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    text += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + pieceBytes))
  }
  return ascii.test(text) ? text : decodeAny(bytes)
}

/** Code points from which on one needs two, three and four bytes. */
const leastOf = [0, 0, 0x80, 0x800, 0x10000]

function decodeAny(bytes: Uint8Array): string | undefined {
  let text = ''
  let units: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at++]
    const length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0
    if (length === 0 || at + length - 1 > bytes.length) return undefined
    let point = length === 1 ? lead : lead & (0x7f >> length)
    for (let n = 1; n < length; n++) {
      const next = bytes[at++]
      if ((next & 0xc0) !== 0x80) return undefined
      point = (point << 6) | (next & 0x3f)
    }
    if (point < leastOf[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
    if (point < 0x10000) units.push(point)
    else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff))
    if (units.length < pieceBytes) continue
    text += String.fromCharCode.apply(null, units)
    units = []
  }
  return text + String.fromCharCode.apply(null, units)
}

/** The UTF-8 of text. Half a pair becomes U+FFFD, as TextEncoder has it. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3)
  let length = 0
  for (const character of text) {
    const found = character.codePointAt(0)!
    const point = found >= 0xd800 && found <= 0xdfff ? 0xfffd : found
    if (point < 0x80) {
      bytes[length++] = point
      continue
    }
    const following = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
    bytes[length++] = ((0xff00 >> (following + 1)) & 0xff) | (point >> (6 * following))
    for (let n = following - 1; n >= 0; n--) bytes[length++] = 0x80 | ((point >> (6 * n)) & 0x3f)
  }
  return bytes.slice(0, length)
}
