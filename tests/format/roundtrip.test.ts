import { describe, expect, it } from 'vitest'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { int8Model, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { randomModel } from '../helpers/random-model.js'
import { differing, runModel } from '../helpers/session.js'
import { everyLayer, smallest } from '../readers/tiny.js'

const float = tinyModel(everyLayer, 31)

const models: Record<string, Model> = {
  'every layer, float': float,
  'every layer, int8': int8Model(float, 32),
  'every layer, 7-bit weights': int8Model(float, 32, true),
  'the smallest detector': tinyModel(smallest, 33),
  'a random network, int8': int8Model(randomModel(34), 34),
}

describe.each(Object.entries(models))('%s', (_name, model) => {
  const file = writeModel(model)
  const input = model.graph.tensors[0].dtype === 'int8' ? randomInt8Input(model, 1) : randomInput(model, 1)

  it('is read back as it was', () => {
    const read = readModel(file, 'm')
    expect(read.graph).toEqual(model.graph)
    const byName = (constants: Model['constants']) => [...constants].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(byName(read.constants)).toEqual(byName(model.constants))
    expect(writeModel(read)).toEqual(file)
  })

  it('gives the same outputs, also from a file at an odd address', async () => {
    const expected = await runModel(model, input, 'scalar')
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    for (const bytes of [file, shifted.subarray(3)]) {
      expect(differing(await runModel(readModel(bytes, 'm'), input, 'simd'), expected)).toBeUndefined()
    }
  })

  it('leaves the file as it was', async () => {
    const copy = file.slice()
    await runModel(readModel(copy, 'm'), input, 'simd')
    expect(Buffer.compare(copy, file)).toBe(0)
  })
})

it('keeps keys that have a meaning in JavaScript', () => {
  const graph = {
    ...models['the smallest detector'].graph,
    provenance: JSON.parse('{"__proto__":"a","constructor":1}'),
  }
  const read = readModel(writeModel({ ...models['the smallest detector'], graph }), 'm')
  expect(Object.entries(read.graph.provenance)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 1],
  ])
  expect(Object.getPrototypeOf(read.graph.provenance)).toBe(Object.prototype)
})
