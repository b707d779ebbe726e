import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { loadNetwork, type NetworkOptions } from '../../tools/quantize/readers/networks.js'
import { runReference } from '../helpers/reference.js'
import { runModel } from '../helpers/session.js'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/gan/${name}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A float safetensors checkpoint of these shapes; `change` may put anything in the values. */
function checkpoint(
  shapes: Readonly<Record<string, readonly number[]>>,
  change: (name: string, values: Float32Array) => void = () => {},
): string {
  let at = 0
  const header: Record<string, unknown> = {}
  const parts: Uint8Array[] = []
  for (const [name, shape] of Object.entries(shapes)) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
    values.forEach((_, i) => {
      values[i] = name.endsWith('running_var') ? 1 : ((i * 37) % 11) / 11 - 0.4
    })
    change(name, values)
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] }
    at += values.byteLength
    parts.push(new Uint8Array(values.buffer))
  }
  const json = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  const path = join(folder, `${Object.keys(shapes).length}-${Math.random()}.safetensors`)
  writeFileSync(path, Buffer.concat([size, json, ...parts]))
  return path
}

const norm = (name: string, channels: number) =>
  Object.fromEntries(
    ['weight', 'bias', 'running_mean', 'running_var'].map((role) => [`${name}.${role}`, [channels]]),
  )

/** The generator of the PyTorch examples for pictures of 16x16, 3 layers. */
const small = (latent = 6, colours = 3): Record<string, readonly number[]> => ({
  'main.0.weight': [latent, 8, 4, 4],
  ...norm('main.1', 8),
  'main.3.weight': [8, 4, 4, 4],
  ...norm('main.4', 4),
  'main.6.weight': [4, colours, 4, 4],
})

/** The discriminator of the course, for digits. */
const digits: Record<string, readonly number[]> = {
  'disc.0.0.weight': [4, 1, 4, 4],
  ...norm('disc.0.1', 4),
  'disc.1.0.weight': [8, 4, 4, 4],
  ...norm('disc.1.1', 8),
  'disc.2.0.weight': [1, 8, 4, 4],
}

const code = (path: string, options?: NetworkOptions): Promise<string> =>
  loadNetwork(path, options).then(
    (model) => {
      verifyModel(model)
      return 'none'
    },
    (error: { code: string }) => error.code,
  )

describe('the architectures, against PyTorch', () => {
  it.each([
    ['examples-generator', {}, [1, 32, 32, 3]],
    ['examples-discriminator', {}, [1, 1, 1, 1]],
    ['pytorch-gan-generator', { epsilon: [1e-5, 0.8, 0.8] }, [1, 16, 16, 1]],
    ['pytorch-gan-discriminator', { epsilon: [0.8] }, [1, 1, 1, 1]],
    ['course-discriminator', {}, [1, 1, 1, 1]],
  ] satisfies [string, NetworkOptions, number[]][])('%s', async (name, options, shape) => {
    const model = await loadNetwork(fixture(`${name}.pth`), options)
    const expected: { input: number[]; output: number[] } = JSON.parse(
      await import('node:fs').then(({ readFileSync }) => readFileSync(fixture(`${name}.json`), 'utf8')),
    )
    const output = model.graph.tensors.find((tensor) => tensor.name === model.graph.outputs[0])!
    expect(output.shape).toEqual(shape)
    const found = (await runModel(model, Float32Array.from(expected.input), 'simd')).get(output.name)!
    let worst = 0
    expected.output.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - found[i]))
    })
    expect(expected.output).toHaveLength(found.length)
    expect(worst).toBeLessThan(1e-4)
  })

  test('the epsilon of PyTorch-GAN is asked for, as no checkpoint tells it', async () => {
    const path = fixture('pytorch-gan-generator.pth')
    await expect(loadNetwork(path)).rejects.toThrow(/give --epsilon 0\.00001,0\.8,0\.8/)
    expect(await code(path, { epsilon: [0.8, 0.8] })).toBe('E_OPTION')
    expect(await code(path, { epsilon: [1e-5] })).toBe('none')
  })
})

