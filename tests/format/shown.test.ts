import { describe, expect, it } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { shown } from '../../src/host/shown.js'

describe('shown', () => {
  it.each([
    ['an escape sequence', 'e\x1b[2Jvil.jpg', 'e\\x1b[2Jvil.jpg'],
    ['new lines', 'no\nE_FAKE: forged\r', 'no\\nE_FAKE: forged\\r'],
    ['a C1 control sequence', 'a\x9b31mb', 'a\\x9b31mb'],
    ['DEL and NUL', 'a\x7fb\0', 'a\\x7fb\\x00'],
    ['marks of direction', 'a\u202egpj.exe\u2066', 'a\\u202egpj.exe\\u2066'],
    ['line separators', 'a\u2028b\u2029c\u0085', 'a\\u2028b\\u2029c\\x85'],
    ['half a character', 'a\ud800b', 'a\\ud800b'],
    ['invisible tags', 'a\u{e0041}', 'a\\u{e0041}'],
    ['letters of any script, and emoji', 'Käse 猫 👩‍🚀', 'Käse 猫 👩‍🚀'],
  ])('%s', (_what, text, expected) => expect(shown(text)).toBe(expected))

  it('cuts the middle out of what is long, and never a character in half', () => {
    const text = shown(`start${'👩'.repeat(500)}end`)
    expect(text.length).toBeLessThanOrEqual(160)
    expect(text).toMatch(/^start.*….*end$/u)
    expect(/\p{Surrogate}/u.test(text)).toBe(false)
    expect(shown('x'.repeat(160))).toBe('x'.repeat(160))
    expect(shown('\x1b'.repeat(100)).length).toBeLessThanOrEqual(160)
  })

  it('costs no more for a huge text', () => {
    expect(shown('\x1b'.repeat(1 << 28)).length).toBeLessThanOrEqual(160)
  })
})

it('the message of an error is one line and has an end', () => {
  const { message } = new OcellusError('E_USAGE', `a\nb ${'x'.repeat(1 << 20)} what to do`)
  expect(message).toMatch(/^a\\nb x+….*what to do$/u)
  expect(message.length).toBeLessThanOrEqual(1200)
})
