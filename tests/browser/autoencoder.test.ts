import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { embeddedAutoencoder } from '../../src/host/platform/node/models.js'
import { Autoencoder, builds } from '../../src/host/platform/node.js'
import { skipUnless } from '../helpers/require.js'
import { openPage } from './chromium.js'
import './globals.js'

const cat = fileURLToPath(new URL('../../samples/cat.jpg', import.meta.url))
const options = { ratio: 0.75, seed: 3 }

test('the embedded autoencoder restores byte for byte as in Node, each build of the engine', async (context) => {
  skipUnless(context, existsSync(embeddedAutoencoder), 'models/quantized/autoencoder.safetensors')
  const pixels = await decodeImage(readFileSync(cat), 'cat.jpg')
  const autoencoder = await Autoencoder.create({ threads: 1 })
  const expected = autoencoder.reconstructPixels(pixels, options)
  const features = autoencoder.encodePixels(pixels)
  autoencoder.close()

  const { width, height, data } = pixels
  const { page, server } = await openPage(context, { extra: { '/cat.rgba': Buffer.from(data.buffer) } })
  const found = await page.evaluate(
    async ({ width, height, builds, options }) => {
      const data = new Uint8ClampedArray(await (await fetch('/cat.rgba')).arrayBuffer())
      const pixels = { width, height, data }
      const results = []
      for (const build of builds) {
        const autoencoder = await ocellus.Autoencoder.create({ build })
        const { values, visible, restored, maskedMse } = autoencoder.reconstructPixels(pixels, options)
        const features = autoencoder.encodePixels(pixels)
        autoencoder.close()
        results.push({
          ...{ visible, maskedMse, values: [...values], restored: [...restored.data] },
          ...{ build: autoencoder.session.build, features: [...features.data] },
        })
      }
      return results
    },
    { width, height, builds, options },
  )
  expect(found).toEqual(
    builds.map((build) => ({
      ...{ visible: expected.visible, maskedMse: expected.maskedMse },
      ...{ values: [...expected.values], restored: [...expected.restored.data] },
      ...{ build, features: [...features.data] },
    })),
  )
  expect(server.asked).toContain('/models/quantized/autoencoder.safetensors')
})
