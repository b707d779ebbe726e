import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import '../../src/host/platform/node.js'
import { ChannelStatistics } from '../../tools/quantize/calibrate/channels.js'
import { factorsOf, scaleChannels, seams } from '../../tools/quantize/passes/equalize.js'
import { type QuantizeResult, quantizeModel } from '../../tools/quantize/quantize.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { openModel } from '../../tools/quantize/readers/open.js'
import { runReference } from '../helpers/reference.js'
import { sharedTrial, skipUnless } from '../helpers/require.js'
import { randomizer, randomWeights } from '../readers/tiny.js'

const layer = (lines: string): string => `\n[convolutional]\n${lines}\n`
const network = (...layers: readonly string[]): string => `[net]
width=12
height=10
channels=3
${layers.join('')}
${layer('filters=6\nsize=1\nactivation=linear')}
[yolo]
anchors=10,14
classes=1
`
const read = (cfg: string, seed = 5): Model =>
  readDarknet({
    cfg: { text: cfg, file: 'x.cfg' },
    weights: { bytes: randomWeights(cfg, seed), file: 'x.weights' },
  })
const named = (model: Model): string[] =>
  seams(model).map(({ first, readers, depthwise }) => {
    const names = readers.map(({ node }) => Number.parseInt(node.name, 10))
    return `${Number.parseInt(first.name, 10)}>${names}${depthwise ? ' depthwise' : ''}`
  })

describe('seams', () => {
  it.each([
    ['leaky, ReLU and linear let factors through', ['leaky', 'relu', 'linear'], ['0>1', '1>2', '2>3']],
    ['mish, ReLU6 and logistic do not', ['mish', 'relu6', 'logistic'], []],
  ])('%s', (_, activations, want) => {
    const layers = activations.map((a) => layer(`filters=4\nsize=3\npad=1\nactivation=${a}`))
    expect(named(read(network(...layers)))).toEqual(want)
  })

  it('lie across pools and upsampling, and before several convolutions', () => {
    const conv = layer('filters=4\nsize=3\npad=1\nactivation=leaky')
    const pooled = network(conv, '\n[maxpool]\nsize=2\nstride=2\n', conv, '\n[upsample]\nstride=2\n')
    expect(named(read(pooled))).toEqual(['0>2', '2>4'])
    const fork = network(conv, conv, '\n[route]\nlayers=0\n', conv, '\n[route]\nlayers=1,-1\n')
    expect(named(read(fork))).toEqual(['0>1,3'])
  })

  it('are none where something else reads the values', () => {
    const conv = layer('filters=4\nsize=3\npad=1\nactivation=relu')
    expect(named(read(network(conv, conv, '\n[shortcut]\nfrom=-2\nactivation=linear\n')))).toEqual([])
  })
})

