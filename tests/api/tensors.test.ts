import { expect, it, test } from 'vitest'
import type { NamedInputs, NamedTensor } from '../../src/host/engine/session.js'
import { OcellusError } from '../../src/host/errors.js'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import type { Graph, Model, Node, Tensor, TensorForm } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { loadModel } from '../../src/host/platform/node.js'
import { quantizeModel } from '../../tools/quantize/quantize.js'
import { Random } from '../helpers/kernel.js'
import { Builder } from '../helpers/random-model.js'
import { runReference } from '../helpers/reference.js'
import { builds, Session, threaded, variants } from '../helpers/session.js'

/** A model of the `tensors` task whose nodes need no constants. */
function tensorsModel(
  tensors: readonly Tensor[],
  nodes: readonly (Pick<Node, 'op' | 'inputs' | 'outputs'> & Partial<Node>)[],
  inputs: readonly string[],
  outputs: readonly string[],
  forms: readonly TensorForm[] = [],
): Model {
  const graph: Graph = {
    name: 'tensors',
    task: { kind: 'tensors', forms },
    tensors,
    inputs,
    outputs,
    nodes: nodes.map((node, n) => ({ name: `${n}_${node.op}`, constants: {}, attributes: {}, ...node })),
    provenance: {},
  }
  return { graph, constants: new Map() }
}

const float = (name: string, ...shape: number[]): Tensor => ({ name, shape, dtype: 'float32' })
const int32 = (name: string, ...shape: number[]): Tensor => ({ name, shape, dtype: 'int32' })
const quantization = { scale: 0.5, zeroPoint: 3 }
const int8 = (name: string, ...shape: number[]): Tensor => ({ name, shape, dtype: 'int8', quantization })

/**
 * Two sums: of maps, which come in NCHW, and of vectors; labels that are joined; an int8 map whose
 * channels are cut.
 */
const model = tensorsModel(
  [
    float('a', 1, 2, 3, 2),
    float('b', 1, 2, 3, 2),
    float('sum', 1, 2, 3, 2),
    float('vector', 5),
    float('curved', 5),
    int32('label', 1),
    int32('others', 2),
    int32('labels', 3),
    int8('map', 1, 2, 2, 5),
    int8('cut', 1, 2, 2, 3),
    float('rows', 4, 3),
    float('cubes', 2, 2, 3),
    float('rowSum', 4, 3),
    float('cubeSum', 2, 2, 3),
  ],
  [
    { op: 'add', inputs: ['a', 'b'], outputs: ['sum'] },
    { op: 'activation', inputs: ['vector'], outputs: ['curved'], attributes: { kind: 'tanh' } },
    { op: 'concat', inputs: ['label', 'others'], outputs: ['labels'] },
    { op: 'slice', inputs: ['map'], outputs: ['cut'], attributes: { start: 1, count: 3 } },
    { op: 'add', inputs: ['rows', 'rows'], outputs: ['rowSum'] },
    { op: 'add', inputs: ['cubes', 'cubes'], outputs: ['cubeSum'] },
  ],
  ['a', 'b', 'vector', 'label', 'others', 'map', 'rows', 'cubes'],
  ['sum', 'curved', 'labels', 'cut', 'rowSum', 'cubeSum'],
)

const count = (length: number, from = 0): number[] => Array.from({ length }, (_, n) => from + n)
const floats = (shape: readonly number[], values: readonly number[]): NamedTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
})
const ints = (shape: readonly number[], values: readonly number[]): NamedTensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(values),
})

const inputs: Readonly<Record<string, NamedTensor>> = {
  a: floats([1, 2, 2, 3], count(12)),
  b: floats([1, 2, 2, 3], count(12, 100)),
  vector: floats([5], [-2, -1, 0, 1, 2]),
  label: ints([1], [7]),
  others: ints([2], [-2147483648, 2147483647]),
  map: { dtype: 'int8', shape: [1, 5, 2, 2], data: Int8Array.from(count(20)) },
  rows: floats([4, 3], count(12)),
  cubes: floats([2, 2, 3], count(12)),
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof OcellusError) return `${error.code}: ${error.message}`
    throw error
  }
}

