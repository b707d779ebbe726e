import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, type TestContext } from 'vitest'
import { agreement } from '../../bench/agreement.js'
import type { Job, Runtime, Values } from '../../bench/contender.js'
import { randomMae } from '../../bench/models/vit.js'
import { findPackage } from '../../bench/peers/find.js'
import { loadRuntime } from '../../bench/peers/load.js'
import { jobFor, Preparation } from '../../bench/prepare.js'
import { Remote, Unavailable } from '../../bench/remote.js'
import { readModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { loadNetwork } from '../../tools/quantize/readers/networks.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { skipUnless } from '../helpers/require.js'

/**
 * What a YOLO is made of, on odd sides, but for averages over padding, which TensorFlow counts
 * otherwise.
 */
const network = `[net]
width=37
height=29
channels=3

[convolutional]
batch_normalize=1
filters=16
size=3
stride=2
pad=1
activation=leaky

[convolutional]
filters=16
groups=16
size=3
pad=1
activation=relu6

[convolutional]
filters=16
groups=4
size=3
pad=1
activation=relu

[shortcut]
from=-2
activation=leaky

[route]
layers=-1
groups=2
group_id=1

[convolutional]
filters=8
size=1
activation=swish

[convolutional]
filters=8
size=3
pad=1
activation=mish

[route]
layers=-1,-4

[maxpool]
size=3
stride=1

[maxpool]
size=2
stride=2

[convolutional]
filters=8
size=1
activation=logistic

[upsample]
stride=2

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask=0,1
num=2
anchors=10,14, 23,27
classes=2
`
const float = tinyModel(network, 3)
const int8 = int8Model(float, 1)

/** The outputs of one run. */
async function outputsOf(job: Job): Promise<Values> {
  const loaded = await loadRuntime(job, '0')
  try {
    await loaded.run()
    return await loaded.outputs()
  } finally {
    await loaded.close()
  }
}

async function compare(model: Model, runtime: Runtime) {
  const preparation = new Preparation()
  try {
    const prepared = preparation.model(model)
    const ours = await outputsOf(jobFor(prepared, 'ocellus', 1))
    return agreement(ours, await outputsOf(jobFor(prepared, runtime, 1)))
  } finally {
    preparation.close()
  }
}

async function needs(context: TestContext, name: string): Promise<void> {
  const found = await findPackage(name).then(
    () => true,
    () => false,
  )
  skipUnless(context, found, name)
}

/** float32 sums in another order: 100 dB is one part in 100,000. */
const floatDecibels = 100
/** ONNX Runtime rounds some int8 values once more than we do (tools/export/onnx.ts). */
const int8Decibels = 22

describe('onnxruntime-web', () => {
  it('computes the float network', async () => {
    expect((await compare(float, 'onnxruntime-web'))!.decibels).toBeGreaterThan(floatDecibels)
  })
  it('computes the int8 network', async () => {
    expect((await compare(int8, 'onnxruntime-web'))!.decibels).toBeGreaterThan(int8Decibels)
  })
  it.each([
    ['float', 8, floatDecibels],
    ['int8', 8, int8Decibels],
    ['int8', 7, int8Decibels],
  ] as const)('computes a masked autoencoder, %s, %d bits', async (precision, bits, decibels) => {
    const shape = { width: 128, depth: 2, decoderWidth: 64, decoderDepth: 1, patch: 8, side: 4 }
    const model = await randomMae(shape, precision, bits)
    expect((await compare(model, 'onnxruntime-web'))!.decibels).toBeGreaterThan(decibels)
  })
})

describe('a network with transposed convolutions', () => {
  const float = loadNetwork(fileURLToPath(new URL('../fixtures/gan/examples-generator.pth', import.meta.url)))
  const int8 = readModel(
    readFileSync(new URL('../../models/quantized/generator.safetensors', import.meta.url)),
    'generator',
  )

  it.each([
    ['float32', ['sub-pixel', 'ConvTranspose'], [floatDecibels, floatDecibels]],
    // Scales of one run are others than those of calibration.
    ['int8', ['sub-pixel', 'sub-pixel, dynamic', 'ConvTranspose'], [40, 25, 40]],
  ])('is computed by onnxruntime-web in every form, %s', async (precision, forms, decibels) => {
    const preparation = new Preparation()
    try {
      const prepared = preparation.model(precision === 'int8' ? int8 : await float)
      expect(prepared.formsFor('ocellus')).toHaveLength(1)
      const ours = await outputsOf(jobFor(prepared, 'ocellus', 1))
      const found = prepared.formsFor('onnxruntime-web')
      expect(found.map(({ name }) => name)).toEqual(forms)
      for (const [i, form] of found.entries()) {
        const job = jobFor(prepared, 'onnxruntime-web', 1, {}, [form])
        expect(job).toMatchObject({ precision, form: forms[i] })
        expect(agreement(ours, await outputsOf(job))!.decibels, forms[i]).toBeGreaterThan(decibels[i])
      }
    } finally {
      preparation.close()
    }
  })
})

describe('onnxruntime-node', () => {
  it('computes the float network', async (context) => {
    await needs(context, 'onnxruntime-node')
    expect((await compare(float, 'onnxruntime-node'))!.decibels).toBeGreaterThan(floatDecibels)
  })
  it('computes the int8 network', async (context) => {
    await needs(context, 'onnxruntime-node')
    expect((await compare(int8, 'onnxruntime-node'))!.decibels).toBeGreaterThan(int8Decibels)
  })
})

describe('tfjs-wasm', () => {
  it('computes the float network', async (context) => {
    await needs(context, '@tensorflow/tfjs-backend-wasm')
    const found = await compare(float, 'tfjs-wasm')
    expect(found!.decibels ?? 999).toBeGreaterThan(floatDecibels)
  })
})

describe('OpenCV', () => {
  it('computes the float network in its own process', async (context) => {
    const preparation = new Preparation()
    try {
      // OpenCV 4.6 takes no Clip whose bounds are inputs, as ONNX has them since opset 11.
      const prepared = preparation.model(tinyModel(network.replace('relu6', 'relu'), 3))
      const ours = await outputsOf(jobFor(prepared, 'ocellus', 1))
      const started = await Remote.start(jobFor(prepared, 'opencv', 1), '0').catch((error: unknown) => {
        if (error instanceof Unavailable) return error
        throw error
      })
      if (started instanceof Unavailable) {
        skipUnless(context, !/No module|ENOENT/.test(started.message), "Debian's python3-opencv")
        throw started
      }
      const { remote, start } = started
      expect(start.version).toMatch(/^\d+\.\d+/)
      expect(start.coldStartMs).toBeGreaterThan(start.loadMs)
      expect(await remote.time()).toBeGreaterThan(0)
      expect(agreement(ours, await remote.outputs())!.decibels).toBeGreaterThan(floatDecibels)
      expect(await remote.stop()).toBeGreaterThan(1)
    } finally {
      preparation.close()
    }
  })
})

describe('a peer that is not there', () => {
  it('says what to install', async () => {
    await expect(findPackage('no-such-package')).rejects.toMatchObject({
      code: 'E_OPTION',
      message: expect.stringMatching(
        /^no-such-package is not installed: npm install .* OCELLUS_PEERS names$/,
      ),
    })
  })
})

describe('a contender in a process of its own', () => {
  const preparation = new Preparation()
  const prepared = preparation.model(int8)

  it('gives the outputs of one in this process', async () => {
    const job = jobFor(prepared, 'ocellus', 1)
    const { remote, start } = await Remote.start(job, '1.2.3')
    expect(start).toMatchObject({ version: '1.2.3', build: 'simd' })
    expect(agreement(await outputsOf(job), await remote.outputs())?.decibels).toBeNull()
    const { memoryBytes, arenaBytes } = await remote.memory()
    expect(memoryBytes).toBeGreaterThan(arenaBytes)
    const layers = await remote.profile(2)
    expect(layers[0]).toMatchObject({ name: '0_convolutional', op: 'conv', macs: 19 * 15 * 16 * 27 })
    expect(await remote.steady(0.01)).toBeGreaterThan(1)
    await remote.stop()
  })

  it('times a detector from frame to boxes', async () => {
    const frame = preparation.frame({ width: 64, height: 48 })
    const { remote } = await Remote.start(jobFor(prepared, 'ocellus', 1, { frame }), '0')
    const { frameMs, networkMs, preprocessMs } = await remote.phases(3)
    expect(Math.min(frameMs, networkMs, preprocessMs)).toBeGreaterThan(0)
    await remote.stop()
  })

  it("fails with our engine's own code", async () => {
    const job = { ...jobFor(prepared, 'ocellus', 1), model: prepared.filesFor('onnxruntime-web').model }
    await expect(Remote.start(job, '0')).rejects.toMatchObject({ code: 'E_MODEL_HEADER' })
  })

  it('is unavailable when a peer can not load the network', async () => {
    const job = { ...jobFor(prepared, 'onnxruntime-web', 1), model: prepared.filesFor('ocellus').model }
    await expect(Remote.start(job, '0')).rejects.toBeInstanceOf(Unavailable)
  })
})
