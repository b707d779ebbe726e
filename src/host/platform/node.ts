import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Build } from '../engine/build.js'
import { usePlatform, type WorkerHandle } from '../engine/platform.js'
import type { WorkerWords } from '../engine/worker.js'
import { OcellusError } from '../errors.js'
import type { Pixels } from '../image/pixels.js'
import { limits } from '../limits.js'
import { fs, workers } from './node/builtin.js'
import { openModel, readCapped } from './node/files.js'
import { embeddedFolder, modelFile } from './node/models.js'
import { notes } from './node/notes.js'
import { packageFolder } from './node/package.js'

export * from '../index.js'
export { packageFolder, readCapped }

export const embeddedDetector = join(embeddedFolder, 'detector.safetensors')
export const embeddedAutoencoder = join(embeddedFolder, 'autoencoder.safetensors')

/** As compiled: a thread can't run TypeScript. */
const workerFile = join(packageFolder, 'dist', 'src', 'host', 'platform', 'node', 'worker.js')

function startWorker(workerData: WorkerWords, lost: (why: string) => void): WorkerHandle {
  // Options of the process (loaders, --input-type) are not for a worker, and no thread keeps a process alive.
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
      worker.terminate()
    },
  }
}

usePlatform({
  name: 'node',
  notes,
  async loadEngine(build: Build, threads: boolean): Promise<WebAssembly.Module> {
    const path = join(packageFolder, 'build', `ocellus.${build}${threads ? '-threads' : ''}.wasm`)
    let bytes: Uint8Array<ArrayBuffer>
    try {
      bytes = fs.readFileSync(path)
    } catch (cause) {
      throw new OcellusError('E_ENGINE_BUILD', `${path} is missing: run \`npm run build\``, { cause })
    }
    return WebAssembly.compile(bytes)
  },
  processors: availableParallelism,
  startWorker,
  async readModel(source) {
    const file =
      source === undefined
        ? embeddedDetector
        : source instanceof URL
          ? fileURLToPath(source)
          : await modelFile(source)
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