test('a session takes and gives tensors by name, maps in NCHW, on every build', async () => {
  for (const build of builds) {
    const session = await Session.create(model, { build })
    const { sum, curved, labels, cut, rowSum, cubeSum } = session.run(inputs)
    expect(sum).toEqual(
      floats(
        [1, 2, 2, 3],
        count(12).map((n) => 100 + 2 * n),
      ),
    )
    expect(curved.shape).toEqual([5])
    ;[-2, -1, 0, 1, 2].forEach((x, n) => {
      expect(Math.abs(curved.data[n] - Math.tanh(x))).toBeLessThan(1e-6)
    })
    expect(labels).toEqual(ints([3], [7, -2147483648, 2147483647]))
    // Channels 1 to 3 of five: the planes of the elements 4 to 15.
    expect(cut).toEqual(
      floats(
        [1, 3, 2, 2],
        count(12, 4).map((q) => (q - 3) * 0.5),
      ),
    )
    expect(rowSum).toEqual(
      floats(
        [4, 3],
        count(12).map((n) => 2 * n),
      ),
    )
    expect(cubeSum).toEqual(
      floats(
        [2, 2, 3],
        count(12).map((n) => 2 * n),
      ),
    )
    session.close()
  }
})

test('int8 is given raw when asked, and float32 is quantised on its way in', async () => {
  const session = await Session.create(model)
  const real = count(20).map((q) => (q - 3) * 0.5)
  const { cut } = session.run({ ...inputs, map: floats([1, 5, 2, 2], real) }, { raw: true, outputs: ['cut'] })
  expect(cut).toEqual({
    dtype: 'int8',
    shape: [1, 3, 2, 2],
    data: Int8Array.from(count(12, 4)),
    quantization,
  })
  // Halves go to the even number, what is beyond is saturated, NaN is the zero point.
  const special = [0.25, 0.75, 1e9, -1e9, Number.NaN, Number.POSITIVE_INFINITY]
  const values = [...count(4).map(() => 0), ...special, ...count(10).map(() => 0)]
  const given = { ...inputs, map: floats([1, 5, 2, 2], values) }
  expect([...session.run(given, { raw: true }).cut.data.slice(0, 6)]).toEqual([3, 5, 127, -128, 3, 127])
  session.close()
})

test('the names, types and shapes are told', async () => {
  const session = await Session.create(model)
  const told = session.inputMetadata
  expect(told.map(({ name }) => name)).toEqual(model.graph.inputs)
  expect(told[0]).toEqual({
    name: 'a',
    dtype: 'float32',
    shape: [1, 2, 2, 3],
    layout: 'channelsFirst',
    picture: false,
  })
  expect(told[5]).toEqual({
    name: 'map',
    dtype: 'int8',
    shape: [1, 5, 2, 2],
    layout: 'channelsFirst',
    picture: false,
    quantization,
  })
  expect(session.outputMetadata.map(({ shape, layout }) => [shape, layout])).toEqual([
    [[1, 2, 2, 3], 'channelsFirst'],
    [[5], 'plain'],
    [[3], 'plain'],
    [[1, 3, 2, 2], 'channelsFirst'],
    [[4, 3], 'plain'],
    [[2, 2, 3], 'plain'],
  ])
  session.close()
})

test('a form gives an input or output another shape and order', async () => {
  const formed = tensorsModel(
    [float('in', 1, 1, 4, 3), float('out', 1, 1, 4, 3)],
    [{ op: 'add', inputs: ['in', 'in'], outputs: ['out'] }],
    ['in'],
    ['out'],
    [
      { name: 'in', shape: [4, 3], layout: 'plain' },
      { name: 'out', shape: [3, 4], layout: 'channelsFirst' },
    ],
  )
  const session = await Session.create(readModel(writeModel(formed), 'formed'))
  const { out } = session.run({ in: floats([4, 3], count(12)) })
  expect(out).toEqual(floats([3, 4], [0, 6, 12, 18, 2, 8, 14, 20, 4, 10, 16, 22]))
  session.close()
})

