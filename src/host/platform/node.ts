import { usePlatform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { addressOf, contentOf, imageContent } from '../source/content.js'
import { engine } from './node/engine.js'
import { openModel, pathOf, readCapped } from './node/files.js'
import { embeddedDetector, modelFile } from './node/models.js'

export * from '../index.js'

const acceptedImages =
  'give a path, the bytes of an image file (a typed array, Blob, Response or stream), or { width, height, data } in RGBA'

usePlatform({
  name: 'node',
  ...engine,
  async readModel(source) {
    if (source === undefined) return { bytes: await openModel(embeddedDetector), file: embeddedDetector }
    const path = pathOf(typeof source === 'string' ? source : source.href)
    const file = await modelFile(path)
    return { bytes: await openModel(file), file }
  },
  async decodeImage(source, maxPixels) {
    const { decodeImage } = await import('./node/canvas.js')
    const content = await contentOf(source, imageContent)
    if (content !== undefined) return decodeImage(content.bytes, content.file, maxPixels)
    const address = addressOf(source)
    if (address === undefined) throw new OcellusError('E_IMAGE_INPUT', acceptedImages)
    const file = pathOf(address)
    return decodeImage(await readCapped(file, limits.imageFileBytes), file, maxPixels)
  },
})
