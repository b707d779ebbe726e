import { loadEngine } from '../../src/host/engine/build.js'
import { loadPlan } from '../../src/host/engine/load.js'
import { roundUp } from '../../src/host/graph/descriptor.js'
import { memoryOf, type Plan } from '../../src/host/plan/plan.js'
import { compileProgram } from '../../src/host/plan/program.js'

/** Where the addresses of a plan for firmware begin: each kind of memory at a number of its own. */
export const arenaBase = 0x10000000
export const flashBase = 0x40000000

/** Constants of one layer in flash. */
export interface FlashPart {
  readonly name: string
  readonly role: string
  readonly offset: number
  readonly bytes: number
}

/** Constants as the kernels read them, one behind the other, aligned to words. */
export async function packConstants(planned: Plan) {
  const engine = await loadEngine(memoryOf(planned), { build: 'scalar' })
  const parts: FlashPart[] = []
  const contents: Uint8Array[] = []
  let end = 0
  const add = (name: string, role: string, bytes: Uint8Array): number => {
    parts.push({ name, role, offset: end, bytes: bytes.length })
    contents.push(bytes)
    const at = end
    end = roundUp(end + bytes.length, 4)
    return flashBase + at
  }
  try {
    loadPlan(planned, compileProgram(planned), engine)
    const read = (address: number, bytes: number): Uint8Array =>
      engine.memory.bytes.slice(address, address + bytes)
    const input = planned.model.tensorsByName.get(planned.model.graph.inputs[0])!
    const tableBytes = 3 * 256 * (input.dtype === 'int8' ? 1 : 4)
    const table =
      planned.preprocessing === undefined
        ? 0
        : add('preprocess', 'table', read(planned.preprocessing.table, tableBytes))
    const blocks = planned.model.views.map(({ view, operator }, n) => {
      const own = new Map<string, number>()
      for (const { role, bytes } of operator.blocks(view))
        own.set(role, add(view.node.name, role, read(planned.blocks[n].get(role)!, bytes)))
      return own
    })
    const bytes = (): Uint8Array => {
      const all = new Uint8Array(end)
      for (const [n, { offset }] of parts.entries()) all.set(contents[n], offset)
      return all
    }
    return { addresses: { table, blocks }, parts, add, bytes }
  } finally {
    engine.close()
  }
}
