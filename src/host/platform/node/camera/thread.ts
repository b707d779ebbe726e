import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { type ErrorCode, OcellusError } from '../../../errors.js'
import { writeModel } from '../../../graph/file.js'
import { addressOf } from '../../../source/content.js'
import type { Detection } from '../../../tasks/detection/detections.js'
import type { DetectorOptions } from '../../../tasks/detector.js'
import { loadModel } from '../../../tasks/load.js'
import { workers } from '../builtin.js'
import { packageFolder } from '../package.js'
import type { Slot } from './pam.js'

/** What the thread is told: which slot to look at, with its memory where that is new. */
export interface Task {
  readonly slot: number
  readonly width: number
  readonly height: number
  readonly memory?: SharedArrayBuffer
}

/**
 * What the thread tells: that it is ready, what it found and how long that took, or why it can't go
 * on.
 */
export type Told =
  | { readonly kind: 'ready'; readonly labels: readonly string[] }
  | { readonly kind: 'found'; readonly detections: Detection[]; readonly ms: number }
  | { readonly kind: 'failed'; readonly code?: ErrorCode; readonly message: string }

export type ThreadOptions = Omit<DetectorOptions, 'model'> & { readonly model?: string | Uint8Array }

/** As compiled: a thread can't run TypeScript. */
const workerFile = join(packageFolder, 'dist', 'src', 'host', 'platform', 'node', 'camera', 'worker.js')

/** A detector in a thread of its own, so that reading never waits for it. */
export class DetectorThread {
  readonly labels: readonly string[]
  readonly #worker: Worker
  /** The memory of each slot as the thread knows it. */
  readonly #known = new Map<number, ArrayBufferLike>()
  #waiting:
    | { resolve(told: { detections: Detection[]; ms: number }): void; reject(error: Error): void }
    | undefined
  #failure: OcellusError | undefined

  private constructor(worker: Worker, labels: readonly string[]) {
    this.#worker = worker
    this.labels = labels
    worker.on('message', (told: Told) => this.#told(told))
    worker.on('error', (cause) => this.#fail(errorOf(cause)))
    worker.on('exit', () =>
      this.#fail(new OcellusError('E_ENGINE_THREAD', "the detector's thread has ended")),
    )
  }

  /** Starts the thread and loads the model in it. Throws what `Detector.create` throws. */
  static async create(options: DetectorOptions): Promise<DetectorThread> {
    const { model } = options
    const plain: ThreadOptions = {
      ...options,
      // A path travels as it is, whatever else as the bytes of a model file.
      model: addressOf(model) ?? (model === undefined ? undefined : writeModel(await loadModel(model))),
    }
    const worker = new (workers().Worker)(workerFile, {
      workerData: plain,
      execArgv: [],
      name: 'ocellus camera',
    })
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown): void => {
        worker.terminate()
        reject(errorOf(cause))
      }
      worker.once('error', failed)
      worker.once('message', (told: Told) => {
        worker.off('error', failed)
        if (told.kind === 'ready') resolve(new DetectorThread(worker, told.labels))
        else failed(told.kind === 'failed' ? fromThread(told) : new Error('it does not start'))
      })
    })
  }

  /** Looks at a slot, which must stay as it is meanwhile. One call at a time. */
  detect({ index, bytes, width, height }: Slot): Promise<{ detections: Detection[]; ms: number }> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const isNew = this.#known.get(index) !== bytes.buffer
    this.#known.set(index, bytes.buffer)
    const memory = isNew && bytes.buffer instanceof SharedArrayBuffer ? bytes.buffer : undefined
    const task: Task = { slot: index, width, height, memory }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#worker.postMessage(task)
    })
  }

  async close(): Promise<void> {
    this.#failure ??= new OcellusError('E_SESSION_CLOSED', 'the detector is closed')
    this.#waiting = undefined
    await this.#worker.terminate()
  }

  #told(told: Told): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (told.kind === 'found') waiting?.resolve(told)
    else if (told.kind === 'failed') waiting?.reject(fromThread(told))
  }

  #fail(error: OcellusError): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}

const fromThread = ({ code, message }: { code?: ErrorCode; message: string }): Error =>
  code === undefined ? new Error(message) : new OcellusError(code, message)

const errorOf = (cause: unknown): OcellusError =>
  cause instanceof OcellusError
    ? cause
    : new OcellusError('E_ENGINE_THREAD', `the detector's thread failed: ${cause}`, { cause })
