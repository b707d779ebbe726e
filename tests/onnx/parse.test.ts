import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseOnnx } from '../../tools/onnx/file.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { looksLikeOnnx } from '../../tools/onnx/sniff.js'
import { codeOf } from '../helpers/code-of.js'
import {
  bytes,
  file,
  floats,
  graph,
  input,
  integer,
  integers,
  message,
  nested,
  node,
  output,
} from './build.js'

const relu = () =>
  file(13, input('x', [1, 2]), node('Relu', ['x'], ['y'], { name: 'first' }), output('y', [1, 2]))

describe('an ONNX file', () => {
  test('tells its nodes, ports and opset', () => {
    const found = parseOnnx(relu(), 'a.onnx')
    expect(found.nodes).toMatchObject([
      { name: 'first', op: 'Relu', inputs: ['x'], outputs: ['y'], domain: '' },
    ])
    expect(found.inputs).toEqual([{ name: 'x', type: 1, dims: [1, 2] }])
    expect(found.opsets).toEqual(new Map([['', 13]]))
    expect(found.producer).toBe('tests')
  })

  test('is recognised by its first bytes', () => {
    expect(looksLikeOnnx(relu())).toBe(true)
    expect(looksLikeOnnx(new TextEncoder().encode('<!doctype html>'))).toBe(false)
    expect(looksLikeOnnx(new Uint8Array(8))).toBe(false)
  })

  test('that is cut at any byte gives a code, never a crash', () => {
    const whole = file(
      13,
      input('x', [1, 3]),
      floats('w', [3, 2], [1, 2, 3, 4, 5, 6]),
      node('MatMul', ['x', 'w'], ['y']),
      output('y'),
    )
    for (let length = 0; length < whole.length; length++) {
      const code = codeOf(() => readOnnx(whole.subarray(0, length), 'cut.onnx'))
      expect(['E_ONNX_FORMAT', 'E_ONNX_OPERATOR', 'E_ONNX_SHAPE'], `${length} bytes`).toContain(code)
    }
  })

  test.each([
    ['no graph', message(integer(1, 8)), 'E_ONNX_FORMAT'],
    ['an overlong varint', new Uint8Array([8, ...new Array(20).fill(0xff), 1]), 'E_ONNX_FORMAT'],
    ['a group, which ONNX has none of', new Uint8Array([0x0b, 0x0c]), 'E_ONNX_FORMAT'],
    ['a length past the end', new Uint8Array([8, 8, 0x3a, 0xff, 0xff, 0x7f]), 'E_ONNX_FORMAT'],
    ['a name that is no UTF-8', file(13, nested(1, bytes(4, new Uint8Array([0xff, 0xfe])))), 'E_ONNX_FORMAT'],
    ['a node without an operator', file(13, nested(1, bytes(3, 'n'))), 'E_ONNX_FORMAT'],
    [
      'a million empty nodes',
      message(
        integer(1, 8),
        bytes(
          7,
          Uint8Array.from({ length: 2 << 20 }, (_, i) => (i % 2 ? 0 : 0x0a)),
        ),
      ),
      'E_ONNX_LIMIT',
    ],
    [
      'an opset of the future',
      file(99, input('x', [1]), node('Relu', ['x'], ['y']), output('y')),
      'E_ONNX_OPERATOR',
    ],
    [
      'an opset that is too old',
      file(6, input('x', [1]), node('Relu', ['x'], ['y']), output('y')),
      'E_ONNX_OPERATOR',
    ],
    [
      'a name that nothing makes',
      file(13, input('x', [1]), node('Add', ['x', 'z'], ['y']), output('y')),
      'E_ONNX_FORMAT',
    ],
    [
      'a name that is made twice',
      file(13, input('x', [1]), node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y']), output('y')),
      'E_ONNX_FORMAT',
    ],
    ['an output that nothing makes', file(13, input('x', [1]), output('y')), 'E_ONNX_FORMAT'],
    [
      'a shape of other values',
      file(
        13,
        input('x', [1, 2]),
        floats('w', [2, 3], [1, 2]),
        node('MatMul', ['x', 'w'], ['y']),
        output('y'),
      ),
      'E_ONNX_FORMAT',
    ],
    [
      'a negative dimension',
      file(13, input('x', [1, 2]), floats('w', [-1, 2], []), node('MatMul', ['x', 'w'], ['y']), output('y')),
      'E_ONNX_FORMAT',
    ],
    [
      'a huge tensor of nothing',
      file(13, input('x', [1]), floats('w', [2 ** 40], []), node('Add', ['x', 'w'], ['y']), output('y')),
      'E_ONNX_LIMIT',
    ],
    [
      'sides that only the caller knows',
      file(13, input('x', ['n', 3, 'h', 'w']), node('Relu', ['x'], ['y']), output('y')),
      'E_ONNX_SHAPE',
    ],
    ['an input of no shape', file(13, input('x'), node('Relu', ['x'], ['y']), output('y')), 'E_ONNX_SHAPE'],
    [
      'control flow',
      file(
        13,
        input('x', [1]),
        node('If', ['x'], ['y'], { attributes: { then_branch: { graph: true } } }),
        output('y'),
      ),
      'E_ONNX_OPERATOR',
    ],
    [
      'nodes in a circle',
      file(13, input('x', [1]), node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), output('b')),
      'E_ONNX_FORMAT',
    ],
  ])('with %s is refused', (_name, data, code) => {
    expect(codeOf(() => readOnnx(data, 'bad.onnx'))).toBe(code)
  })

  test('that asks folding for huge constants is refused before they are made', () => {
    const bomb = file(
      13,
      input('x', [1]),
      integers('s', [1 << 14, 1 << 14]),
      node('ConstantOfShape', ['s'], ['c']),
      node('Add', ['x', 'c'], ['y']),
      output('y'),
    )
    expect(codeOf(() => readOnnx(bomb, 'bomb.onnx'))).toBe('E_ONNX_LIMIT')
    const expand = file(
      13,
      input('x', [1]),
      floats('w', [1], [1]),
      integers('s', [1 << 12, 1 << 13]),
      ...Array.from({ length: 8 }, (_, n) => node('Expand', ['w', 's'], [`e${n}`])),
      node('Add', ['x', 'e0'], ['y']),
      output('y'),
    )
    expect(codeOf(() => readOnnx(expand, 'bomb.onnx'))).toBe('E_ONNX_LIMIT')
  })

  test('tells all causes at once, with the names of nodes and domains', () => {
    const data = file(
      13,
      input('x', [1, 3, 4, 4]),
      node('GridSample', ['x', 'x'], ['a'], { name: 'sample' }),
      node('DecodeImage', ['x'], ['b'], { name: 'pre', domain: 'com.example' }),
      node('TopK', ['x'], ['c'], { name: 'best' }),
      node('Relu', ['a'], ['d']),
      output('d'),
    )
    expect(() => readOnnx(data, 'bad.onnx')).toThrow(
      /^bad\.onnx can't be converted: GridSample \(sample\): .*; com\.example\.DecodeImage \(pre\): the domain com\.example .*; TopK \(best\): .*--outputs$/,
    )
  })
})

