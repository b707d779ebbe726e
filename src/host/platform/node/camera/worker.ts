import { parentPort, workerData } from 'node:worker_threads'
import { Detector, OcellusError } from '../../node.js'
import type { Task, ThreadOptions, Told } from './thread.js'

const tell = (told: Told): void => parentPort?.postMessage(told)

const failed = (cause: unknown): void =>
  tell({
    kind: 'failed',
    code: cause instanceof OcellusError ? cause.code : undefined,
    message: cause instanceof Error ? cause.message : String(cause),
  })

try {
  const detector = await Detector.create(workerData as ThreadOptions)
  const slots = new Map<number, Uint8ClampedArray>()
  parentPort?.on('message', ({ slot, width, height, memory }: Task) => {
    try {
      if (memory !== undefined) slots.set(slot, new Uint8ClampedArray(memory))
      const data = slots.get(slot)?.subarray(0, width * height * 4)
      if (data === undefined) throw new Error(`slot ${slot} has no memory`)
      const before = performance.now()
      const detections = detector.detectPixels({ width, height, data })
      tell({ kind: 'found', detections, ms: performance.now() - before })
    } catch (cause) {
      failed(cause)
    }
  })
  tell({ kind: 'ready', labels: detector.labels })
} catch (cause) {
  failed(cause)
}
