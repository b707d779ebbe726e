import { constantBytes, type Loader, roundUp } from '../graph/descriptor.js'
import { type Plan, programStart } from '../plan/plan.js'
import { preprocessTables } from '../plan/program.js'
import type { Engine } from './engine.js'

/** Writes a plan's constants, as its kernels want them, and its program into the engine's memory. */
export function loadPlan(plan: Plan, program: Int32Array, { exports, memory }: Engine): void {
  const copy = (address: number, data: Int8Array | Float32Array | Int32Array): void => {
    memory.ensure(address + data.byteLength + 64)
    memory.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address)
  }
  plan.model.views.forEach(({ view, operator }, index) => {
    const own = plan.blocks[index]
    if (own.size === 0) return
    // The arena is idle until the first run: constants pass through it on their way to the kernel's layout.
    let staging = plan.arenaStart
    const loader: Loader = {
      engine: exports,
      block: (role) => own.get(role)!,
      stage(values) {
        const at = staging
        const length = 'shape' in values ? constantBytes(values) : values.byteLength
        staging += roundUp(length + 64, 64)
        if (!('shape' in values)) copy(at, values)
        else if (values.read === undefined) copy(at, values.data)
        else {
          memory.ensure(at + length + 64)
          values.read(memory.bytes.subarray(at, at + length))
        }
        return at
      },
      write: (role, data) => copy(own.get(role)!, data),
    }
    operator.load(view, loader)
  })
  if (plan.preprocessing !== undefined) copy(plan.preprocessing.table, preprocessTables(plan))
  copy(programStart, program)
}
