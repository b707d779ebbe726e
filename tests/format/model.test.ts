import { describe, expect, test } from 'vitest'
import { readSafetensors, writeSafetensors } from '../../src/host/format/safetensors.js'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import { preprocessingOf } from '../../src/host/graph/task.js'
import type { Constant, Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { limits } from '../../src/host/limits.js'
import { codeOf } from '../helpers/code-of.js'
import { ofAllKinds } from '../helpers/variants.js'
import { tinyModel } from './tiny.js'

/** The file of the tiny model with other metadata. */
function withMetadata(change: Record<string, string | undefined>): Uint8Array {
  const { metadata, tensors } = readSafetensors(writeModel(tinyModel()), 'm')
  const changed = new Map(metadata)
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) changed.delete(key)
    else changed.set(key, value)
  }
  return writeSafetensors({ metadata: changed, tensors })
}

/** What loading does: read the file, then verify the model. */
const load = (file: Uint8Array): Model => verifyModel(readModel(file, 'm.safetensors'))

/** The code that loading a file gives, whatever object holds its bytes. */
const loadCode = (file: Uint8Array): string => ofAllKinds(file, (bytes) => codeOf(() => load(bytes)))

/** The code that a graph with this path set to this value gives. */
function graphCode(path: (string | number)[], value: unknown): string {
  const graph = structuredClone(tinyModel().graph) as unknown
  let at = graph as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  const last = path[path.length - 1]
  if (value === undefined) delete at[last]
  else at[last] = value
  return loadCode(withMetadata({ graph: JSON.stringify(graph) }))
}

describe('a model file', () => {
  test('round trip', () => {
    const model = tinyModel()
    const read = ofAllKinds(writeModel(model), load)
    expect(read.graph).toEqual(model.graph)
    expect(new Map([...read.constants].sort())).toEqual(new Map([...model.constants].sort()))
  })

  test('the same bytes again, whatever the order of keys', () => {
    const model = tinyModel()
    const file = writeModel(model)
    expect(writeModel(readModel(file, 'm'))).toEqual(file)
    const graph = Object.fromEntries(Object.entries(model.graph).reverse()) as unknown as Model['graph']
    const constants = new Map([...model.constants].reverse())
    expect(writeModel({ graph, constants })).toEqual(file)
  })

  test('says what it is', () => {
    const { metadata } = readSafetensors(writeModel(tinyModel()), 'm')
    expect(metadata.get('format')).toBe('ocellus')
    expect(metadata.get('version')).toBe('1')
    expect(JSON.parse(metadata.get('graph')!)).toEqual(tinyModel().graph)
  })

  test('constants are views of the file, or copies where it lies at an odd address', () => {
    const file = writeModel(tinyModel())
    const bias = readModel(file, 'm').constants.get('0_conv.bias')!
    expect(bias.data.buffer).toBe(file.buffer)
    const shifted = new Uint8Array(file.length + 1)
    shifted.set(file, 1)
    expect(readModel(shifted.subarray(1), 'm')).toEqual(readModel(file, 'm'))
  })

  test('truncation at every byte', () => {
    const file = writeModel(tinyModel())
    for (let n = 0; n < file.length; n++) {
      const code = ofAllKinds(file.subarray(0, n), (bytes) => codeOf(() => readModel(bytes, 'm')))
      expect(code, `${n} bytes`).toBe(n === 0 ? 'E_MODEL_EMPTY' : 'E_MODEL_TRUNCATED')
    }
  })

  test('one byte too many', () => {
    const file = writeModel(tinyModel())
    const longer = new Uint8Array(file.length + 1)
    longer.set(file)
    expect(ofAllKinds(longer, (bytes) => codeOf(() => readModel(bytes, 'm')))).toBe('E_MODEL_LAYOUT')
  })

  test.each([
    [{ format: undefined }, 'E_MODEL_FORMAT'],
    [{ format: 'pt' }, 'E_MODEL_FORMAT'],
    [{ graph: undefined }, 'E_MODEL_FORMAT'],
    [{ version: undefined }, 'E_MODEL_VERSION'],
    [{ version: '2' }, 'E_MODEL_VERSION'],
    [{ version: '1\n\n' }, 'E_MODEL_VERSION'],
    [{ graph: '' }, 'E_MODEL_GRAPH'],
    [{ graph: '[]' }, 'E_MODEL_GRAPH'],
    [{ graph: '{"name":"a","name":"b"}' }, 'E_MODEL_GRAPH'],
    [{ graph: '['.repeat(100_000) }, 'E_MODEL_GRAPH'],
  ])('with metadata %j', (metadata, code) => {
    expect(loadCode(withMetadata(metadata))).toBe(code)
  })
})