const tensor = inputs.a as Extract<NamedTensor, { dtype: 'float32' }>
/** What JavaScript may pass that the types would refuse. */
const loose = (value: unknown): NamedTensor => value as NamedTensor

it.each<[string, NamedInputs, RegExp]>([
  ['a name that is no input', { ...inputs, c: tensor }, /^E_INPUT_NAME: c is no input: .*a, b, vector/],
  ['a name of the prototype', { ...inputs, toString: tensor }, /^E_INPUT_NAME: toString is no input/],
  ['a missing input', { a: tensor }, /^E_INPUT_NAME: the input b is missing/],
  ['nothing', loose(null) as unknown as NamedInputs, /^E_INPUT_TYPE: inputs must be an object/],
  ['no tensor', { ...inputs, a: loose(undefined) }, /^E_INPUT_TYPE: the input a must be/],
  ['a plain array', { ...inputs, a: loose(new Float32Array(12)) }, /^E_INPUT_TYPE: the input a has no dtype/],
  [
    'another dtype',
    { ...inputs, a: ints([1, 2, 2, 3], count(12)) },
    /^E_INPUT_TYPE: .*takes float32, not int32/,
  ],
  ['floats for labels', { ...inputs, label: floats([1], [1]) }, /^E_INPUT_TYPE: .*takes int32, not float32/],
  ['int32 for int8', { ...inputs, map: ints([1, 5, 2, 2], count(20)) }, /^E_INPUT_TYPE: .*int8 or float32/],
  ['an unknown dtype', { ...inputs, a: loose({ ...tensor, dtype: 'float64' }) }, /^E_INPUT_TYPE: .*float64/],
  [
    'data of another type than its dtype',
    { ...inputs, a: loose({ ...tensor, data: new Float64Array(12) }) },
    /^E_INPUT_TYPE: .*Float64Array, not a Float32Array/,
  ],
  [
    'a shape of NHWC',
    { ...inputs, a: { ...tensor, shape: [1, 2, 3, 2] } },
    /^E_INPUT_SHAPE: .*\[1, 2, 2, 3\] \(NCHW\)/,
  ],
  ['another rank', { ...inputs, a: { ...tensor, shape: [2, 2, 3] } }, /^E_INPUT_SHAPE/],
  ['no shape', { ...inputs, a: loose({ ...tensor, shape: undefined }) }, /^E_INPUT_SHAPE/],
  [
    'too few values',
    { ...inputs, a: { ...tensor, data: new Float32Array(11) } },
    /^E_INPUT_SHAPE: .*11 values/,
  ],
  [
    'a picture where there is none',
    { ...inputs, a: { width: 1, height: 1, data: new Uint8Array(4) } },
    /^E_INPUT_TYPE/,
  ],
])('refuses %s, and stays usable', async (_what, given, message) => {
  const session = await Session.create(model)
  expect(codeOf(() => session.run(given))).toMatch(message)
  expect(session.run(inputs).rowSum.data[11]).toBe(22)
  session.close()
})

test('a detached buffer is named as the cause', async () => {
  const session = await Session.create(model)
  const data = new Float32Array(12)
  structuredClone(data.buffer, { transfer: [data.buffer] })
  const given = { ...inputs, a: { ...tensor, data } }
  expect(codeOf(() => session.run(given))).toMatch(/^E_INPUT_SHAPE: .*is its buffer detached\?/)
  session.close()
  expect(codeOf(() => session.run(inputs))).toMatch(/^E_SESSION_CLOSED/)
})

