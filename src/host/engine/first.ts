import { bytesOf } from '../graph/ops/shared.js'
import { type FirstPlan, partsOf, placeBlocks } from '../plan/first.js'
import { type Plan, programStart } from '../plan/plan.js'
import { encode } from '../program/encode.js'
import { instructionBytes } from '../program/instruction.js'
import type { Engine } from './engine.js'
import { loaderOf } from './load.js'

/**
 * Runs a network for the first time, on a picture that was set: `execute` runs one instruction at
 * an address.
 */
export function runFirst(
  plan: Plan,
  { nodes, instruction, scratch, staging, blocks }: FirstPlan,
  engine: Engine,
  execute: (address: number, instruction: number) => void,
): void {
  // A model that takes pictures: the preprocessing is the first instruction.
  execute(programStart, 0)
  plan.steps.forEach((step, n) => {
    const by = step.kind === 'copy' ? undefined : nodes.get(step.index)
    if (step.kind === 'copy' || by === undefined) {
      execute(programStart + (n + 1) * instructionBytes, n + 1)
      return
    }
    const { view: whole } = plan.model.views[step.index]
    const output = plan.places.get(whole.output.name)!
    for (const { view, channel } of partsOf(whole, by)) {
      const { addresses } = placeBlocks(by.blocks(view), blocks)
      by.load(view, loaderOf(engine, addresses, staging))
      const placement = {
        input: (i: number) => plan.places.get(view.inputs[i].name)!,
        output: { ...output, address: output.address + channel * bytesOf(view.output) },
        block: (role: string) => addresses.get(role)!,
        scratch,
      }
      engine.memory.words.set(encode(by.emit(view, placement)), instruction / 4)
      execute(instruction, n + 1)
    }
  })
}
