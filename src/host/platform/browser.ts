import { usePlatform } from '../engine/platform.js'
import { limits } from '../limits.js'
import { engine } from './browser/engine.js'
import { fetchCapped } from './browser/fetch.js'
import { decodePicture } from './browser/picture.js'

export * from '../index.js'

/** A type of the page, or nothing where a program is compiled without the DOM. */
type OfPage<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never

declare module '../image/image-source.js' {
  interface ImageSources {
    /** Drawn as it is seen: upright, unless the page's style says otherwise. */
    readonly element: OfPage<'HTMLImageElement'>
    /** Its current frame. */
    readonly video: OfPage<'HTMLVideoElement'> | OfPage<'VideoFrame'>
    readonly canvas: OfPage<'HTMLCanvasElement'> | OfPage<'OffscreenCanvas'>
    readonly bitmap: OfPage<'ImageBitmap'> | OfPage<'ImageData'>
  }
}

const embeddedModels: Readonly<Record<string, () => URL>> = {
  autoencoder: () => new URL('../../../../models/quantized/autoencoder.safetensors', import.meta.url),
  discriminator: () => new URL('../../../../models/quantized/discriminator.safetensors', import.meta.url),
  generator: () => new URL('../../../../models/quantized/generator.safetensors', import.meta.url),
  detector: () => new URL('../../../../models/quantized/detector.safetensors', import.meta.url),
  'detector-small': () => new URL('../../../../models/quantized/detector-small.safetensors', import.meta.url),
  'detector-tiny': () => new URL('../../../../models/quantized/detector-tiny.safetensors', import.meta.url),
}

usePlatform({
  name: 'browser',
  ...engine,
  async readModel(source) {
    const name = source ?? 'detector'
    const embedded = typeof name === 'string' && Object.hasOwn(embeddedModels, name)
    const address = embedded ? embeddedModels[name]() : typeof name === 'string' ? name : name.href
    return { bytes: await fetchCapped(address, limits.modelBytes), file: String(address) }
  },
  decodeImage: decodePicture,
})