test('outputs that are asked for are checked and given alone', async () => {
  const session = await Session.create(model)
  expect(Object.keys(session.run(inputs, { outputs: ['labels', 'sum'] }))).toEqual(['labels', 'sum'])
  expect(codeOf(() => session.run(inputs, { outputs: ['no'] }))).toMatch(/^E_INPUT_NAME: no is no output/)
  session.close()
})

test('inputs that are set one by one serve one run', async () => {
  const pair = tensorsModel(
    [float('a', 4), float('b', 4), float('sum', 4)],
    [{ op: 'add', inputs: ['a', 'b'], outputs: ['sum'] }],
    ['a', 'b'],
    ['sum'],
  )
  const session = await Session.create(pair)
  session.setInput(Float32Array.of(1, 2, 3, 4))
  expect(codeOf(() => session.run())).toMatch(/^E_INPUT_SHAPE: .*set the input b/)
  session.setInput(Float32Array.of(1, 2, 3, 4), 'b')
  session.run()
  expect([...session.output('sum')]).toEqual([2, 4, 6, 8])
  expect(codeOf(() => session.run())).toMatch(/^E_INPUT_SHAPE: .*set the input a/)
  expect(codeOf(() => session.setInput(new Float32Array(4), 'c'))).toMatch(/^E_INPUT_NAME/)
  session.close()
})

test('an input that is an output, and one that no node reads', async () => {
  const through = tensorsModel(
    [float('a', 1, 2, 2, 2), int32('b', 3), float('sum', 1, 2, 2, 2)],
    [{ op: 'add', inputs: ['a', 'a'], outputs: ['sum'] }],
    ['a', 'b'],
    ['a', 'sum'],
  )
  const session = await Session.create(through)
  const given = { a: floats([1, 2, 2, 2], count(8)), b: ints([3], [1, 2, 3]) }
  const { a, sum } = session.run(given)
  expect(a).toEqual(given.a)
  expect([...sum.data]).toEqual(count(8).map((n) => 2 * n))
  session.close()
})

/** A picture and a vector of as many channels as its convolution makes. */
function pictureModel(): Model {
  const b = new Builder(new Random(3), 8, 6)
  const map = b.conv(b.tensors[0], 4, 1, 3, 2)
  b.tensors.push(float('shift', 1, 4, 3, 4))
  const sum = b.add(map, b.tensors[b.tensors.length - 1])
  const { graph, constants } = b.model([sum.name, map.name])
  return {
    graph: { ...graph, task: { kind: 'tensors', forms: [] }, inputs: ['input', 'shift'] },
    constants,
  }
}

test('a picture goes through the preprocessing, beside a tensor', async () => {
  const session = await Session.create(pictureModel(), { frozenModel: true })
  const [sum, map] = session.outputs.map(({ name }) => name)
  const data = Uint8ClampedArray.from({ length: 8 * 6 * 4 }, (_, n) => (n * 37) % 256)
  const shift = floats([1, 4, 4, 3], count(48))
  const planes = Float32Array.from(
    { length: 3 * 48 },
    (_, n) => data[(n % 48) * 4 + Math.floor(n / 48)] / 255,
  )
  const values: NamedTensor = { dtype: 'float32', shape: [1, 3, 8, 6], data: planes }
  for (let round = 0; round < 2; round++) {
    const seen = session.run({ input: { width: 6, height: 8, data }, shift })
    const given = session.run({ input: values, shift })
    expect(seen).toEqual(given)
    seen[sum].data.forEach((value, n) => {
      expect(value).toBeCloseTo(seen[map].data[n] + n, 4)
    })
  }
  // The picture alone is no longer enough: its partner is used up.
  expect(codeOf(() => session.run())).toMatch(/^E_INPUT_SHAPE/)
  expect(codeOf(() => session.run({ input: { width: 6, height: 8, data: data.slice(1) }, shift }))).toMatch(
    /^E_IMAGE_INPUT/,
  )
  session.close()
})