test('a discriminator of grey pictures sees colours as their mean', async () => {
  const model = await loadNetwork(fixture('course-discriminator.pth'))
  const logit = async (colour: (i: number, c: number) => number) => {
    const input = Float32Array.from({ length: 28 * 28 * 3 }, (_, k) => colour(Math.floor(k / 3), k % 3))
    return (await runModel(model, input, 'simd')).get(model.graph.outputs[0])![0]
  }
  const grey = (i: number): number => ((i * 37) % 23) / 23 - 0.5
  const tint = [0.3, -0.1, -0.2]
  expect(await logit((i, c) => grey(i) + tint[c])).toBeCloseTo(await logit(grey), 5)
  expect(Math.abs((await logit((i) => grey(i) + 0.3)) - (await logit(grey)))).toBeGreaterThan(0.01)
})

describe('what is no such network is told', () => {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(small()).filter(([key]) => key !== name))

  it.each([
    ['as it should be', small(), 'none'],
    ['of grey pictures', small(5, 1), 'none'],
    ['of pictures with two channels', small(6, 2), 'E_CHECKPOINT_NETWORK'],
    ['another network', { 'conv1.weight': [8, 3, 3, 3], 'fc.weight': [10, 8] }, 'E_CHECKPOINT_NETWORK'],
    [
      'a layer that does not fit the one before',
      { ...small(), 'main.3.weight': [9, 4, 4, 4] },
      'E_CHECKPOINT_NETWORK',
    ],
    ['without a bias of a batch normalisation', without('main.4.bias'), 'E_CHECKPOINT_NETWORK'],
    ['with a variance of another length', { ...small(), 'main.4.running_var': [5] }, 'E_CHECKPOINT_NETWORK'],
    ['with kernels of 5', { ...small(), 'main.3.weight': [8, 4, 5, 5] }, 'E_CHECKPOINT_NETWORK'],
    ['a discriminator of digits', digits, 'none'],
    ['one of two numbers', { ...digits, 'disc.2.0.weight': [2, 8, 4, 4] }, 'E_CHECKPOINT_NETWORK'],
    ['one with a kernel of 3', { ...digits, 'disc.1.0.weight': [8, 4, 3, 3] }, 'E_CHECKPOINT_NETWORK'],
    ['one of four blocks', { ...digits, 'disc.3.0.weight': [1, 1, 4, 4] }, 'E_CHECKPOINT_NETWORK'],
    ['one whose blocks do not fit', { ...digits, 'disc.1.0.weight': [8, 5, 4, 4] }, 'E_CHECKPOINT_NETWORK'],
  ])('%s', async (_what, shapes, expected) => {
    expect(await code(checkpoint(shapes))).toBe(expected)
  })

  it.each([
    ['a weight that is no number', 'main.3.weight', Number.NaN],
    ['an infinite weight', 'main.0.weight', Number.POSITIVE_INFINITY],
    ['a negative variance', 'main.1.running_var', -1],
  ])('%s, with its layer', async (_what, name, value) => {
    const path = checkpoint(small(), (key, values) => {
      if (key === name) values[2] = value
    })
    await expect(loadNetwork(path)).rejects.toMatchObject({
      code: 'E_WEIGHTS_NOT_FINITE',
      message: expect.stringMatching(/main\.[03]: value \d+ of its (weight|bias) is/),
    })
  })

  it('names the tensors of an unknown network and the networks that are known', async () => {
    const path = checkpoint({ 'conv1.weight': [8, 3, 3, 3] })
    await expect(loadNetwork(path)).rejects.toThrow(/conv1\.weight.*DCGAN/)
  })
})

test('a generator that is read agrees with the reference interpreter', async () => {
  const model: Model = await loadNetwork(checkpoint(small()))
  const input = Float32Array.of(0.3, -1, 2, 0, 0.5, -0.2)
  const [name] = model.graph.outputs
  const expected = runReference(model, input).get(name)!
  const found = (await runModel(model, input, 'scalar')).get(name)!
  expect(found.every((value, i) => Math.abs(value - expected[i]) < 1e-5)).toBe(true)
})
