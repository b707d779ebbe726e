import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { loadModel, Session } from '../../src/host/platform/node.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { bytes, file, floats, input, integer, message, nested, node, output, type Part } from './build.js'

/** An initialiser of bytes: type 2 is unsigned, 3 signed. */
const stored = (name: string, dims: readonly number[], values: readonly number[], type: 2 | 3 = 3): Part =>
  nested(
    5,
    ...dims.map((side) => integer(1, side)),
    integer(2, type),
    bytes(8, name),
    bytes(
      9,
      Uint8Array.from(values, (v) => v & 255),
    ),
  )

const read = (...parts: Part[]): Model => readOnnx(file(13, ...parts), 'net.onnx')

async function run(model: Model, values: readonly number[], shape: readonly number[]): Promise<number[]> {
  const session = await Session.create(model, { threads: 1 })
  const [{ name }] = session.inputMetadata
  const results = session.run({ [name]: { dtype: 'float32', shape, data: Float32Array.from(values) } })
  session.close()
  return Object.values(results).flatMap(({ data }) => [...data])
}

const typesOf = ({ graph }: Model): string[] =>
  graph.nodes.map(({ op, outputs }) => `${op} ${graph.tensors.find((t) => t.name === outputs[0])!.dtype}`)

describe('files that are quantised already', () => {
  test('round, and cut at the ends of a range, between float nodes too', async () => {
    const model = read(
      input('x', [1, 4]),
      floats('s', [], [0.5]),
      stored('z', [], [0], 2),
      node('Exp', ['x'], ['e']),
      node('Neg', ['e'], ['n']),
      node('QuantizeLinear', ['n', 's', 'z'], ['q']),
      node('DequantizeLinear', ['q', 's', 'z'], ['d']),
      node('Abs', ['d'], ['y']),
      output('y', [1, 4]),
    )
    // All are negative, and an unsigned byte with the zero point 0 has none below 0.
    expect(await run(model, [0, 1, 2, 3], [1, 4])).toEqual([0, 0, 0, 0])
  })

  test('have int8 products with the weights of the file', async () => {
    const model = read(
      input('x', [1, 2]),
      floats('xs', [], [0.1]),
      stored('xz', [], [128], 2),
      floats('ws', [2], [0.5, 0.25]),
      stored('wz', [2], [0, 0]),
      stored('w', [2, 2], [2, -3, 4, 5]),
      floats('ys', [], [0.05]),
      stored('yz', [], [10], 2),
      node('QuantizeLinear', ['x', 'xs', 'xz'], ['xq']),
      node('DequantizeLinear', ['xq', 'xs', 'xz'], ['xd']),
      node('DequantizeLinear', ['w', 'ws', 'wz'], ['wd'], { attributes: { axis: 1 } }),
      node('MatMul', ['xd', 'wd'], ['p']),
      node('QuantizeLinear', ['p', 'ys', 'yz'], ['yq']),
      node('DequantizeLinear', ['yq', 'ys', 'yz'], ['y']),
      output('y', [1, 2]),
    )
    expect(typesOf(model)).toEqual(['conv int8', 'dequantize float32'])
    // x = [0.3, -0.2] in tenths; [0.3 * 1 - 0.2 * 2, 0.3 * -0.75 - 0.2 * 1.25], -0.475 between two steps.
    const [a, b] = await run(model, [0.31, -0.19], [1, 2])
    expect(a).toBeCloseTo(-0.1, 6)
    expect(Math.abs(b + 0.475)).toBeLessThanOrEqual(0.025 + 1e-6)
  })

  test('may be written as QLinearMatMul', async () => {
    const model = read(
      input('x', [1, 2]),
      floats('s', [], [0.1]),
      stored('z', [], [0]),
      stored('w', [2, 1], [10, -20]),
      node('QuantizeLinear', ['x', 's', 'z'], ['xq']),
      node('QLinearMatMul', ['xq', 's', 'z', 'w', 's', 'z', 's', 'z'], ['yq']),
      node('DequantizeLinear', ['yq', 's', 'z'], ['y']),
      output('y', [1, 1]),
    )
    const [y] = await run(model, [1, 0.2], [1, 2])
    expect(y).toBeCloseTo(0.6, 6)
  })

  test('quantise a tensor anew where two scales meet', async () => {
    const model = read(
      input('x', [1, 3]),
      floats('fine', [], [0.1]),
      floats('coarse', [], [1]),
      stored('z', [], [0]),
      node('QuantizeLinear', ['x', 'fine', 'z'], ['a']),
      node('DequantizeLinear', ['a', 'fine', 'z'], ['b']),
      node('QuantizeLinear', ['b', 'coarse', 'z'], ['c']),
      node('DequantizeLinear', ['c', 'coarse', 'z'], ['d']),
      node('Relu', ['d'], ['y']),
      output('y', [1, 3]),
    )
    expect(await run(model, [0.9, 2.2, -3], [1, 3])).toEqual([1, 2, 0])
  })

  const refused: readonly [string, readonly Part[], RegExp, Readonly<Record<string, number>>?][] = [
    ['a scale that is computed', [node('Abs', ['x'], ['s'])], /its scale depends on the input/],
    ['no scale', [floats('s', [], [0])], /a scale that is not positive/],
    ['scales of blocks', [floats('s', [2], [1, 1])], /scales of blocks/, { block_size: 2 }],
    ['too many scales', [floats('s', [3], [1, 1, 1])], /3 scales along an axis of 2/],
  ]
  test.each(refused)('are refused with %s', (_, parts, message, attributes = {}) => {
    const network = () =>
      read(
        input('x', [1, 2]),
        ...parts,
        node('QuantizeLinear', ['x', 's'], ['q'], { attributes }),
        node('DequantizeLinear', ['q', 's'], ['y']),
        output('y', [1, 2]),
      )
    expect(network).toThrow(expect.objectContaining({ code: 'E_ONNX_OPERATOR' }))
    expect(network).toThrow(message)
  })
})

