import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type NpyArray, readNpy } from '../../tools/npy/read.js'
import { writeNpy } from '../../tools/npy/write.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { ocellus, temporaryFolder } from '../cli/run.js'
import { sharedData, sharedModel, skipUnless } from '../helpers/require.js'

/** What `ocellus run` wrote, in the order of the model's outputs. */
async function run(...words: string[]): Promise<NpyArray[]> {
  const ran = await ocellus('run', ...words, '--out', temporaryFolder(), '--json')
  expect(ran.code, ran.stderr).toBe(0)
  const { outputs } = JSON.parse(ran.stdout) as { outputs: { file: string }[] }
  return outputs.map(({ file }) => readNpy(readFileSync(file), file))
}

const load = (path: string): NpyArray => readNpy(readFileSync(path), path)
const binary = (path: string): Float32Array => new Float32Array(Uint8Array.from(readFileSync(path)).buffer)

function worst(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length)
  let most = 0
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs(found[i] - wanted[i]))
  return most
}

const values = ({ data }: NpyArray): Float32Array => data as Float32Array

describe('ocellus run gives', () => {
  it("YOLOv4-tiny's raw heads as PyTorch does, of the letterboxed picture", async (context) => {
    const voc = sharedData('yolov4-tiny-voc')
    skipUnless(context, voc, 'yolov4-tiny-voc of the shared data')
    const raw = join(voc, 'raw_dog')
    const picture = join(raw, 'dog_letterbox_416.png')
    const [p5, p4] = await run(join(voc, 'yolov4-tiny-voc-leaky01-refit.weights'), '--input', picture)
    expect([p5.shape, p4.shape]).toEqual([
      [1, 75, 13, 13],
      [1, 75, 26, 26],
    ])
    expect(worst(values(p5), binary(join(raw, 'dog_refit_P5_1x75x13x13_f32.bin')))).toBeLessThan(1e-3)
    expect(worst(values(p4), binary(join(raw, 'dog_refit_P4_1x75x26x26_f32.bin')))).toBeLessThan(1e-3)
  })

  it.for(['yolo-fastest-1.1', 'yolo-fastest-1.1-xl'])(
    "%s's raw heads as OpenCV does",
    async (name, context) => {
      const folder = sharedData(`reference/raw_dog_${name}`)
      const weights = sharedData(`yolo-fastest/${name}.weights`)
      skipUnless(context, folder && weights, 'yolo-fastest and its reference in the shared data')
      const words = ['--input', join(folder, 'dog_320x320.png'), '--epsilon', '1e-6']
      const heads = await run(weights, ...words)
      ;['permute_121_f32_1x10x10x255.bin', 'permute_130_f32_1x20x20x255.bin'].forEach((file, n) => {
        // The reference has its channels last.
        const [, channels, rows, columns] = heads[n].shape
        const area = rows * columns
        const found = Float32Array.from(
          { length: area * channels },
          (_, i) => values(heads[n])[(i % channels) * area + Math.floor(i / channels)],
        )
        expect(worst(found, binary(join(folder, file)))).toBeLessThan(1e-3)
      })
    },
  )

  it('raw heads of the darknet family as darknet lays them, of every network that is read', async (context) => {
    const family = sharedData('darknet-family')
    skipUnless(context, family, 'darknet-family of the shared data')
    const compared: string[] = []
    for (const name of readdirSync(family).sort()) {
      const folder = join(family, name)
      const weights = join(folder, 'net.weights')
      try {
        await loadDarknet(weights)
      } catch {
        continue
      }
      const wanted = readdirSync(folder)
        .filter((file) => /^raw\d+\.npy$/.test(file))
        .sort()
        .map((file) => load(join(folder, file)))
      const heads = await run(weights, '--input', join(folder, 'input.png'))
      expect(heads.length, name).toBe(wanted.length)
      heads.forEach((head, n) => {
        if (wanted[n].shape.length === 3) expect(head.shape.slice(1), name).toEqual(wanted[n].shape)
        expect(worst(values(head), values(wanted[n])), name).toBeLessThan(1e-3)
      })
      compared.push(name)
    }
    expect(compared).toEqual(expect.arrayContaining(['r-yolov4-csp', 'v4-greedynms']))
  })

  it('a DCGAN of 16 latents in one batch as PyTorch draws them, and its discriminator', async (context) => {
    const generator = sharedModel('dcgan_scenes64.pth')
    const discriminator = sharedModel('dcgan_scenes64_disc.pth')
    const latents = sharedModel('dcgan_ref_latents_16x100x1x1_f32.npy')
    const outputs = sharedModel('dcgan_ref_outputs_16x3x64x64_f32.npy')
    const judged = sharedModel('dcgan_ref_disc_16_f32.npy')
    skipUnless(context, generator && discriminator && latents && outputs && judged, 'the shared DCGAN')
    const [pictures] = await run(generator, '--input', latents)
    expect(pictures.shape).toEqual([16, 3, 64, 64])
    expect(worst(values(pictures), values(load(outputs)))).toBeLessThan(1e-4)
    const [logits] = await run(discriminator, '--input', outputs)
    expect(logits.shape).toEqual([16, 1, 1, 1])
    const probabilities = values(logits).map((logit) => 1 / (1 + Math.exp(-logit)))
    expect(worst(probabilities, values(load(judged)))).toBeLessThan(1e-4)
  })

  it('a masked autoencoder on 16 pictures, each with its own patches, as PyTorch does', async (context) => {
    const weights = sharedModel('mae_scenes64.pth')
    const pictures = sharedModel('mae_ref_input_16x3x64x64_f32.npy')
    const order = sharedModel('mae_ref_ids_shuffle_16x64_i32.npy')
    const latent = sharedModel('mae_ref_latent_16x17x192_f32.npy')
    const prediction = sharedModel('mae_ref_pred_16x64x192_f32.npy')
    skipUnless(context, weights && pictures && order && latent && prediction, 'the shared MAE')
    const shuffled = load(order).data as Int32Array
    const visible = Int32Array.from({ length: 256 }, (_, i) => shuffled[Math.floor(i / 16) * 64 + (i % 16)])
    const file = join(temporaryFolder(), 'visible.npy')
    writeFileSync(file, writeNpy([visible], [16, 16]))
    const found = await run(weights, '--input', pictures, '--visible', file)
    const tokens = found.find(({ shape }) => shape[1] === 17)!
    const rows = found.find(({ shape }) => shape[1] === 65)!
    expect(tokens.shape).toEqual([16, 17, 192])
    expect(worst(values(tokens), values(load(latent)))).toBeLessThan(1e-3)
    // Our prediction has a row for the class token first, which means nothing.
    const patches = values(rows).filter((_, i) => i % (65 * 192) >= 192)
    expect(worst(patches, values(load(prediction)))).toBeLessThan(1e-3)
  })
})
