import { describe, expect, test } from 'vitest'
import { autoencoderOf } from '../../src/host/graph/task.js'
import { Autoencoder } from '../../src/host/platform/node.js'
import { loadNetwork } from '../../tools/quantize/readers/networks.js'
import { readNpy } from '../helpers/npy.js'
import { sharedModel, skipUnless } from '../helpers/require.js'
import { Session } from '../helpers/session.js'

const size = 64

/** Picture `n` of [pictures][64][64][3] bytes. */
function picture(images: ArrayLike<number>, n: number) {
  const data = new Uint8ClampedArray(size * size * 4).fill(255)
  for (let p = 0; p < size * size; p++)
    for (let c = 0; c < 3; c++) data[p * 4 + c] = images[(n * size * size + p) * 3 + c]
  return { width: size, height: size, data }
}

const whole = { resizedWidth: size, resizedHeight: size, offsetX: 0, offsetY: 0 }
const visibleOf = (order: ArrayLike<number>, n: number): number[] =>
  Array.from({ length: 16 }, (_, i) => order[n * 64 + i])

describe('the masked autoencoder trained on scenes', () => {
  test('float equals PyTorch to 1e-3: tokens and predictions of 16 pictures', async (context) => {
    const path = sharedModel('mae_scenes64.pth')
    skipUnless(context, path, 'mae_scenes64.pth of the shared models')
    const read = (name: string) => readNpy(sharedModel(name)!).data
    const images = read('mae_ref_images_16x64x64x3_u8.npy')
    const order = read('mae_ref_ids_shuffle_16x64_i32.npy')
    const tokens = read('mae_ref_latent_16x17x192_f32.npy')
    const predictions = read('mae_ref_pred_16x64x192_f32.npy')
    const model = await loadNetwork(path)
    const { latent, prediction } = autoencoderOf(model.graph)
    const session = await Session.create(model)
    let worst = 0
    for (let n = 0; n < 16; n++) {
      session.select(visibleOf(order, n))
      session.setImage(picture(images, n), whole)
      session.run()
      session.output(latent).forEach((v, i) => {
        worst = Math.max(worst, Math.abs(v - tokens[n * 17 * 192 + i]))
      })
      // The engine's first row is the class token's, which PyTorch's reference leaves out.
      session
        .output(prediction!)
        .subarray(192)
        .forEach((v, i) => {
          worst = Math.max(worst, Math.abs(v - predictions[n * 64 * 192 + i]))
        })
    }
    session.close()
    expect(worst).toBeLessThan(2e-5)
  })

  test('int8 restores 200 pictures as well as float: 1 % of masked-patch error, 38 dB between them', async (context) => {
    const path = sharedModel('mae_scenes64.pth')
    skipUnless(context, path, 'mae_scenes64.pth of the shared models')
    const images = readNpy(sharedModel('mae_eval_images_200x64x64x3_u8.npy')!).data
    const order = readNpy(sharedModel('mae_eval_ids_shuffle_200x64_i32.npy')!).data
    const float = await Autoencoder.create({ model: await loadNetwork(path) })
    const int8 = await Autoencoder.create()
    const error = { float: 0, int8: 0, between: 0 }
    for (let n = 0; n < 200; n++) {
      const options = { visible: visibleOf(order, n) }
      const a = float.reconstructPixels(picture(images, n), options)
      const b = int8.reconstructPixels(picture(images, n), options)
      error.float += a.maskedMse / 200
      error.int8 += b.maskedMse / 200
      error.between += a.values.reduce((sum, v, i) => sum + (v - b.values[i]) ** 2, 0) / a.values.length / 200
    }
    float.close()
    int8.close()
    // What PyTorch measured, in mae_scenes64.json.
    expect(error.float).toBeCloseTo(0.01911090686917305, 7)
    expect(error.int8 / error.float).toBeLessThan(1.002)
    expect(-10 * Math.log10(error.between)).toBeGreaterThan(50)
  })
})
