import type { Build } from '../../engine/engine.js'
import type { Platform } from '../../engine/platform.js'
import { measuring } from '../../engine/tuning.js'
import { warmUp } from '../../engine/warm.js'
import type { WorkerHandle } from '../threads/crew.js'
import { workerThreads } from '../threads/pool.js'
import type { WorkerWords } from '../threads/worker.js'
import { compiledOnce, instantiate } from '../wasm/instances.js'
import { request } from './fetch.js'
import { notes } from './notes.js'

type Threaded = 'relaxed-threads' | 'simd-threads'

// Written out, so that bundlers find the files and take them along.
const engines: Readonly<Record<Build | Threaded, () => URL>> = {
  relaxed: () => new URL('../../../../../build/ocellus.relaxed.wasm', import.meta.url),
  'relaxed-threads': () => new URL('../../../../../build/ocellus.relaxed-threads.wasm', import.meta.url),
  simd: () => new URL('../../../../../build/ocellus.simd.wasm', import.meta.url),
  'simd-threads': () => new URL('../../../../../build/ocellus.simd-threads.wasm', import.meta.url),
  scalar: () => new URL('../../../../../build/ocellus.scalar.wasm', import.meta.url),
}

const threaded = (build: Build) => `${build}-threads` as Threaded

const compile = compiledOnce(async (build, threads) => {
  const response = await request(engines[threads ? threaded(build) : build](), 'E_ENGINE_BUILD')
  // compileStreaming takes this type alone, and many a server sends another.
  const streams = response.headers.get('content-type')?.trim().toLowerCase() === 'application/wasm'
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
})

function startWorker(words: WorkerWords, lost: (why: string) => void): WorkerHandle {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  worker.onerror = (event) => lost(event.message ?? 'its script does not load')
  worker.postMessage(words)
  return {
    stop() {
      worker.onerror = null
      worker.terminate()
      return undefined
    },
  }
}

const now = performance.now.bind(performance)

/** How the engine runs in a page or one of its workers. */
export const engine = {
  instantiate: async (build, bytes) => instantiate(await compile(build, false), bytes),
  threads: workerThreads({
    compile,
    startWorker,
    now,
    // The page, its compositor and other tabs have work to do as well.
    processors: () => Math.max(1, (navigator.hardwareConcurrency ?? 1) - 1),
  }),
  tuning: { ...measuring(now, notes), warmUp },
  now,
  // A message comes sooner than a timer, which pages hold back.
  pause: () =>
    new Promise((done) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        done()
      }
      port2.postMessage(undefined)
    }),
  warn: (text) => console.warn(text),
} satisfies Partial<Platform>
