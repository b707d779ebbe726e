import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { Generator } from '../../src/host/platform/node.js'
import { meanSquaredError, psnr } from '../../tools/evaluate/similarity.js'
import { loadNetwork } from '../../tools/quantize/readers/networks.js'
import { readNpy } from '../helpers/npy.js'
import { sharedData, sharedModel, skipUnless } from '../helpers/require.js'
import { Session } from '../helpers/session.js'

/** Largest difference from what PyTorch computed, [picture][channel][row][column]. */
async function worst(model: Model, latents: Float32Array, expected: Float32Array): Promise<number> {
  const session = await Session.create(model)
  const [{ name, shape }] = session.outputs
  const [, height, width, channels] = shape
  const size = session.inputs[0].shape[3]
  const area = height * width
  let most = 0
  for (let n = 0; n < latents.length / size; n++) {
    session.setInput(latents.slice(n * size, (n + 1) * size))
    session.run()
    const values = session.output(name)
    for (let i = 0; i < values.length; i++) {
      const at = (n * channels + (i % channels)) * area + Math.floor(i / channels)
      most = Math.max(most, Math.abs(values[i] - expected[at]))
    }
  }
  session.close()
  expect(latents.length / size).toBe(expected.length / (area * channels))
  return most
}

test('the generator of scenes computes what PyTorch does', async (context) => {
  const weights = sharedModel('dcgan_scenes64.pth')
  const latents = sharedModel('dcgan_ref_latents_16x100x1x1_f32.npy')
  const outputs = sharedModel('dcgan_ref_outputs_16x3x64x64_f32.npy')
  skipUnless(context, weights && latents && outputs, 'dcgan_scenes64 of the shared models')
  expect(
    await worst(
      await loadNetwork(weights),
      readNpy(latents).data as Float32Array,
      readNpy(outputs).data as Float32Array,
    ),
  ).toBeLessThan(1e-4)
})

test('the discriminator of scenes computes what PyTorch does', async (context) => {
  const weights = sharedModel('dcgan_scenes64_disc.pth')
  const pictures = sharedModel('dcgan_ref_outputs_16x3x64x64_f32.npy')
  const judged = sharedModel('dcgan_ref_disc_16_f32.npy')
  skipUnless(context, weights && pictures && judged, 'dcgan_scenes64_disc of the shared models')
  const model = await loadNetwork(weights)
  expect(model.graph.task.kind).toBe('discrimination')
  const session = await Session.create(model)
  const values = readNpy(pictures).data as Float32Array
  const area = 64 * 64
  readNpy(judged).data.forEach((probability, n) => {
    const picture = Float32Array.from(
      { length: 3 * area },
      (_, i) => values[(n * 3 + (i % 3)) * area + Math.floor(i / 3)],
    )
    session.setInput(picture)
    session.run()
    const [logit] = session.output(session.outputs[0].name)
    expect(Math.abs(1 / (1 + Math.exp(-logit)) - probability)).toBeLessThan(1e-4)
  })
  session.close()
})

test.for(['mnist28_ryhan9834.original.pth', 'mnist28_ryhan9834.safetensors'])(
  'the generator of digits computes what PyTorch does: %s',
  async (file, context) => {
    const weights = sharedData(`dcgan-mnist/${file}`)
    const latents = sharedData('dcgan-mnist/mnist28_ryhan9834_z_64x64.f32')
    const outputs = sharedData('dcgan-mnist/mnist28_ryhan9834_out_64x1x28x28.f32')
    skipUnless(context, weights && latents && outputs, 'dcgan-mnist of the shared data')
    const floats = (path: string) => new Float32Array(Uint8Array.from(readFileSync(path)).buffer)
    expect(await worst(await loadNetwork(weights), floats(latents), floats(outputs))).toBeLessThan(1e-4)
  },
)

test('the embedded generator draws what the float network does: 35 dB at least on 64 latents', async (context) => {
  const weights = sharedModel('dcgan_scenes64.pth')
  skipUnless(context, weights, 'dcgan_scenes64 of the shared models')
  const float = await Generator.create({ model: await loadNetwork(weights) })
  const int8 = await Generator.create()
  let sum = 0
  for (let seed = 1; seed <= 64; seed++) {
    const [a, b] = [float, int8].map((generator) => generator.draw(generator.latent(seed)).values)
    sum += meanSquaredError(a, b) / 64
  }
  float.close()
  int8.close()
  expect(psnr(sum, 2)).toBeGreaterThan(35)
})
