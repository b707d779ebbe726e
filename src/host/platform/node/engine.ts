import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '../../engine/platform.js'
import { measuring } from '../../engine/tuning.js'
import { warmUp } from '../../engine/warm.js'
import { OcellusError } from '../../errors.js'
import type { WorkerHandle } from '../threads/crew.js'
import { type ThreadParts, workerThreads } from '../threads/pool.js'
import type { WorkerWords } from '../threads/worker.js'
import { compiledOnce, instantiateNow } from '../wasm/instances.js'
import { fs, workers } from './builtin.js'
import { notes } from './notes.js'
import { packageFolder } from './package.js'

/** Taken at the start: tests that replace the timers later do not stop this clock. */
const now = performance.now.bind(performance)

/**
 * At once: a build is compiled in a few milliseconds. Node 20 may never end where all that a
 * program waits for is compiled in the background (nodejs/node#54918).
 */
const compile = compiledOnce((build, threads) => {
  const path = join(packageFolder, 'build', `ocellus.${build}${threads ? '-threads' : ''}.wasm`)
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = fs.readFileSync(path)
  } catch (cause) {
    throw new OcellusError('E_ENGINE_BUILD', `${path} is missing: run \`npm run build\``, { cause })
  }
  return new WebAssembly.Module(bytes)
})

/** As compiled: a thread can't run TypeScript. */
const workerFile = join(packageFolder, 'dist', 'src', 'host', 'platform', 'node', 'worker.js')

function startWorker(workerData: WorkerWords, lost: (why: string) => void): WorkerHandle {
  // Options of the process (loaders, --input-type) are not for a worker, and no thread keeps a
  // process alive.
  const worker = new (workers().Worker)(workerFile, {
    workerData,
    execArgv: [],
    name: `ocellus ${workerData.thread}`,
  })
  worker.unref()
  let why = 'it ended'
  worker.on('error', (error) => {
    why = String(error)
  })
  const ended = () => lost(why)
  worker.on('exit', ended)
  return {
    stop() {
      worker.off('exit', ended)
      const end = new Promise((done) => worker.once('exit', done))
      worker.terminate()
      return end
    },
  }
}

export const threadParts: ThreadParts = {
  compile,
  startWorker,
  now,
  processors: availableParallelism,
}

/** How the engine runs in Node. */
export const engine = {
  instantiate: async (build, bytes) => instantiateNow(await compile(build, false), bytes),
  threads: workerThreads(threadParts),
  tuning: { ...measuring(now, notes), warmUp },
  now,
  pause: () => new Promise((done) => setImmediate(done)),
  warn: (text) => console.warn(text),
} satisfies Partial<Platform>
