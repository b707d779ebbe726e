import { readFileSync } from 'node:fs'
import { winogradProducts } from '../src/host/graph/kernels/winograd-products.js'
import type { Model } from '../src/host/graph/types.js'
import {
  type Build,
  Detector,
  loadModel,
  type Pixels,
  Session,
  type TensorData,
} from '../src/host/platform/node.js'
import type { Job, Loaded, RawInput, Values } from './contender.js'
import { median } from './statistics.js'

/** Bytes of linear memory, as the plan has them. */
export interface Memory {
  readonly memoryBytes: number
  readonly packedBytes: number
  readonly arenaBytes: number
}

export interface LayerTime {
  readonly name: string
  readonly op: string
  /** The instruction that ran. */
  readonly kernel: string
  /** Multiply-accumulates by the definition of the operator, whatever the kernel saves. */
  readonly macs: number
  readonly medianMs: number
  /** Of a Winograd convolution: its products by themselves. */
  readonly products?: { readonly macs: number; readonly medianMs: number }
}

/** What one frame costs around the network, medians. */
export interface Phases {
  /** From RGBA frame to boxes. */
  readonly frameMs: number
  readonly networkMs: number
  /** The median difference of a frame's time and the network's just after it. */
  readonly aroundMs: number
  /**
   * The preprocessing instruction alone; the rest of the difference is copying the frame and
   * decoding boxes.
   */
  readonly preprocessMs: number
  readonly detections: number
}

export interface LoadedOcellus extends Loaded {
  memory(): Memory
  profile(runs: number): LayerTime[]
  phases(runs: number): Phases
}

/** Our engine: the network alone, or, with a frame, a detector from pixels to boxes. */
export async function loadOcellus(job: Job, version: string): Promise<LoadedOcellus> {
  const model = await loadModel(job.model)
  const frame = job.frame && readFrame(job.frame)
  const options = { build: job.build as Build | undefined, threads: job.threads }
  const detector = frame && (await Detector.create({ model, ...options }))
  const session = detector?.session ?? (await Session.create(model, options))
  const input = readInput(job.input)
  // As whoever runs a network again and again would: a new array each time costs the system new
  // pages.
  const kept = new Map<string, TensorData>()
  const read = (): Values =>
    new Map(job.outputs.map(({ name }) => [name, real(session.output(name), name, model)]))
  const detect = frame && detector ? () => detector.detectPixels(frame) : undefined
  const network = (): void => {
    session.setInput(input)
    session.run()
  }
  return {
    version,
    build: session.build,
    run() {
      if (detect) detect()
      else {
        network()
        for (const { name } of job.outputs) kept.set(name, session.output(name, kept.get(name)))
      }
    },
    settle: () => session.ready(),
    outputs: read,
    close: () => session.close(),
    memory: () => memoryOf(session),
    profile: (runs) => profile(session, runs, () => session.setInput(input)),
    phases(runs) {
      if (!detect) throw new Error('a job without a frame has no phases')
      const pairs = Array.from({ length: runs }, () => ({ frame: time(detect), network: time(network) }))
      const steps = Array.from({ length: runs }, () => {
        detect()
        return session.profile()[0].ms
      })
      return {
        frameMs: median(pairs.map((p) => p.frame)),
        networkMs: median(pairs.map((p) => p.network)),
        aroundMs: median(pairs.map((p) => p.frame - p.network)),
        preprocessMs: median(steps),
        detections: detect().length,
      }
    },
  }
}

function memoryOf(session: Session): Memory {
  const { packedBytes, arenaBytes } = session.plan
  return { memoryBytes: session.memoryBytes, packedBytes, arenaBytes }
}

function profile(session: Session, runs: number, feed: () => void): LayerTime[] {
  const profiles = Array.from({ length: runs }, () => {
    feed()
    return session.profile()
  })
  const { views } = session.plan.model
  const macs = new Map(views.map(({ view, operator }) => [view.node.name, operator.macs(view)]))
  const nodes = new Map(views.map(({ view }) => [view.node.name, view]))
  return profiles[0].map(({ name, op, kernel }, i) => {
    const medianMs = median(profiles.map((p) => p[i].ms))
    const layer = { name, op, kernel, macs: macs.get(name) ?? 0, medianMs }
    const node = nodes.get(name)
    if (node === undefined || profiles[0][i].productsMs === undefined) return layer
    const products = {
      macs: winogradProducts(node, kernel),
      medianMs: median(profiles.map((p) => p[i].productsMs ?? 0)),
    }
    return { ...layer, products }
  })
}

function time(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function real(values: TensorData, name: string, { graph }: Model): Float32Array {
  if (values instanceof Float32Array) return values
  const { scale, zeroPoint } = graph.tensors.find((t) => t.name === name)!.quantization!
  return Float32Array.from(values, (q) => (q - zeroPoint) * scale)
}

function readInput({ file, type }: RawInput): Float32Array | Int8Array {
  const { buffer } = Uint8Array.from(readFileSync(file))
  return type === 'int8' ? new Int8Array(buffer) : new Float32Array(buffer)
}

const readFrame = ({ file, width, height }: NonNullable<Job['frame']>): Pixels => ({
  width,
  height,
  data: new Uint8ClampedArray(readFileSync(file)),
})
