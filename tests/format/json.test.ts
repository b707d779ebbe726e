import { describe, expect, test } from 'vitest'
import { parseStrictJson, quoted } from '../../src/host/format/json.js'
import { limits } from '../../src/host/limits.js'

const parse = (text: string, numbers?: 'any' | 'whole') =>
  parseStrictJson(text, (what) => new Error(what), numbers)

/** What JSON.parse gives, with Maps for objects. */
function withMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMaps)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, withMaps(inner)]))
}

test.each([
  '{}',
  '[]',
  '0',
  '-0.5e-3',
  '1E+2',
  'true',
  'null',
  '"\\u0041\\n\\"\\\\"',
  ' {\t"a" :\r\n[ 1 , [ ] , { } , "b" ] } ',
  '{"a":{"a":{"a":[{"a":false}]}},"b":"größe 🙂"}',
  '["\\ud83d\\ude42", "\\\\", "\\\\\\"", "\\u005c"]',
])('agrees with JSON.parse: %s', (text) => {
  expect(parse(text)).toEqual(withMaps(JSON.parse(text)))
})

test('text as JSON.stringify writes it, and the same with a space that makes the other reader read it', () => {
  const value = {
    b: [1, 1.5, -2, 1e-9, 1e300],
    a: { '7': 'x', x: '"\\\u0007é\ud83d\ude42' },
    c: [true, null, [], {}],
  }
  const text = JSON.stringify(value)
  expect(parse(text)).toEqual(parse(` ${text}`))
  expect(parse(`${text}  `)).toEqual(withMaps(value))
  const big = '[1e+21]'
  expect(parse(big)).toEqual([1e21])
  expect(() => parse(big, 'whole')).toThrow(/malformed/)
  // Keys like numbers come in the order of the text, not in the runtime's.
  expect([...(parse('{"b":1,"7":2}') as Map<string, unknown>).keys()]).toEqual(['b', '7'])
})

test.each([
  '',
  ' ',
  '{',
  '}',
  '[1,]',
  '[,1]',
  '[1 2]',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  '{"a" 1}',
  '{1:1}',
  '[1}',
  '01',
  '+1',
  '.5',
  '1.',
  '1e',
  '-',
  '--1',
  '0x10',
  'NaN',
  'Infinity',
  '1e999',
  'tru',
  'trueish',
  'nul',
  '"a',
  '"a\\"',
  '"\n"',
  '"\\x41"',
  '"\\u12"',
  '{} {}',
  '[1]]',
  '\ufeff{}',
  '// no\n{}',
])('refuses %j', (text) => {
  expect(() => parse(text)).toThrow(/malformed/)
})

test('whole numbers only, where no others may stand', () => {
  expect(parse('[0, 12]', 'whole')).toEqual([0, 12])
  for (const text of ['1.0', '1e3', '-1', '-0']) expect(() => parse(text, 'whole')).toThrow(/malformed/)
})

describe('what JSON.parse lets through', () => {
  test('a key that stands twice, also when it is spelt differently', () => {
    expect(() => parse('{"a":1,"b":2,"a":3}')).toThrow('the key "a" stands twice')
    expect(() => parse('{"a":1,"\\u0061":3}')).toThrow('the key "a" stands twice')
    expect(() => parse('[{"b":{"c":1,"c":1}}]')).toThrow('the key "c" stands twice')
    expect(() => parse('{"__proto__":1,"__proto__":2}')).toThrow('stands twice')
    expect(parse('[{"a":1},{"a":2}]')).toEqual([new Map([['a', 1]]), new Map([['a', 2]])])
  })

  test('half a character', () => {
    expect(() => parse('"\\ud800"')).toThrow(/half a character/)
    expect(() => parse('{"\\udc00x":1}')).toThrow(/half a character/)
    expect(() => parse('["\\uD800"]')).toThrow(/half a character/)
  })

  test('__proto__ is a key like any other', () => {
    const map = parse('{"__proto__":{"polluted":true}}') as Map<string, unknown>
    expect([...map.keys()]).toEqual(['__proto__'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('depth', () => {
    expect(() => parse('['.repeat(1e6))).toThrow(/nested too deeply/)
    expect(() => parse('{"a":'.repeat(1e5))).toThrow(/nested too deeply/)
    expect(() => parse(`${'['.repeat(30)}${']'.repeat(30)}`)).not.toThrow()
  })

  test('values without number', () => {
    const text = `[${'[],'.repeat(limits.jsonValues)}[]]`
    expect(() => parse(text)).toThrow(/more than \d+ values/)
  })
})

test('long strings and long runs of backslashes take linear time and no stack', () => {
  const long = JSON.stringify('a"\\'.repeat(5_000_000))
  expect((parse(long) as string).length).toBe(15_000_000)
  expect(() => parse(`"${'\\'.repeat(2_000_001)}"`)).toThrow(/malformed/)
  expect(() => parse('9'.repeat(10_000_000))).toThrow(/malformed/)
})

test('text for messages stays on one line', () => {
  expect(quoted('a\nb\u0007"')).toBe('"a\\nb\\u0007\\""')
  expect(quoted('x'.repeat(1000)).length).toBeLessThan(100)
})