describe('a graph with', () => {
  test.each<[string, (string | number)[], unknown, string]>([
    ['nothing changed', ['name'], 'tiny', 'none'],
    ['an unknown field', ['extra'], 1, 'E_MODEL_GRAPH'],
    ['no nodes', ['nodes'], undefined, 'E_MODEL_GRAPH'],
    ['nodes that are no list', ['nodes'], {}, 'E_MODEL_GRAPH'],
    ['a node that is no object', ['nodes', 0], 7, 'E_MODEL_GRAPH'],
    ['an empty name', ['nodes', 0, 'name'], '', 'E_MODEL_GRAPH'],
    ['a name over two lines', ['nodes', 0, 'name'], 'a\nb', 'E_MODEL_GRAPH'],
    ['a name without end', ['nodes', 0, 'name'], 'x'.repeat(5000), 'E_MODEL_LIMIT'],
    ['an unknown operator', ['nodes', 0, 'op'], 'convolve', 'E_MODEL_OPERATOR'],
    ['an operator of the prototype', ['nodes', 0, 'op'], 'constructor', 'E_MODEL_OPERATOR'],
    ['an input that is nowhere', ['nodes', 0, 'inputs', 0], 'nowhere', 'E_MODEL_GRAPH'],
    ['a node that reads what it makes', ['nodes', 0, 'inputs', 0], 'head', 'E_MODEL_GRAPH'],
    ['no input', ['nodes', 0, 'inputs'], [], 'E_MODEL_OPERATOR'],
    ['two outputs', ['nodes', 0, 'outputs'], ['head', 'head'], 'E_MODEL_OPERATOR'],
    ['a node that makes its input', ['nodes', 0, 'outputs', 0], 'input', 'E_MODEL_GRAPH'],
    ['an output that is nowhere', ['nodes', 0, 'outputs', 0], 'nowhere', 'E_MODEL_GRAPH'],
    ['a constant that is nowhere', ['nodes', 0, 'constants', 'bias'], 'nowhere', 'E_MODEL_GRAPH'],
    ['a constant too few', ['nodes', 0, 'constants', 'bias'], undefined, 'E_MODEL_GRAPH'],
    ['a constant too many', ['nodes', 0, 'constants', 'table'], '0_conv.bias', 'E_MODEL_OPERATOR'],
    ['an attribute too many', ['nodes', 0, 'attributes', 'dilation'], 2, 'E_MODEL_OPERATOR'],
    ['an attribute too few', ['nodes', 0, 'attributes', 'kernel'], undefined, 'E_MODEL_OPERATOR'],
    ['an attribute that is an object', ['nodes', 0, 'attributes', 'kernel'], {}, 'E_MODEL_GRAPH'],
    ['an attribute that is null', ['nodes', 0, 'attributes', 'kernel'], null, 'E_MODEL_GRAPH'],
    ['a kernel of 0', ['nodes', 0, 'attributes', 'kernel'], [0, 1], 'E_MODEL_OPERATOR'],
    ['a stride of 0', ['nodes', 0, 'attributes', 'strides'], [1, 0], 'E_MODEL_OPERATOR'],
    ['a negative stride', ['nodes', 0, 'attributes', 'strides'], [-1, 1], 'E_MODEL_OPERATOR'],
    ['half a stride', ['nodes', 0, 'attributes', 'strides'], [0.5, 1], 'E_MODEL_OPERATOR'],
    ['groups of 0', ['nodes', 0, 'attributes', 'groups'], 0, 'E_MODEL_OPERATOR'],
    ['groups that do not divide', ['nodes', 0, 'attributes', 'groups'], 2, 'E_MODEL_SHAPE'],
    ['padding as large as the kernel', ['nodes', 0, 'attributes', 'pads'], [1, 0, 0, 0], 'E_MODEL_SHAPE'],
    ['a dimension of 0', ['tensors', 0, 'shape', 1], 0, 'E_MODEL_SHAPE'],
    ['a negative dimension', ['tensors', 0, 'shape', 1], -4, 'E_MODEL_SHAPE'],
    ['a fraction of a dimension', ['tensors', 0, 'shape', 1], 4.5, 'E_MODEL_SHAPE'],
    ['a dimension past its cap', ['tensors', 0, 'shape', 1], limits.dimension + 1, 'E_MODEL_SHAPE'],
    ['a product past its cap', ['tensors', 0, 'shape'], [1, 65536, 65536, 3], 'E_MODEL_SHAPE'],
    ['five dimensions', ['tensors', 0, 'shape'], [1, 1, 4, 4, 3], 'E_MODEL_LIMIT'],
    ['no dimension', ['tensors', 0, 'shape'], [], 'E_MODEL_SHAPE'],
    ['a shape that its inputs do not give', ['tensors', 1, 'shape', 2], 5, 'E_MODEL_SHAPE'],
    ['two tensors of one name', ['tensors', 1, 'name'], 'input', 'E_MODEL_GRAPH'],
    [
      'a tensor that nothing makes',
      ['tensors', 2],
      { name: 'x', shape: [1], dtype: 'float32' },
      'E_MODEL_GRAPH',
    ],
    ['an unknown type', ['tensors', 0, 'dtype'], 'uint8', 'E_MODEL_GRAPH'],
    ['int8 without a scale', ['tensors', 0, 'quantization'], undefined, 'E_MODEL_QUANTIZATION'],
    ['float32 with a scale', ['tensors', 0, 'dtype'], 'float32', 'E_MODEL_QUANTIZATION'],
    ['a scale of 0', ['tensors', 0, 'quantization', 'scale'], 0, 'E_MODEL_QUANTIZATION'],
    ['a negative scale', ['tensors', 0, 'quantization', 'scale'], -1, 'E_MODEL_QUANTIZATION'],
    ['a NaN as scale', ['tensors', 0, 'quantization', 'scale'], Number.NaN, 'E_MODEL_QUANTIZATION'],
    ['a scale that is text', ['tensors', 0, 'quantization', 'scale'], '1', 'E_MODEL_QUANTIZATION'],
    ['a denormal scale', ['tensors', 0, 'quantization', 'scale'], 2 ** -127, 'E_MODEL_QUANTIZATION'],
    ['a scale beyond float32', ['tensors', 0, 'quantization', 'scale'], 1e39, 'E_MODEL_QUANTIZATION'],
    ['a scale between float32s', ['tensors', 0, 'quantization', 'scale'], 0.1, 'E_MODEL_QUANTIZATION'],
    ['a zero point of 128', ['tensors', 0, 'quantization', 'zeroPoint'], 128, 'E_MODEL_QUANTIZATION'],
    ['a zero point of -129', ['tensors', 0, 'quantization', 'zeroPoint'], -129, 'E_MODEL_QUANTIZATION'],
    ['half a zero point', ['tensors', 0, 'quantization', 'zeroPoint'], 0.5, 'E_MODEL_QUANTIZATION'],
    ['no zero point', ['tensors', 0, 'quantization', 'zeroPoint'], undefined, 'E_MODEL_QUANTIZATION'],
    ['no input tensor', ['inputs'], [], 'E_MODEL_GRAPH'],
    ['an input twice', ['inputs'], ['input', 'input'], 'E_MODEL_GRAPH'],
    ['an output twice', ['outputs'], ['head', 'head'], 'E_MODEL_GRAPH'],
    ['an output that no node makes', ['outputs'], ['tail'], 'E_MODEL_GRAPH'],
    ['an unknown task', ['task', 'kind'], 'segmentation', 'E_MODEL_TASK'],
    ['a head that is no output', ['task', 'heads', 0, 'output'], 'input', 'E_MODEL_TASK'],
    ['more labels than channels', ['task', 'labels'], ['a', 'b'], 'E_MODEL_TASK'],
    ['a label over two lines', ['task', 'labels', 0], 'a\r\nb', 'E_MODEL_GRAPH'],
    ['an anchor of one side', ['task', 'heads', 0, 'anchors', 0], [10], 'E_MODEL_GRAPH'],
    ['an anchor of 0', ['task', 'heads', 0, 'anchors', 0], [0, 10], 'E_MODEL_GRAPH'],
    ['an overlap above 1', ['task', 'nms', 'iou'], 1.5, 'E_MODEL_GRAPH'],
    ['an unknown suppression', ['task', 'nms', 'kind'], 'soft', 'E_MODEL_GRAPH'],
    ['a pad above 255', ['preprocessing', 'pad'], 256, 'E_MODEL_GRAPH'],
    ['a deviation of 0', ['preprocessing', 'std', 1], 0, 'E_MODEL_GRAPH'],
    ['two means', ['preprocessing', 'mean'], [0, 0], 'E_MODEL_GRAPH'],
    ['a list of texts in its provenance', ['provenance', 'x'], ['a'], 'E_MODEL_GRAPH'],
  ])('%s', (_, path, value, code) => {
    expect(graphCode(path, value)).toBe(code)
  })

  test('nodes in the wrong order, or the same node twice', () => {
    const { graph } = tinyModel()
    const second = { ...graph.nodes[0], name: '1_conv', inputs: ['head'], outputs: ['tail'] }
    const tensors = [...graph.tensors, { ...graph.tensors[1], name: 'tail' }]
    const codeWith = (nodes: unknown) =>
      loadCode(withMetadata({ graph: JSON.stringify({ ...graph, tensors, nodes }) }))
    expect(codeWith([second, graph.nodes[0]])).toBe('E_MODEL_GRAPH')
    expect(codeWith([graph.nodes[0], graph.nodes[0]])).toBe('E_MODEL_GRAPH')
    // A cycle: each waits for the other.
    expect(codeWith([{ ...graph.nodes[0], inputs: ['tail'] }, second])).toBe('E_MODEL_GRAPH')
  })

  test('more nodes or tensors than the cap', () => {
    const { graph } = tinyModel()
    const nodes = Array.from({ length: limits.nodes + 1 }, (_, i) => ({ ...graph.nodes[0], name: `${i}` }))
    expect(graphCode(['nodes'], nodes)).toBe('E_MODEL_LIMIT')
    const tensors = Array.from({ length: limits.tensors + 1 }, (_, i) => ({
      ...graph.tensors[1],
      name: `${i}`,
    }))
    expect(graphCode(['tensors'], tensors)).toBe('E_MODEL_LIMIT')
  })

  test('a key called __proto__', () => {
    const text = JSON.stringify(tinyModel().graph)
    const poisoned = text.replace('"provenance":{', '"provenance":{"__proto__":"x",')
    const { graph } = readModel(withMetadata({ graph: poisoned }), 'm')
    expect(Object.keys(graph.provenance)).toContain('__proto__')
    expect(Object.getPrototypeOf(graph.provenance)).toBe(Object.prototype)
    const attribute = text.replace('"attributes":{', '"attributes":{"__proto__":{"kernel":[9,9]},')
    expect(loadCode(withMetadata({ graph: attribute }))).toBe('E_MODEL_GRAPH')
    const number = text.replace('"attributes":{', '"attributes":{"__proto__":1,')
    expect(loadCode(withMetadata({ graph: number }))).toBe('E_MODEL_OPERATOR')
  })
})

