import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { verifyModel } from '../../src/host/graph/verify.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { runReference } from '../helpers/reference.js'
import { everyLayer, randomizer, randomWeights } from './tiny.js'

/** Some values of one layer of darknet's, which come channel by channel. */
interface Layer {
  readonly layer: number
  /** Channels, height, width. */
  readonly shape: readonly [number, number, number]
  readonly samples: readonly number[]
}

const fixture = fileURLToPath(new URL('../fixtures/darknet/every-layer.json', import.meta.url))
const weights = randomWeights(everyLayer, 7)
const model = readDarknet({
  cfg: { text: everyLayer, file: 'tiny.cfg' },
  weights: { bytes: weights, file: 'tiny.weights' },
})
const [, height, width, channels] = model.graph.tensors[0].shape
const random = randomizer(3)
const input = Float32Array.from({ length: height * width * channels }, random)

/** Where the samples of a layer with this many values lie. */
const places = (count: number): number[] =>
  Array.from({ length: Math.min(count, 32) }, (_, i) => Math.floor((i * (count - 1)) / 31))

const program = process.env.DARKNET_LAYERS
beforeAll(() => {
  if (program !== undefined) writeFileSync(fixture, askDarknet(program))
})

function askDarknet(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
  const planes = Float32Array.from(input, (_, i) => {
    const pixel = i % (height * width)
    return input[pixel * channels + (i - pixel) / (height * width)]
  })
  const paths = ['tiny.cfg', 'tiny.weights', 'input.f32'].map((name) => join(folder, name))
  writeFileSync(paths[0], everyLayer)
  writeFileSync(paths[1], weights)
  writeFileSync(paths[2], new Uint8Array(planes.buffer))
  execFileSync(program, [...paths, folder], { stdio: 'ignore' })
  const layers: Layer[] = readdirSync(folder)
    .filter((name) => name.includes('.layer.'))
    .map((name) => {
      const [layer, , shape] = name.split('.')
      const bytes = readFileSync(join(folder, name))
      const samples = places(bytes.length / 4).map((i) => bytes.readFloatLE(4 * i))
      return {
        layer: Number(layer),
        shape: shape.split('x').map(Number) as [number, number, number],
        samples,
      }
    })
    .sort((a, b) => a.layer - b.layer)
  rmSync(folder, { recursive: true })
  return `[\n${layers.map((layer) => JSON.stringify(layer)).join(',\n')}\n]\n`
}

test('each layer computes what darknet computes', () => {
  verifyModel(model)
  const tensors = runReference(model, input)
  // The last node of a layer is its result; routes to one layer and dropout have none.
  const results = new Map(model.graph.nodes.map(({ name }) => [Number.parseInt(name, 10), name]))
  const compared = new Set<number>()
  for (const { layer, shape, samples } of JSON.parse(readFileSync(fixture, 'utf8')) as Layer[]) {
    const name = results.get(layer)
    if (name === undefined) continue
    compared.add(layer)
    const [c, h, w] = shape
    expect(model.graph.tensors.find((tensor) => tensor.name === name)?.shape, name).toEqual([1, h, w, c])
    const values = tensors.get(name)!
    places(c * h * w).forEach((place, i) => {
      const pixel = place % (h * w)
      expect(Math.abs(values[pixel * c + (place - pixel) / (h * w)] - samples[i]), name).toBeLessThan(1e-5)
    })
  }
  expect([...compared]).toEqual([...results.keys()])
  const ops = new Set(model.graph.nodes.map((node) => node.op))
  expect([...ops].sort()).toEqual(
    ['activation', 'add', 'averagePool', 'concat', 'conv', 'maxPool', 'slice', 'upsample'].sort(),
  )
})
