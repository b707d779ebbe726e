import { describe, expect, it } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/host/format/utf8.js'
import { Random } from '../helpers/kernel.js'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What the runtime's own decoder makes of bytes. */
function expected(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

const texts = {
  nothing: '',
  'one byte each': 'a\0\x7f',
  'the ends of every length': '\0\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}',
  'a byte order mark': '\ufeffa\ufeff',
  'more than a piece of ASCII': 'abc{}"'.repeat(3000),
  'more than a piece of pairs': '\u{1f408}é'.repeat(5000),
  'one far behind ASCII': `${'x'.repeat(10_000)}ü`,
}

describe('UTF-8', () => {
  it.each(Object.entries(texts))('of %s is written and read as the runtime does it', (_what, text) => {
    const bytes = encodeUtf8(text)
    expect(bytes).toEqual(new TextEncoder().encode(text))
    expect(decodeUtf8(bytes)).toBe(text)
  })

  it.each(['\ud800', 'a\udfffb', '\udc00\ud800', '\ud83d'])('of half a pair is U+FFFD', (text) => {
    expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text))
  })

  it.each([
    ['a following byte alone', [0x80]],
    ['a lead alone', [0xc3]],
    ['a lead before a letter', [0xc3, 0x41]],
    ['two bytes for one', [0xc1, 0xbf]],
    ['three bytes for two', [0xe0, 0x9f, 0xbf]],
    ['four bytes for three', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['half of a pair', [0xed, 0xa0, 0x80]],
    ['beyond the last', [0xf4, 0x90, 0x80, 0x80]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['no lead', [0xff]],
    ['cut short', [0x61, 0xf0, 0x9f, 0x90]],
  ])('is refused: %s', (_what, list) => {
    const bytes = Uint8Array.from(list)
    expect(expected(bytes)).toBeUndefined()
    expect(decodeUtf8(bytes)).toBeUndefined()
  })

  it('of every two bytes, and of chance bytes and damaged text, is what the runtime makes of it', () => {
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) {
        const bytes = Uint8Array.of(a, b)
        if (decodeUtf8(bytes) !== expected(bytes)) expect.fail(`differs for ${a}, ${b}`)
      }
    }
    const random = new Random(3)
    const text = encodeUtf8('aé€\u{1f408}\u07ff\ud7ff\u{10ffff} plain')
    for (let n = 0; n < 20_000; n++) {
      const bytes = n % 2 === 0 ? text.slice() : new Uint8Array(6)
      const changes = n % 2 === 0 ? 1 + (random.bits() >>> 31) : 6
      for (let c = 0; c < changes; c++) {
        const at = n % 2 === 0 ? (random.bits() >>> 8) % bytes.length : c
        // Leads and what follows them, more often than letters.
        bytes[at] = (random.bits() >>> 24) | (n % 3 === 0 ? 0 : 0x80)
      }
      if (decodeUtf8(bytes) !== expected(bytes)) expect.fail(`differs for ${bytes}`)
    }
  })

  it('is read in a view of a larger buffer', () => {
    const whole = encodeUtf8('xxé€yy')
    expect(decodeUtf8(whole.subarray(2, 7))).toBe('é€')
  })
})
