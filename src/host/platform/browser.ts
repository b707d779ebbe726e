import type { Build } from '../engine/build.js'
import { usePlatform, type WorkerHandle } from '../engine/platform.js'
import type { WorkerWords } from '../engine/worker.js'
import { limits } from '../limits.js'
import { fetchCapped, request } from './browser/fetch.js'
import { notes } from './browser/notes.js'
import { decodePicture } from './browser/picture.js'

export { type DrawingContext, type DrawingSize, drawDetections, type Mark } from '../image/draw.js'
export * from '../index.js'

type Threaded = 'relaxed-threads' | 'simd-threads'

// Written out, so that bundlers find the files and take them along.
const engines: Readonly<Record<Build | Threaded, () => URL>> = {
  relaxed: () => new URL('../../../../build/ocellus.relaxed.wasm', import.meta.url),
  'relaxed-threads': () => new URL('../../../../build/ocellus.relaxed-threads.wasm', import.meta.url),
  simd: () => new URL('../../../../build/ocellus.simd.wasm', import.meta.url),
  'simd-threads': () => new URL('../../../../build/ocellus.simd-threads.wasm', import.meta.url),
  scalar: () => new URL('../../../../build/ocellus.scalar.wasm', import.meta.url),
}

const embeddedModels: Readonly<Record<string, () => URL>> = {
  autoencoder: () => new URL('../../../../models/quantized/autoencoder.safetensors', import.meta.url),
  discriminator: () => new URL('../../../../models/quantized/discriminator.safetensors', import.meta.url),
  generator: () => new URL('../../../../models/quantized/generator.safetensors', import.meta.url),
  detector: () => new URL('../../../../models/quantized/detector.safetensors', import.meta.url),
  'detector-small': () => new URL('../../../../models/quantized/detector-small.safetensors', import.meta.url),
}

const threaded = (build: Build) => `${build}-threads` as Threaded

function startWorker(words: WorkerWords, lost: (why: string) => void): WorkerHandle {
  const worker = new Worker(new URL('./browser/worker.js', import.meta.url), { type: 'module' })
  worker.onerror = (event) => lost(event.message ?? 'its script does not load')
  worker.postMessage(words)
  return {
    stop() {
      worker.onerror = null
      worker.terminate()
    },
  }
}

usePlatform({
  name: 'browser',
  notes,
  async loadEngine(build, threads) {
    const response = await request(engines[threads ? threaded(build) : build](), 'E_ENGINE_BUILD')
    // compileStreaming takes this type alone, and many a server sends another.
    const streams = response.headers.get('content-type')?.trim().toLowerCase() === 'application/wasm'
    return streams
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer())
  },
  processors: () => navigator.hardwareConcurrency ?? 1,
  startWorker,
  async readModel(source) {
    const name = source ?? 'detector'
    const embedded = typeof name === 'string' && Object.hasOwn(embeddedModels, name)
    const address = embedded ? embeddedModels[name]() : name
    return { bytes: await fetchCapped(address, limits.modelBytes), file: String(address) }
  },
  decodeImage: decodePicture,
})
