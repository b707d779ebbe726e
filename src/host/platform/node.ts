import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { usePlatform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'
import type { Pixels } from '../image/pixels.js'
import { limits } from '../limits.js'
import { engine } from './node/engine.js'
import { openModel, readCapped } from './node/files.js'
import { embeddedFolder, modelFile } from './node/models.js'
import { packageFolder } from './node/package.js'

export * from '../index.js'
export {
  Camera,
  type CameraEvent,
  type CameraResult,
} from './node/camera/camera.js'
export type { CameraPhase, CameraState } from './node/camera/feed.js'
export type { CameraOptions } from './node/camera/options.js'
export type { CameraStatistics } from './node/camera/statistics.js'
export { packageFolder, readCapped }

export const embeddedDetector = join(embeddedFolder, 'detector.safetensors')
export const embeddedAutoencoder = join(embeddedFolder, 'autoencoder.safetensors')

usePlatform({
  name: 'node',
  ...engine,
  async readModel(source) {
    const file =
      source === undefined
        ? embeddedDetector
        : typeof source === 'string'
          ? await modelFile(source)
          : fileURLToPath(source.href)
    return { bytes: await openModel(file), file }
  },
  async decodeImage(source): Promise<Pixels> {
    const { decodeImage } = await import('./node/canvas.js')
    if (source instanceof Uint8Array) return decodeImage(source, 'image')
    if (source instanceof ArrayBuffer) return decodeImage(new Uint8Array(source), 'image')
    if (typeof source === 'string' || source instanceof URL) {
      const file = source instanceof URL ? fileURLToPath(source) : source
      return decodeImage(await readCapped(file, limits.imageFileBytes), file)
    }
    throw new OcellusError(
      'E_IMAGE_INPUT',
      'give a path, the bytes of an image file, or { width, height, data } in RGBA',
    )
  },
})
