import type { Build } from '../engine/build.js'
import { usePlatform } from '../engine/platform.js'
import { limits } from '../limits.js'
import { fetchCapped, request } from './browser/fetch.js'
import { notes } from './browser/notes.js'
import { decodePicture } from './browser/picture.js'

export { type DrawingContext, type DrawingSize, drawDetections, type Mark } from '../image/draw.js'
export * from '../index.js'

// Written out, so that bundlers find the files and take them along.
const engines: Readonly<Record<Build, () => URL>> = {
  simd: () => new URL('../../../../build/ocellus.simd.wasm', import.meta.url),
  scalar: () => new URL('../../../../build/ocellus.scalar.wasm', import.meta.url),
}

const embeddedModels: Readonly<Record<string, () => URL>> = {
  autoencoder: () => new URL('../../../../models/quantized/autoencoder.safetensors', import.meta.url),
  detector: () => new URL('../../../../models/quantized/detector.safetensors', import.meta.url),
}

usePlatform({
  name: 'browser',
  notes,
  async loadEngine(build) {
    const response = await request(engines[build](), 'E_ENGINE_BUILD')
    // compileStreaming takes this type alone, and many a server sends another.
    const streams = response.headers.get('content-type')?.trim().toLowerCase() === 'application/wasm'
    return streams
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer())
  },
  async readModel(source) {
    const name = source ?? 'detector'
    const embedded = typeof name === 'string' && Object.hasOwn(embeddedModels, name)
    const address = embedded ? embeddedModels[name]() : name
    return { bytes: await fetchCapped(address, limits.modelBytes), file: String(address) }
  },
  decodeImage: decodePicture,
})
