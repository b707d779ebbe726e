import { readFileSync } from 'node:fs'
import type { Job, Loaded, Values } from '../contender.js'
import { interleaved } from '../input.js'
import { findPackage } from './find.js'

/**
 * What we use of ONNX Runtime's JavaScript interface, the same for its Wasm and its native package.
 */
interface OnnxRuntime {
  readonly env: {
    readonly wasm: { numThreads?: number }
    readonly versions: Readonly<Record<string, string | undefined>>
    logLevel?: string
  }
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OnnxSession>
  }
  readonly Tensor: new (type: string, data: Float32Array | Uint8Array, dims: readonly number[]) => OnnxTensor
}

interface OnnxTensor {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

interface OnnxSession {
  readonly inputNames: readonly string[]
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>
  release(): Promise<void>
}

const settings = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  // Between two runs, idle threads would spin in the way of whoever runs next.
  extra: { session: { force_spinning_stop: '1' } },
}

/** ONNX Runtime's Wasm build, as browsers run it, in Node. */
export async function loadOnnxRuntimeWeb(job: Job): Promise<Loaded> {
  const ort = (await findPackage('onnxruntime-web')) as unknown as OnnxRuntime
  ort.env.wasm.numThreads = job.threads
  const version = ort.env.versions.web ?? 'unknown'
  return load(ort, job, { version, build: 'wasm simd', options: { executionProviders: ['wasm'] } })
}

/** ONNX Runtime's native build: everything that the processor has. */
export async function loadOnnxRuntimeNode(job: Job): Promise<Loaded> {
  const ort = (await findPackage('onnxruntime-node')) as unknown as OnnxRuntime
  const version = ort.env.versions.node ?? 'unknown'
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: job.threads,
    interOpNumThreads: 1,
  }
  return load(ort, job, { version, build: `native ${process.arch}`, options })
}

/** Feature maps are planes there; tokens, of three dimensions, have their channels last as ours. */
const channelsLast = ({ data, dims }: OnnxTensor, shape: readonly number[]): Float32Array =>
  dims.length === 4 ? interleaved(data, shape) : data.slice()

interface Kind {
  readonly version: string
  readonly build: string
  readonly options: Readonly<Record<string, unknown>>
}

async function load(ort: OnnxRuntime, job: Job, { version, build, options }: Kind): Promise<Loaded> {
  ort.env.logLevel = 'error'
  const session = await ort.InferenceSession.create(readFileSync(job.model), { ...settings, ...options })
  const { file, type, shape } = job.input
  const bytes = Uint8Array.from(readFileSync(file))
  const data = type === 'uint8' ? bytes : new Float32Array(bytes.buffer)
  const feeds = { [session.inputNames[0]]: new ort.Tensor(type, data, shape) }
  let last: Readonly<Record<string, OnnxTensor>> = {}
  return {
    version,
    build,
    async run() {
      last = await session.run(feeds)
    },
    outputs: (): Values =>
      new Map(job.outputs.map(({ name, shape }) => [name, channelsLast(last[name], shape)])),
    close: () => session.release(),
  }
}
