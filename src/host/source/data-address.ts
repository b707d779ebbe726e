import { type ErrorCode, OcellusError } from '../errors.js'

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** The value of each base64 digit by its code, the web's two among them. */
const values = new Int8Array(128).fill(-1)
for (let i = 0; i < digits.length; i++) values[digits.charCodeAt(i)] = i
values['-'.charCodeAt(0)] = 62
values['_'.charCodeAt(0)] = 63

/**
 * The bytes of a `data:` address (RFC 2397), base64 or percent-encoded. Throws E_INPUT_TYPE, and
 * `tooLarge`.
 */
export function dataAddressBytes(address: string, cap: number, tooLarge: ErrorCode): Uint8Array {
  const comma = address.indexOf(',')
  if (comma < 0) throw malformed('it has no comma')
  const isBase64 = /;\s*base64\s*$/i.test(address.slice(Math.max(0, comma - 64), comma))
  const least = isBase64 ? ((address.length - comma - 1) * 3) / 4 - 3 : (address.length - comma - 1) / 3
  if (least > cap) throw new OcellusError(tooLarge, `the data: address holds more than ${cap} bytes`)
  const data = percentDecoded(address, comma + 1)
  return isBase64 ? base64Decoded(data) : data
}

function percentDecoded(text: string, from: number): Uint8Array {
  const bytes = new Uint8Array(text.length - from)
  let length = 0
  for (let at = from; at < text.length; at++) {
    let code = text.charCodeAt(at)
    if (code === 0x25) {
      const hex = text.slice(at + 1, at + 3)
      if (!/^[0-9a-f]{2}$/i.test(hex)) throw malformed('a % without two hexadecimal digits follows')
      code = Number.parseInt(hex, 16)
      at += 2
    } else if (code > 0x7f) throw malformed('it holds a character that is not ASCII')
    bytes[length++] = code
  }
  return bytes.subarray(0, length)
}

/** Spaces and line ends are skipped, padding may be missing. */
function base64Decoded(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let length = 0
  let bits = 0
  let count = 0
  let padded = false
  for (const code of text) {
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) continue
    if (code === 0x3d) {
      padded = true
      continue
    }
    const value = code < 128 && !padded ? values[code] : -1
    if (value < 0) throw malformed('its base64 is damaged')
    bits = (bits << 6) | value
    count += 6
    if (count < 8) continue
    count -= 8
    bytes[length++] = (bits >> count) & 255
    bits &= (1 << count) - 1
  }
  if (count === 6) throw malformed('its base64 ends early')
  return bytes.subarray(0, length)
}

const malformed = (what: string): OcellusError =>
  new OcellusError('E_INPUT_TYPE', `the data: address can't be read: ${what}`)