describe('values in another file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-onnx-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'model'))
  writeFileSync(join(folder, 'secret.bin'), new Uint8Array(8))
  writeFileSync(join(folder, 'model', 'w.bin'), new Uint8Array(Float32Array.of(3, 4).buffer))
  symlinkSync(join(folder, 'secret.bin'), join(folder, 'model', 'link.bin'))
  const entry = (key: string, value: string) => nested(13, bytes(1, key), bytes(2, value))
  const read = (location: string, offset = '0', length = '8') =>
    readOnnx(
      message(
        integer(1, 8),
        graph(
          input('x', [1, 2]),
          nested(
            5,
            integer(1, 2),
            integer(2, 1),
            bytes(8, 'w'),
            entry('location', location),
            entry('offset', offset),
            entry('length', length),
            integer(14, 1),
          ),
          node('Add', ['x', 'w'], ['y']),
          output('y'),
        ),
        nested(8, integer(2, 13)),
      ),
      join(folder, 'model', 'a.onnx'),
    )

  test('are read from the folder of the model', () => {
    const { constants } = read('w.bin')
    expect([...constants.values()].map(({ data }) => [...data])).toEqual([[3, 4]])
  })

  test.each([
    ['../secret.bin', '0', '8'],
    ['/etc/passwd', '0', '8'],
    ['link.bin', '0', '8'],
    ['missing.bin', '0', '8'],
    ['w.bin', '4', '8'],
    ['w.bin', '-4', '8'],
    ['w.bin', '0', '1e9'],
    ['.', '0', '8'],
    ['', '0', '8'],
  ])('%s from %s, %s bytes, are refused', (location, offset, length) => {
    expect(codeOf(() => read(location, offset, length))).toMatch(/^E_ONNX_(?:EXTERNAL|FORMAT)$/)
  })
})