test('a detector and a generator are run by name too', async () => {
  const detector = await Session.create(await loadModel())
  const { shape } = detector.inputMetadata[0]
  const [, , height, width] = shape
  const [name] = detector.inputs.map((input) => input.name)
  const data = new Uint8ClampedArray(width * height * 4).fill(128)
  const heads = detector.run({ [name]: { width, height, data } })
  expect(Object.keys(heads)).toEqual(detector.outputs.map((output) => output.name))
  for (const [head, { shape: found }] of Object.entries(heads)) {
    const [, rows, columns, channels] = detector.outputs.find((output) => output.name === head)!.shape
    expect(found).toEqual([1, channels, rows, columns])
  }
  detector.close()
  const generator = await Session.create(await loadModel('generator'))
  expect(generator.inputMetadata[0].shape).toEqual([1, 100, 1, 1])
  const [latent] = generator.inputs
  const [picture] = Object.values(generator.run({ [latent.name]: floats([1, 100, 1, 1], count(100)) }))
  expect(picture.shape).toEqual([1, 3, 64, 64])
  generator.close()
  const autoencoder = await Session.create(await loadModel('autoencoder'))
  expect(autoencoder.outputMetadata.map((output) => output.layout)).toEqual(['plain', 'plain'])
  autoencoder.close()
})

it.each<[string, (graph: Graph) => Partial<Graph>]>([
  ['no inputs', () => ({ inputs: [], tensors: [], nodes: [], outputs: [] })],
  [
    'a form of no end',
    () => ({ task: { kind: 'tensors', forms: [{ name: 'x', shape: [1], layout: 'plain' }] } }),
  ],
  [
    'a form of another size',
    () => ({ task: { kind: 'tensors', forms: [{ name: 'vector', shape: [6], layout: 'plain' }] } }),
  ],
  [
    'two forms of one input',
    () => ({
      task: {
        kind: 'tensors',
        forms: [
          { name: 'vector', shape: [5], layout: 'plain' },
          { name: 'vector', shape: [1, 5], layout: 'plain' },
        ],
      },
    }),
  ],
  [
    'a form of five dimensions',
    () => ({
      task: { kind: 'tensors', forms: [{ name: 'vector', shape: [1, 1, 1, 1, 5], layout: 'plain' }] },
    }),
  ],
  ['a preprocessing without a picture', () => ({ preprocessing: pictureModel().graph.preprocessing })],
])('refuses a model with %s', (_what, change) => {
  const { graph, constants } = model
  expect(codeOf(() => verifyModel({ graph: { ...graph, ...change(graph) }, constants }))).toMatch(
    /^E_MODEL_TASK/,
  )
})

test('operators refuse int32 where they can not compute with it', () => {
  const wrong = tensorsModel(
    [int32('a', 4), int32('b', 4)],
    [{ op: 'activation', inputs: ['a'], outputs: ['b'], attributes: { kind: 'tanh' } }],
    ['a'],
    ['b'],
  )
  expect(codeOf(() => verifyModel(wrong))).toMatch(/^E_MODEL_OPERATOR: .*a is int32; .*int8 and float32/)
})

/** Labels name rows of a table, and these become a map of 4x4. */
function labelled(): Model {
  const b = new Builder(new Random(9), 1, 1)
  b.tensors[0] = int32('input', 1, 1, 1, 1)
  const table = b.node(
    'constant',
    [],
    [1, 1, 10, 6],
    { shape: [1, 1, 10, 6] },
    { value: b.constant('value', [10, 6], 1) },
  )
  const vector = b.node('gather', [table, b.tensors[0]], [1, 1, 1, 6])
  const map = b.convTranspose(vector, 3, 4, 4, 'relu')
  const { graph, constants } = b.model([map.name])
  const { preprocessing: _, ...rest } = graph
  const forms = [{ name: 'input', shape: [1], layout: 'plain' }] as const
  return { graph: { ...rest, task: { kind: 'tensors', forms } }, constants }
}

const label = (value: number): NamedInputs => ({ input: ints([1], [value]) })