test('an attribute whose value is left out, as proto3 does with 0, is 0', () => {
  const attributes = nested(5, bytes(1, 'axis'), integer(20, 2))
  const flatten = nested(1, bytes(1, 'x'), bytes(2, 'y'), bytes(4, 'Flatten'), attributes)
  const model = readOnnx(
    message(
      integer(1, 8),
      nested(7, bytes(2, 'graph'), input('x', [2, 3]), flatten, output('y', [1, 6])),
      nested(8, bytes(1, ''), integer(2, 13)),
    ),
    'net.onnx',
  )
  expect(model.graph.task).toMatchObject({ forms: [{ name: 'x' }, { name: 'y', shape: [1, 6] }] })
})

describe('what we export', () => {
  test.each([
    ['generator', 1e-6],
    // ONNX has no convolution with a leaky ReLU in int8: a second rounding, between the two.
    ['discriminator', 0.15],
    ['detector-tiny', 0.1],
  ])('%s reads back as int8, with its own outputs', async (name, most) => {
    const model = await loadModel(name)
    const back = readOnnx(exportOnnx(model), `${name}.onnx`)
    const floatNodes = typesOf(back).filter((type) => /^(?!dequantize|activation|conv).* float32$/.test(type))
    expect(floatNodes).toEqual([])
    const session = await Session.create(model, { threads: 1 })
    const [{ shape }] = session.inputMetadata
    session.close()
    const length = shape.reduce((a, b) => a * b, 1)
    const values = Array.from({ length }, (_, n) => ((n * 7919) % 1000) / 1000)
    const [ours, again] = [await run(model, values, shape), await run(back, values, shape)]
    const largest = ours.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
    const difference = ours.reduce((a, b, n) => Math.max(a, Math.abs(b - again[n])), 0)
    expect(difference / largest).toBeLessThan(most)
  })
})
