import { constantBytes, type Loader, roundUp } from '../graph/descriptor.js'
import { type Plan, programStart } from '../plan/plan.js'
import { preprocessTables } from '../plan/program.js'
import type { Engine } from './engine.js'
import { sharedPacking } from './pack.js'

/**
 * Writes a plan's constants, as its kernels want them, but for those of nodes that come later, and
 * its program.
 */
export function loadPlan(
  plan: Plan,
  program: Int32Array,
  engine: Engine,
  later: ReadonlyMap<number, unknown> = new Map(),
): void {
  loadNodes(
    plan,
    engine,
    plan.model.views.map((_, index) => index).filter((index) => !later.has(index)),
  )
  if (plan.preprocessing !== undefined) copy(engine, plan.preprocessing.table, preprocessTables(plan))
  copy(engine, programStart, program)
}

/** Writes the constants of some nodes. */
export function loadNodes(plan: Plan, engine: Engine, nodes: Iterable<number>): void {
  for (const index of nodes) {
    const own = plan.blocks[index]
    if (own.size === 0) continue
    const { view, operator } = plan.model.views[index]
    // The arena is idle before a run: constants pass through it on their way to the kernel's
    // layout. While they are copied to there, threads wake up.
    engine.wake()
    operator.load(view, { ...loaderOf(engine, own, plan.arenaStart), engine: sharedPacking(engine, plan) })
  }
}

/** Writes a node's constants to its blocks; what they are made of lies from `staging` on. */
export function loaderOf(engine: Engine, blocks: ReadonlyMap<string, number>, staging: number): Loader {
  const { exports, memory } = engine
  return {
    engine: exports,
    block: (role) => blocks.get(role)!,
    stage(values) {
      const at = staging
      const length = 'shape' in values ? constantBytes(values) : values.byteLength
      staging += roundUp(length + 64, 64)
      if (!('shape' in values)) copy(engine, at, values)
      else if (values.read === undefined) copy(engine, at, values.data)
      else {
        memory.ensure(at + length + 64)
        values.read(memory.bytes.subarray(at, at + length))
      }
      return at
    },
    write: (role, data) => copy(engine, blocks.get(role)!, data),
  }
}

function copy({ memory }: Engine, address: number, data: Int8Array | Float32Array | Int32Array): void {
  memory.ensure(address + data.byteLength + 64)
  memory.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address)
}
