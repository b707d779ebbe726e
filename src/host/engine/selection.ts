import { OcellusError } from '../errors.js'
import type { Plan } from '../plan/plan.js'
import { told } from '../shown.js'
import type { EngineMemory } from './memory.js'

/** Tells every operator that sees some of the patches which ones, and in what order. */
export function selectPatches(plan: Plan, memory: EngineMemory, indices: readonly number[]): void {
  const chosen = plan.model.views.flatMap(({ view, operator }, index) => {
    const selection = operator.selection?.(view)
    return selection === undefined ? [] : [{ ...selection, at: plan.blocks[index].get('indices')! }]
  })
  if (chosen.length === 0) throw new OcellusError('E_OPTION', 'the model has no patches to choose from')
  for (const { places, count } of chosen) checkSelection(indices, places, count)
  for (const { at } of chosen) memory.words.set(indices, at / 4)
}

/** The engine trusts these numbers. */
function checkSelection(indices: readonly number[], places: number, count: number): void {
  const bad = indices.findIndex((index) => !Number.isInteger(index) || index < 0 || index >= places)
  if (indices.length === count && bad < 0 && new Set(indices).size === count) return
  const found =
    indices.length !== count
      ? `${indices.length} patches`
      : bad < 0
        ? 'a patch twice'
        : `the patch ${told(indices[bad])}`
  throw new OcellusError('E_OPTION', `the selection has ${found}; it must be ${count} of 0 to ${places - 1}`)
}