describe('constants', () => {
  function codeWith(name: string, change: Partial<Constant>): string {
    const model = tinyModel()
    const constants = new Map(model.constants)
    constants.set(name, { ...constants.get(name)!, ...change })
    // Written without the checks of writeModel.
    const tensors = new Map(
      [...constants].map(([key, { dtype, shape, data }]) => [
        key,
        {
          dtype: ({ int8: 'I8', int32: 'I32', float32: 'F32' } as const)[dtype],
          shape,
          data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        },
      ]),
    )
    const { metadata } = readSafetensors(writeModel(model), 'm')
    const file = writeSafetensors({ metadata, tensors })
    return loadCode(file)
  }

  const weights = (at: number, value: number) => {
    const data = (tinyModel().constants.get('0_conv.weight')!.data as Int8Array).slice()
    data[at] = value
    return { data }
  }
  const scales = (value: number) => ({ data: Float32Array.of(1, 1, 1, 1, 1, value) })

  test.each<[string, string, Partial<Constant>, string]>([
    ['as they are', '0_conv.weight', {}, 'none'],
    ['the weight -128', '0_conv.weight', weights(7, -128), 'E_MODEL_QUANTIZATION'],
    ['the weight -128 first', '0_conv.weight', weights(0, -128), 'E_MODEL_QUANTIZATION'],
    ['the weight -128 in the middle of a word', '0_conv.weight', weights(2, -128), 'E_MODEL_QUANTIZATION'],
    ['the weight -127', '0_conv.weight', weights(7, -127), 'none'],
    ['a NaN', '0_conv.weightScale', scales(Number.NaN), 'E_MODEL_QUANTIZATION'],
    ['an infinity', '0_conv.weightScale', scales(Number.NEGATIVE_INFINITY), 'E_MODEL_QUANTIZATION'],
    ['a scale of 0', '0_conv.weightScale', scales(0), 'E_MODEL_QUANTIZATION'],
    ['a negative scale', '0_conv.weightScale', scales(-1), 'E_MODEL_QUANTIZATION'],
    ['a denormal scale', '0_conv.weightScale', scales(2 ** -140), 'E_MODEL_QUANTIZATION'],
    [
      'a bias that overflows',
      '0_conv.bias',
      { data: new Int32Array(6).fill(-(2 ** 31)) },
      'E_MODEL_QUANTIZATION',
    ],
    ['another shape', '0_conv.weight', { shape: [3, 1, 1, 6] }, 'E_MODEL_SHAPE'],
    ['no dimension', '0_conv.bias', { shape: [], data: Int32Array.of(1) }, 'E_MODEL_SHAPE'],
    ['no values', '0_conv.bias', { shape: [0], data: new Int32Array(0) }, 'E_MODEL_SHAPE'],
    ['five dimensions', '0_conv.weight', { shape: [1, 6, 1, 1, 3] }, 'E_MODEL_SHAPE'],
    ['the wrong type', '0_conv.bias', { dtype: 'float32', data: new Float32Array(6) }, 'E_MODEL_OPERATOR'],
    [
      'one that no node uses',
      'spare',
      { name: 'spare', shape: [1], dtype: 'int8', data: Int8Array.of(1) },
      'E_MODEL_GRAPH',
    ],
  ])('%s', (_, name, change, code) => {
    expect(codeWith(name, change)).toBe(code)
  })
})

describe('the writer refuses', () => {
  const broken = (change: (model: Model) => Model): string => codeOf(() => writeModel(change(tinyModel())))
  const withConstant = (change: Partial<Constant>) => (model: Model) => {
    const constants = new Map(model.constants)
    constants.set('0_conv.bias', { ...constants.get('0_conv.bias')!, ...change })
    return { ...model, constants }
  }

  test('what it could not read back', () => {
    expect(broken((m) => m)).toBe('none')
    expect(
      broken((m) => ({
        ...m,
        graph: { ...m.graph, preprocessing: { ...preprocessingOf(m.graph), pad: Number.NaN } },
      })),
    ).toBe('E_MODEL_GRAPH')
    expect(broken((m) => ({ ...m, graph: { ...m.graph, provenance: { ap50: Number.NaN } } }))).toBe(
      'E_MODEL_GRAPH',
    )
    expect(broken(withConstant({ shape: [7] }))).toBe('E_MODEL_LAYOUT')
    expect(broken(withConstant({ data: new Float32Array(6) }))).toBe('E_MODEL_GRAPH')
    expect(broken(withConstant({ name: 'another' }))).toBe('E_MODEL_GRAPH')
  })
})
