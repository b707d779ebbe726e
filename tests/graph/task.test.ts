import { expect, it, test } from 'vitest'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import { detectionOf, preprocessingOf } from '../../src/host/graph/task.js'
import type { Graph, Model, Tensor } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { codeOf } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, runModel, Session } from '../helpers/session.js'

/** A generator of the least kind: a latent becomes one pixel, which is blown up to a picture. */
function generator(channels: number, change: (graph: Graph) => Partial<Graph> = () => ({})): Model {
  const b = new Builder(new Random(1), 1, 1)
  const latent: Tensor = { name: 'input', shape: [1, 1, 1, 5], dtype: 'float32' }
  b.tensors[0] = latent
  const pixel = b.conv(latent, channels, 1, 1, 1)
  const { graph, constants } = b.model([b.upsample(pixel, 4).name])
  const { preprocessing: _, ...rest } = graph
  const made: Graph = { ...rest, task: { kind: 'generation' } }
  return { graph: { ...made, ...change(made) }, constants }
}

/** A network that judges a picture of 4x4 by one number. */
function discriminator(change: (graph: Graph) => Partial<Graph> = () => ({})): Model {
  const b = new Builder(new Random(1), 4, 4)
  const pooled = b.pool('averagePool', b.conv(b.tensors[0], 6, 1, 3, 2, 'leaky'), 2, 2)
  const { graph, constants } = b.model([b.conv(pooled, 1, 1, 3, 2).name])
  const made: Graph = { ...graph, task: { kind: 'discrimination' } }
  return { graph: { ...made, ...change(made) }, constants }
}

const { preprocessing } = discriminator().graph

const shaped = (graph: Graph, index: number, shape: number[]): Partial<Graph> => ({
  tensors: graph.tensors.map((tensor, i) => (i === index ? { ...tensor, shape } : tensor)),
})

it.each([
  ['a generator of colour pictures', generator(3), 'none'],
  ['a generator of grey pictures', generator(1), 'none'],
  ['a generator of two channels', generator(2), 'E_MODEL_TASK'],
  [
    'a generator whose first output is no picture',
    generator(5, ({ outputs }) => ({ outputs: ['0_conv.out', ...outputs] })),
    'E_MODEL_TASK',
  ],
  ['a generator with a preprocessing', generator(3, () => ({ preprocessing })), 'E_MODEL_TASK'],
  [
    'a generator that is called a detector',
    generator(3, () => ({
      task: { kind: 'detection', labels: [], heads: [], nms: { kind: 'greedy', iou: 0.5, beta: 1 } },
    })),
    'E_MODEL_TASK',
  ],
  ['a discriminator', discriminator(), 'none'],
  [
    'a discriminator without preprocessing',
    discriminator(() => ({ preprocessing: undefined })),
    'E_MODEL_TASK',
  ],
  ['a discriminator that gives a map', discriminator(() => ({ outputs: ['0_conv.out'] })), 'E_MODEL_TASK'],
  [
    'a discriminator that is called a generator',
    discriminator(() => ({ task: { kind: 'generation' }, preprocessing: undefined })),
    'E_MODEL_TASK',
  ],
])('verifies %s', (_what, model, code) => {
  expect(codeOf(() => verifyModel(model))).toBe(code)
})

it('refuses a latent that is a map', () => {
  expect(codeOf(() => verifyModel(generator(3, (graph) => shaped(graph, 0, [1, 1, 2, 5]))))).toMatch(
    /^E_MODEL_/,
  )
})

test('each kind survives a file', () => {
  for (const model of [generator(3), discriminator()]) {
    const read = readModel(writeModel(model), 'm')
    expect(read.graph).toEqual(model.graph)
    expect(codeOf(() => verifyModel(read))).toBe('none')
  }
})

test('what a model is not for is named', () => {
  expect(() => preprocessingOf(generator(3).graph)).toThrow('built is for generation and takes no pictures')
  expect(() => detectionOf(generator(3).graph)).toThrow('built is no detector: it is for generation')
  expect(preprocessingOf(discriminator().graph)).toEqual(preprocessing)
})

test('a generator runs on its latent, the same on every build', async () => {
  const latent = Float32Array.of(0.5, -1, 2, 0, 1)
  const [first, ...others] = await Promise.all(builds.map((build) => runModel(generator(3), latent, build)))
  expect([...first.values()][0]).toHaveLength(48)
  for (const other of others) expect(differing(first, other)).toBeUndefined()
})

test('a generator is shown no picture; its profile starts with its first node', async () => {
  const session = await Session.create(generator(3))
  const pixels = { width: 1, height: 1, data: new Uint8ClampedArray(4) }
  const fit = { resizedWidth: 1, resizedHeight: 1, offsetX: 0, offsetY: 0 }
  expect(codeOf(() => session.setImage(pixels, fit))).toBe('E_MODEL_TASK')
  expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
  expect(codeOf(() => session.setInput(new Float32Array(4)))).toBe('E_INPUT_SHAPE')
  session.setInput(new Float32Array(5))
  expect(session.profile().map(({ op }) => op)).toEqual(['conv', 'upsample'])
  session.close()
})