describe('equalize', () => {
  const cfg = network(
    layer('filters=6\nsize=1\nactivation=leaky'),
    layer('filters=6\ngroups=6\nsize=3\npad=1\nactivation=leaky'),
    layer('filters=8\nsize=1\nactivation=mish'),
    layer('filters=8\ngroups=8\nsize=3\npad=1\nactivation=relu'),
  )

  it('gives all channels before a depthwise convolution one range, and changes no output', () => {
    const random = randomizer(3)
    const model = read(cfg)
    const input = Float32Array.from({ length: 12 * 10 * 3 }, random)
    const before = runReference(model, input)
    // mish lets no factor through, so the second depthwise convolution has no partner.
    expect(named(model)).toEqual(['0>1 depthwise', '1>2', '3>4'])

    const statistics = new ChannelStatistics(6)
    statistics.add(before.get('0_convolutional')!)
    const even = scaleChannels(model, factorsOf(model, new Map([['0_convolutional', statistics]])))
    const after = runReference(even, input)
    const largest = Math.max(...statistics.ranges)
    const evened = new ChannelStatistics(6)
    evened.add(after.get('0_convolutional')!)
    for (const r of evened.ranges) expect(r / largest).toBeCloseTo(1, 5)
    const [head] = model.graph.outputs
    const [want, got] = [before.get(head)!, after.get(head)!]
    for (const [i, w] of want.entries()) expect(Math.abs(got[i] - w)).toBeLessThan(1e-5)
  })

  const random = randomizer(11)
  /** A picture of sixteen patches of random colours. */
  function picture(): Pixels {
    const colours = Array.from({ length: 48 }, () => Math.floor(256 * (random() + 0.5)))
    const data = new Uint8ClampedArray(32 * 32 * 4).map((_, i) => {
      const [y, x] = [Math.floor(i / 128), Math.floor((i % 128) / 4)]
      return i % 4 === 3 ? 255 : colours[(Math.floor(y / 8) * 4 + Math.floor(x / 8)) * 3 + (i % 4)]
    })
    return { width: 32, height: 32, data }
  }
  const photos = Array.from({ length: 20 }, picture).map((pixels) => async () => pixels)
  const quantized = (model: Model, equalized: boolean): Promise<QuantizeResult> =>
    quantizeModel(model, photos, {
      method: 'lp',
      percentile: 99.99,
      reduceRange: false,
      biasCorrection: true,
      equalize: equalized,
      compare: 2,
      session: { build: 'simd', threads: 1 },
    })
  const worst = ({ layers }: QuantizeResult): number => Math.min(...layers.map(({ decibels }) => decibels))

  /** Makes one channel of a layer `factor` times as large, and its weights in the next as small. */
  function withOutlier(model: Model, index: number, channel: number, factor: number): Model {
    const [first, second] = [model.graph.nodes[index], model.graph.nodes[index + 1]]
    const constants = new Map(model.constants)
    const change = (name: string, one: (k: number) => number): void => {
      const constant = constants.get(name)!
      constants.set(name, { ...constant, data: Float32Array.from(constant.data, (v, k) => v * one(k)) })
    }
    const outputs = constants.get(first.constants.weight)!.shape[0]
    const depth = constants.get(first.constants.weight)!.data.length / outputs
    change(first.constants.weight, (k) => (Math.floor(k / depth) === channel ? factor : 1))
    change(first.constants.bias, (k) => (k === channel ? factor : 1))
    change(second.constants.weight, (k) => (k % outputs === channel ? 1 / factor : 1))
    return { ...model, constants }
  }

  const dense = network(
    layer('filters=16\nsize=3\npad=1\nactivation=leaky'),
    layer('filters=16\nsize=3\npad=1\nactivation=relu'),
    layer('filters=16\nsize=1\nactivation=linear'),
  )

  it.each([
    [0, 30],
    [1, 1000],
    [2, 200],
  ])('a channel of layer %i that is %i times as large collapses nothing', async (index, factor) => {
    const fine = read(dense)
    const outlier = withOutlier(fine, index, 3, factor)
    const [plain, without, withIt] = [
      worst(await quantized(fine, true)),
      worst(await quantized(outlier, false)),
      worst(await quantized(outlier, true)),
    ]
    expect(without).toBeLessThan(plain - 6)
    expect(withIt).toBeGreaterThan(plain - 1.5)
  })

  it('leaves a network alone whose channels are alike', async () => {
    const [left, even] = [await quantized(read(dense), false), await quantized(read(dense), true)]
    expect(even.model).toEqual(left.model)
  })

  it('keeps the trial with an outlier channel at 30 dB', async (context) => {
    const weights = sharedTrial('inputs/int8-collapse-outlier-channel.weights')
    skipUnless(context, weights, 'int8-collapse-outlier-channel.weights of the shared trials')
    const model = await openModel(weights)
    const without = await quantized(model, false)
    expect(worst(without)).toBeLessThan(10)
    expect(without.warnings.join('\n')).toMatch(/^3 layers have less than 10 dB/m)
    const result = await quantized(model, true)
    expect(worst(result)).toBeGreaterThan(30)
    expect(result.warnings.join('\n')).not.toMatch(/dB/)
  })
})
