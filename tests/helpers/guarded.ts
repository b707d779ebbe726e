import type { Build } from '../../src/host/engine/engine.js'
import type { Model } from '../../src/host/graph/types.js'
import { programStart } from '../../src/host/plan/plan.js'
import { Random } from './kernel.js'
import { type Outputs, outputsOf, Session } from './session.js'

/** Creates a session and keeps hold of its memory, which a session shows to no one. */
async function withMemory(
  model: Model,
  build: Build,
  kernel?: string,
): Promise<{ session: Session; memory: WebAssembly.Memory }> {
  const { Memory } = WebAssembly
  const made: WebAssembly.Memory[] = []
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, parameters: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(...parameters)
      made.push(memory)
      return memory
    },
  })
  try {
    const session = await Session.create(model, { build, kernel })
    return { session, memory: made[made.length - 1] }
  } finally {
    WebAssembly.Memory = Memory
  }
}

export interface GuardedRun {
  readonly outputs: Outputs
  /** A byte outside the arena that the run changed: where, or undefined. */
  readonly strayed: string | undefined
}

/**
 * One run in a memory full of chance bytes: nothing in it may matter, and nothing outside the arena
 * may change: neither static data, program and constants before it nor what lies behind it.
 */
export async function guardedRun(
  model: Model,
  input: Float32Array | Int8Array,
  build: Build,
  kernel?: string,
): Promise<GuardedRun> {
  const { session, memory } = await withMemory(model, build, kernel)
  const { arenaStart, end } = session.plan
  memory.grow(1)
  const random = new Random(end)
  const rest = new Uint32Array(memory.buffer, arenaStart)
  for (let i = 0; i < rest.length; i++) rest[i] = random.bits()
  session.setInput(input)
  const before = new Uint8Array(memory.buffer).slice()
  session.run()
  const after = new Uint8Array(memory.buffer)
  const part = (from: number, to: number): boolean =>
    Buffer.compare(before.subarray(from, to), after.subarray(from, to)) === 0
  const strayed = !part(0, programStart)
    ? 'static data'
    : !part(programStart, arenaStart)
      ? 'program or constants'
      : !part(end, after.length)
        ? 'behind the arena'
        : undefined
  return { outputs: outputsOf(session), strayed }
}
