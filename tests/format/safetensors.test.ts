import { describe, expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/host/format/safetensors.js'
import { limits } from '../../src/host/limits.js'
import { codeOf } from '../helpers/code-of.js'
import { ofAllKinds } from '../helpers/variants.js'
import { rawFile } from './tiny.js'

const verdict = (file: Uint8Array): string =>
  ofAllKinds(file, (bytes) => codeOf(() => readSafetensors(bytes, 'm.safetensors'), /^m\.safetensors: /))

const entry = (shape: number[], begin: number, end: number, dtype = 'I8') =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`

/**
 * Written by safetensors 0.8.0: safetensors.numpy.save({weight, bias, scale, empty, scalar},
 * {'note': 'größe'}).
 */
const byTheReference = Uint8Array.from(
  Buffer.from(
    '48010000000000007b225f5f6d657461646174615f5f223a7b226e6f7465223a226772c3b6c39f65227d2c22656d707479223a7b' +
      '226474797065223a22463332222c227368617065223a5b302c335d2c22646174615f6f666673657473223a5b302c305d7d2c2273' +
      '63616c6172223a7b226474797065223a22463332222c227368617065223a5b5d2c22646174615f6f666673657473223a5b302c34' +
      '5d7d2c227363616c65223a7b226474797065223a22463332222c227368617065223a5b325d2c22646174615f6f66667365747322' +
      '3a5b342c31325d7d2c2262696173223a7b226474797065223a22493332222c227368617065223a5b325d2c22646174615f6f6666' +
      '73657473223a5b31322c32305d7d2c22776569676874223a7b226474797065223a224938222c227368617065223a5b322c325d2c' +
      '22646174615f6f666673657473223a5b32302c32345d7d7d0000e0400000003f0000803e05000000faffffff01fe0381',
    'hex',
  ),
)

test('reads what the reference implementation writes', () => {
  const { metadata, tensors } = ofAllKinds(byTheReference, (bytes) => readSafetensors(bytes, 'm'))
  expect([...metadata]).toEqual([['note', 'größe']])
  expect([...tensors.keys()]).toEqual(['empty', 'scalar', 'scale', 'bias', 'weight'])
  expect(tensors.get('empty')).toMatchObject({ dtype: 'F32', shape: [0, 3] })
  expect(tensors.get('scalar')).toMatchObject({ dtype: 'F32', shape: [] })
  expect([...new Int8Array(tensors.get('weight')!.data)]).toEqual([1, -2, 3, -127])
  expect([...tensors.get('bias')!.data]).toEqual([5, 0, 0, 0, 0xfa, 0xff, 0xff, 0xff])
})

describe('the writer', () => {
  const tensor = (dtype: StoredTensor['dtype'], shape: number[], fill: number): StoredTensor => ({
    dtype,
    shape,
    data: new Uint8Array(shape.reduce((a, b) => a * b, dtype === 'I8' ? 1 : 4)).fill(fill),
  })
  const tensors = new Map([
    ['z', tensor('I8', [3], 1)],
    ['a', tensor('I8', [5], 2)],
    ['__proto__', tensor('F32', [2, 2], 3)],
    ['10', tensor('I32', [1], 4)],
    ['größe "\n', tensor('F32', [1], 5)],
  ])
  const file = writeSafetensors({ metadata: new Map([['k', 'v']]), tensors })

  test('round trip', () => {
    const read = readSafetensors(file, 'm')
    expect(read.metadata).toEqual(new Map([['k', 'v']]))
    expect(read.tensors).toEqual(tensors)
  })

  test('the layout that the specification asks for', () => {
    const length = Number(new DataView(file.buffer).getBigUint64(0, true))
    const header = new TextDecoder().decode(file.subarray(8, 8 + length))
    expect((8 + length) % 64).toBe(0)
    expect(header).toMatch(/^\{.*\} *$/s)
    const entries = Object.entries(JSON.parse(header) as Record<string, { data_offsets: [number, number] }>)
      .filter(([name]) => name !== '__metadata__')
      .map(([, { data_offsets }]) => data_offsets)
      .sort(([a], [b]) => a - b)
    expect(entries.map(([begin]) => begin)).toEqual([0, ...entries.slice(0, -1).map(([, end]) => end)])
    expect(8 + length + entries[entries.length - 1][1]).toBe(file.length)
  })

  test('every tensor is aligned to its elements', () => {
    for (const { dtype, data } of readSafetensors(file, 'm').tensors.values()) {
      expect(data.byteOffset % (dtype === 'I8' ? 1 : 4)).toBe(0)
    }
  })

  test('the same bytes in whatever order the tensors come', () => {
    const reversed = new Map([...tensors].reverse())
    expect(writeSafetensors({ metadata: new Map([['k', 'v']]), tensors: reversed })).toEqual(file)
  })

  test('no tensor that could not be read back', () => {
    const write = (name: string, stored: StoredTensor) => () =>
      writeSafetensors({ metadata: new Map(), tensors: new Map([[name, stored]]) })
    expect(write('__metadata__', tensor('I8', [1], 0))).toThrow(OcellusError)
    expect(write('a', { ...tensor('I8', [2], 0), shape: [3] })).toThrow(OcellusError)
  })

  test('an empty file of tensors', () => {
    const none = writeSafetensors({ metadata: new Map(), tensors: new Map() })
    expect(readSafetensors(none, 'm').tensors.size).toBe(0)
  })
})

describe('refuses', () => {
  const good = `{"a":${entry([4], 0, 4)},"b":${entry([2], 4, 6)}}`

  test('nothing that is right', () => {
    expect(verdict(rawFile(good, 6))).toBe('none')
    expect(verdict(rawFile(`${good}    `, 6))).toBe('none')
    expect(verdict(rawFile(`{"a":${entry([0, 5], 0, 0)},"b":${entry([], 0, 1)}}`, 1))).toBe('none')
  })

  test('truncation at every byte', () => {
    const file = rawFile(good, 6)
    for (let n = 0; n < file.length; n++) {
      const expected = n === 0 ? 'E_MODEL_EMPTY' : 'E_MODEL_TRUNCATED'
      expect(verdict(file.subarray(0, n)), `${n} bytes`).toBe(expected)
    }
  })

  test('lies about the length of the header', () => {
    const lying = (length: bigint) => {
      const file = rawFile(good, 6)
      new DataView(file.buffer).setBigUint64(0, length, true)
      return verdict(file)
    }
    expect(lying(0n)).toBe('E_MODEL_HEADER')
    expect(lying(1n)).toBe('E_MODEL_HEADER')
    expect(lying(BigInt(good.length - 1))).toBe('E_MODEL_HEADER')
    expect(lying(BigInt(good.length + 1))).toBe('E_MODEL_HEADER')
    expect(lying(BigInt(limits.headerBytes))).toBe('E_MODEL_TRUNCATED')
    expect(lying(BigInt(limits.headerBytes) + 1n)).toBe('E_MODEL_HEADER')
    for (const wrap of [2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 8n, 2n ** 64n - 1n]) {
      expect(lying(wrap)).toBe('E_MODEL_HEADER')
      expect(lying((wrap + BigInt(good.length)) % 2n ** 64n)).not.toBe('none')
    }
  })

  test.each([
    ['an array', '[]'],
    ['a space before the brace', ` ${good}`],
    ['a byte order mark', `\ufeff${good}`],
    ['something after the object', `${good}x`],
    ['a second object', `${good}{}`],
    ['a zero byte as padding', `${good}\0`],
    ['a key that stands twice', `{"a":${entry([4], 0, 4)},"a":${entry([2], 4, 6)}}`],
    ['a field that stands twice', '{"a":{"dtype":"I8","dtype":"I8","shape":[6],"data_offsets":[0,6]}}'],
    ['an unknown field', '{"a":{"dtype":"I8","shape":[6],"data_offsets":[0,6],"x":1}}'],
    ['a missing field', '{"a":{"dtype":"I8","shape":[6]}}'],
    ['an entry that is no object', '{"a":[0,6]}'],
    ['metadata that is no object', `{"__metadata__":"x","a":${entry([6], 0, 6)}}`],
    ['metadata that is no text', `{"__metadata__":{"x":1},"a":${entry([6], 0, 6)}}`],
    ['metadata twice', `{"__metadata__":{},"__metadata__":{},"a":${entry([6], 0, 6)}}`],
    ['an unknown type', `{"a":${entry([6], 0, 6, 'Q4')}}`],
    ['a type of the prototype', `{"a":${entry([6], 0, 6, 'constructor')}}`],
    ['a type that is no text', '{"a":{"dtype":8,"shape":[6],"data_offsets":[0,6]}}'],
    ['a negative dimension', `{"a":${entry([-6], 0, 6)}}`],
    ['a fraction of a dimension', `{"a":${entry([1.5, 4], 0, 6)}}`],
    ['a dimension with a decimal point', '{"a":{"dtype":"I8","shape":[6.0],"data_offsets":[0,6]}}'],
    ['a dimension that is no number', '{"a":{"dtype":"I8","shape":["6"],"data_offsets":[0,6]}}'],
    ['a dimension beyond 2^53', '{"a":{"dtype":"I8","shape":[9007199254740993],"data_offsets":[0,6]}}'],
    ['too many dimensions', `{"a":${entry([1, 1, 1, 1, 1, 1, 1, 1, 6], 0, 6)}}`],
    ['a product that wraps at 2^32', `{"a":${entry([65536, 65536], 0, 0)}}`],
    ['a product that wraps at 2^64', `{"a":${entry([2 ** 32, 2 ** 32], 0, 0)}}`],
    ['a product hidden by a zero', `{"a":${entry([2 ** 40, 2 ** 40, 0], 0, 0)}}`],
    ['bytes that are not the shape', `{"a":${entry([5], 0, 6)}}`],
    ['offsets in the wrong order', `{"a":${entry([6], 6, 0)}}`],
    ['three offsets', '{"a":{"dtype":"I8","shape":[6],"data_offsets":[0,3,6]}}'],
    ['half a character', '{"\\ud800":{"dtype":"I8","shape":[6],"data_offsets":[0,6]}}'],
  ])('%s', (_, header) => {
    expect(verdict(rawFile(header, 6))).toBe('E_MODEL_HEADER')
  })

  test('a header that is not UTF-8', () => {
    const text = new TextEncoder().encode(good)
    text[2] = 0xff
    expect(verdict(rawFile(text, 6))).toBe('E_MODEL_HEADER')
    // An overlong encoding of a slash.
    const overlong = Uint8Array.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, ...new TextEncoder().encode('{}}')])
    expect(verdict(rawFile(overlong, 6))).toBe('E_MODEL_HEADER')
  })

  test.each([
    ['a hole at the start', `{"a":${entry([5], 1, 6)}}`],
    ['a hole between', `{"a":${entry([2], 0, 2)},"b":${entry([3], 3, 6)}}`],
    ['an overlap', `{"a":${entry([4], 0, 4)},"b":${entry([3], 3, 6)}}`],
    ['the same place twice', `{"a":${entry([6], 0, 6)},"b":${entry([6], 0, 6)}}`],
    ['bytes after the last tensor', `{"a":${entry([5], 0, 5)}}`],
    ['bytes without a tensor', '{}'],
  ])('%s', (_, header) => {
    expect(verdict(rawFile(header, 6))).toBe('E_MODEL_LAYOUT')
  })

  test.each([
    ['a tensor past the end', `{"a":${entry([7], 0, 7)}}`],
    ['a tensor far past the end', `{"a":${entry([2 ** 30], 0, 2 ** 30)}}`],
  ])('%s', (_, header) => {
    expect(verdict(rawFile(header, 6))).toBe('E_MODEL_TRUNCATED')
  })

  test('more tensors than the cap', () => {
    const names = Array.from({ length: limits.tensors + 1 }, (_, i) => `"${i}":${entry([0], 0, 0)}`)
    expect(verdict(rawFile(`{${names}}`))).toBe('E_MODEL_LIMIT')
  })
})

test('a view into a larger buffer, at an odd offset', () => {
  const shifted = new Uint8Array(byTheReference.length + 7)
  shifted.set(byTheReference, 3)
  const read = readSafetensors(shifted.subarray(3, 3 + byTheReference.length), 'm')
  expect(read.tensors).toEqual(readSafetensors(byTheReference, 'm').tensors)
})
