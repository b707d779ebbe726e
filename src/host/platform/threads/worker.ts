import { Control } from './control.js'

/** What a worker is started with. */
export interface WorkerWords {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly thread: number
  readonly threads: number
}

/**
 * A worker's whole life: an instance of its own over the common memory. Returns only when it has
 * failed.
 */
export async function serve({ module, memory, thread, threads }: WorkerWords): Promise<void> {
  const control = new Control(memory, () => performance.now())
  const stalled = (times: number, phase: number): number => {
    control.sleep(times, phase)
    return 0
  }
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, stalled } })
  try {
    ;(exports.work as (thread: number, threads: number) => void)(thread, threads)
  } catch (cause) {
    control.fail(String(cause))
  }
}
