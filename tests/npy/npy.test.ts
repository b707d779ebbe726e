import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { readNpy } from '../../tools/npy/read.js'
import { writeNpy } from '../../tools/npy/write.js'

interface Saved {
  readonly npy: string
  readonly shape: number[]
  readonly values: (number | string)[]
}
const arrays = JSON.parse(
  readFileSync(new URL('../fixtures/npy/arrays.json', import.meta.url), 'utf8'),
) as Record<string, Saved>

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof OcellusError) return `${error.code}: ${error.message}`
    throw error
  }
}

/** A file of version 1 with this header. */
function file(header: string, data: number, version = [1, 0]): Uint8Array {
  const text = new TextEncoder().encode(header)
  const length = version[0] === 1 ? [text.length & 255, text.length >> 8] : [text.length, 0, 0, 0]
  return Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    ...version,
    ...length,
    ...text,
    ...new Uint8Array(data),
  )
}

const header = (shape: string, descr = '<f4'): string =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`

describe('arrays that numpy wrote', () => {
  it.each(Object.keys(arrays))('%s', (name) => {
    const { npy, shape, values } = arrays[name]
    const read = readNpy(new Uint8Array(Buffer.from(npy, 'base64')), name)
    expect(read.shape).toEqual(shape)
    expect([...read.data].map((value) => (typeof value === 'bigint' ? String(value) : value))).toEqual(values)
  })

  it('are read at an odd address too', () => {
    const bytes = Buffer.from(arrays.f8.npy, 'base64')
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect([...readNpy(shifted.subarray(1), 'f8').data]).toEqual(arrays.f8.values)
  })
})

test.each([
  [new Float32Array([1.5, -2, Number.NaN, 4])],
  [new Int8Array([-128, 0, 1, 127])],
  [new Int32Array([-(2 ** 31), 0, 1, 2 ** 31 - 1])],
])('what is written is read back: %o', (values) => {
  for (const shape of [[4], [2, 2], [1, 1, 2, 2]]) {
    const bytes = writeNpy([values.subarray(0, 1), values.subarray(1)], shape)
    expect(readNpy(bytes, 'written')).toEqual({ shape, data: values })
    // The data is aligned, as numpy does it.
    expect((bytes.length - values.byteLength) % 64).toBe(0)
  }
})

it.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(), 'E_NPY_TRUNCATED'],
  ['a part of the magic', Uint8Array.of(0x93, 0x4e), 'E_NPY_TRUNCATED'],
  ['another file', new TextEncoder().encode('PK\u0003\u0004 and so on'), 'E_NPY_FORMAT'],
  ['version 4', file(header('(1,)'), 4, [4, 0]), 'E_NPY_FORMAT'],
  ['version 0', file(header('(1,)'), 4, [0, 1]), 'E_NPY_FORMAT'],
  ['a header that ends too soon', file(header('(1,)'), 0).subarray(0, 40), 'E_NPY_TRUNCATED'],
  [
    'a header of 4 GiB',
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 255, 255, 255, 255, 0),
    'E_NPY_FORMAT',
  ],
  ['a header without a dictionary', file('hello', 4), 'E_NPY_FORMAT'],
  [
    'a header with code',
    file("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", 4),
    'E_NPY_FORMAT',
  ],
  ['a header without a shape', file("{'descr': '<f4', 'fortran_order': False}", 4), 'E_NPY_FORMAT'],
  [
    'an entry twice',
    file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4),
    'E_NPY_FORMAT',
  ],
  [
    'an unknown entry',
    file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}", 4),
    'E_NPY_FORMAT',
  ],
  [
    'a shape that is a string',
    file("{'descr': '<f4', 'fortran_order': False, 'shape': '(1,)'}", 4),
    'E_NPY_FORMAT',
  ],
  [
    'an order that is none',
    file("{'descr': '<f4', 'fortran_order': (1,), 'shape': (1,)}", 4),
    'E_NPY_FORMAT',
  ],
  ['a negative side', file(header('(-1, 4)'), 4), 'E_NPY_SHAPE'],
  ['a side that is no number', file(header('(4, x)'), 4), 'E_NPY_SHAPE'],
  ['a side of 0', file(header('(4, 0)'), 0), 'E_NPY_SHAPE'],
  ['a shape whose product overflows', file(header('(4294967296, 4294967296, 1)'), 4), 'E_NPY_SHAPE'],
  ['a product that wraps to 4 in 64 bits', file(header('(4611686018427387905, 4)'), 16), 'E_NPY_SHAPE'],
  ['more elements than the cap', file(header('(1073741825,)'), 4), 'E_NPY_SHAPE'],
  ['more elements than there are', file(header('(1000000000,)'), 4), 'E_NPY_TRUNCATED'],
  ['33 dimensions', file(header(`(${'1, '.repeat(33)})`), 4), 'E_NPY_SHAPE'],
  ['data that ends too soon', file(header('(2, 3)'), 23), 'E_NPY_TRUNCATED'],
  ['bytes after the data', file(header('(2, 3)'), 25), 'E_NPY_FORMAT'],
  ['big-endian numbers', file(header('(1,)', '>f4'), 4), 'E_NPY_TYPE'],
  ['objects', file(header('(1,)', '|O'), 8), 'E_NPY_TYPE'],
  ['text', file(header('(1,)', '<U3'), 12), 'E_NPY_TYPE'],
  ['complex numbers', file(header('(1,)', '<c8'), 8), 'E_NPY_TYPE'],
  ['records', file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4), 'E_NPY_TYPE'],
  ['a name of the prototype', file(header('(1,)', '<toString'), 4), 'E_NPY_TYPE'],
])('refuses %s', (_what, bytes, code) => {
  const found = codeOf(() => readNpy(bytes, 'x.npy'))
  expect(found).toMatch(new RegExp(`^${code}: x\\.npy`))
  expect(found).not.toContain('\n')
})

it('says how to convert what it does not read', () => {
  expect(codeOf(() => readNpy(file(header('(1,)', '>f8'), 8), 'x'))).toContain(".astype('<f8')")
  expect(codeOf(() => readNpy(file(header('(1,)', '<c8'), 8), 'x'))).toContain(".astype('float32')")
})

it('never fails otherwise, whatever the bytes', () => {
  const bytes = new Uint8Array(Buffer.from(arrays.f4.npy, 'base64'))
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  for (let round = 0; round < 3000; round++) {
    const mutated = bytes.slice(0, random(4) === 0 ? random(bytes.length) : bytes.length)
    for (let n = 0; n <= random(4); n++) mutated[random(Math.min(mutated.length, 130))] = random(256)
    const found = codeOf(() => readNpy(mutated, 'x'))
    expect(found).toMatch(/^(none$|E_NPY_[^\n]*$)/)
  }
})