test('labels are looked up, in float32 and in a network of int8, the same on every build', async () => {
  const plain = labelled()
  const { model: quantized } = await quantizeModel(plain, count(10).map(label), {
    ...{ method: 'minmax', percentile: 99.9, reduceRange: false, equalize: true, biasCorrection: true },
    compare: 1,
  })
  expect(quantized.graph.tensors.some(({ dtype }) => dtype === 'int8')).toBe(true)
  for (const [what, tolerance] of [
    [plain, 1e-5],
    [quantized, 0.05],
  ] as const) {
    const results = await Promise.all(
      variants.map(async ({ build, threads }) => {
        const session = await threaded(readModel(writeModel(what), 'labelled'), build, threads)
        const maps = count(10).map((n) => Object.values(session.run(label(n)))[0].data)
        session.close()
        return maps
      }),
    )
    for (const other of results) expect(other).toEqual(results[0])
    count(10).forEach((n) => {
      const wanted = [...runReference(plain, Float32Array.of(n)).values()].at(-1)!
      // The reference has its channels last.
      results[0][n].forEach((value, i) => {
        expect(Math.abs(value - wanted[(i % 16) * 3 + Math.floor(i / 16)])).toBeLessThan(tolerance)
      })
    })
  }
})

test.each([-11, 10, 2147483647, -2147483648])('the label %i of ten is refused', async (value) => {
  const session = await Session.create(labelled())
  expect(codeOf(() => session.run(label(value)))).toMatch(/^E_INPUT_VALUE: .*an index of -10 to 9/)
  const [map] = Object.values(session.run(label(9)))
  expect(Object.values(session.run(label(-1)))[0]).toEqual(map)
  session.close()
})

test('indices that another node makes are held to the table by the engine', async () => {
  const sliced = tensorsModel(
    [
      int32('labels', 1, 1, 1, 3),
      int32('one', 1, 1, 1, 1),
      float('rows', 1, 1, 4, 5),
      float('row', 1, 1, 1, 5),
    ],
    [
      { op: 'slice', inputs: ['labels'], outputs: ['one'], attributes: { start: 2, count: 1 } },
      { op: 'gather', inputs: ['rows', 'one'], outputs: ['row'] },
    ],
    ['labels', 'rows'],
    ['row'],
  )
  const session = await Session.create(sliced)
  // Rows in NCHW: [1, 5, 1, 4]. What the slice leaves out may be anything.
  const rows = floats([1, 5, 1, 4], count(20))
  for (const [index, row] of [
    [1, 1],
    [-1, 3],
    [99, 3],
    [-99, 0],
  ]) {
    const { data } = session.run({ labels: ints([1, 3, 1, 1], [0, 99, index]), rows }).row
    expect([...data]).toEqual(count(5).map((c) => c * 4 + row))
  }
  session.close()
})

test('the task survives a file, and a file with faults in it is refused', () => {
  const bytes = writeModel(model)
  expect(readModel(bytes, 'm').graph).toEqual(model.graph)
  const text = (change: (graph: Record<string, unknown>) => void): string => {
    const graph = structuredClone(model.graph) as unknown as Record<string, unknown>
    change(graph)
    return codeOf(() => writeModel({ graph: graph as unknown as Graph, constants: new Map() }))
  }
  expect(text((graph) => Object.assign(graph, { task: { kind: 'tensors' } }))).toMatch(/^E_MODEL_GRAPH/)
  expect(text((graph) => Object.assign(graph, { task: { kind: 'tensor', forms: [] } }))).toMatch(
    /^E_MODEL_TASK/,
  )
  const forms = [{ name: 'vector', shape: [], layout: 'plain' }]
  expect(text((graph) => Object.assign(graph, { task: { kind: 'tensors', forms } }))).toMatch(
    /^E_MODEL_SHAPE/,
  )
  const other = [{ name: 'vector', shape: [5], layout: 'nchw' }]
  expect(text((graph) => Object.assign(graph, { task: { kind: 'tensors', forms: other } }))).toMatch(
    /^E_MODEL_GRAPH/,
  )
})
