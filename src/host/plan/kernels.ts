import { OcellusError } from '../errors.js'
import type { Implementation, NodeView, OperatorDescriptor } from '../graph/descriptor.js'
import type { VerifiedModel } from '../graph/verify.js'

/** The implementation that every operator has. */
export const direct = 'direct'

/**
 * What a node can be computed by: its operator's own implementation first, under the name `direct`.
 */
export interface Candidate extends Implementation {
  readonly name: string
  /**
   * Multiply-accumulates that take as long as this does, roughly: to compare candidates before they
   * are measured.
   */
  cost(view: NodeView): number
}

/** A node's proofs are not made again for each look at its candidates. */
const known = new WeakMap<NodeView, { readonly operator: OperatorDescriptor; readonly list: Candidate[] }>()
const owns = new WeakMap<OperatorDescriptor, Candidate>()

export function candidatesOf(view: NodeView, operator: OperatorDescriptor): readonly Candidate[] {
  const found = known.get(view)
  if (found?.operator === operator) return found.list
  const list = [ownCandidate(operator), ...(operator.kernels ?? []).filter((kernel) => kernel.fits(view))]
  known.set(view, { operator, list })
  return list
}

function ownCandidate(operator: OperatorDescriptor): Candidate {
  const known = owns.get(operator)
  if (known !== undefined) return known
  const cost = operator.cost ?? operator.macs
  const own = { ...operator, name: direct, cost: (view: NodeView) => cost(view) }
  owns.set(operator, own)
  return own
}

/** The name of the candidate that each node of a model is computed by. */
export type Choice = readonly string[]

/** The kernel that is asked for, where it fits a node, and the operator's own elsewhere. */
export function forcedChoice(model: VerifiedModel, name: string): Choice {
  const names = model.views.map(({ view, operator }) =>
    candidatesOf(view, operator).some((candidate) => candidate.name === name) ? name : direct,
  )
  if (name !== direct && !names.includes(name)) {
    throw new OcellusError(
      'E_OPTION',
      `no layer of ${model.graph.name} can be computed by the kernel ${name}`,
    )
  }
  return names
}

/** The candidates of least cost; `measured` knows better for some. */
export function cheapestChoice(
  model: VerifiedModel,
  measured: (view: NodeView, candidates: readonly Candidate[]) => string | undefined = () => undefined,
): Choice {
  return model.views.map(({ view, operator }) => {
    const candidates = candidatesOf(view, operator)
    if (candidates.length === 1) return direct
    return measured(view, candidates) ?? cheapest(view, candidates).name
  })
}

export function cheapest(view: NodeView, candidates: readonly Candidate[]): Candidate {
  return candidates.reduce((best, next) => (next.cost(view) < best.cost(view) ? next : best))
}

/** The model with each node computed as chosen. */
export function withKernels(model: VerifiedModel, choice: Choice): VerifiedModel {
  const views = model.views.map(({ view, operator }, i) => {
    const kernel = operator.kernels?.find(({ name }) => name === choice[i])
    if (kernel === undefined) return { view, operator }
    const { scratchBytes, blocks, load, emit } = kernel
    return { view, operator: { ...operator, scratchBytes, blocks, load, emit } }
  })
  return { ...model, views, kernels: choice }
}

/**
 * A choice whose constants take at least `excess` bytes less: the nodes that save most for the time
 * that they lose change first. Undefined when nothing more can be saved.
 */
export function smallerChoice(model: VerifiedModel, choice: Choice, excess: number): Choice | undefined {
  const bytesOf = (view: NodeView, { blocks }: Candidate): number =>
    blocks(view).reduce((sum, block) => sum + block.bytes, 0)
  const savings = model.views.flatMap(({ view, operator }, index) => {
    const candidates = candidatesOf(view, operator)
    const now = candidates.find(({ name }) => name === choice[index])!
    return candidates
      .map((next) => ({
        index,
        name: next.name,
        saved: bytesOf(view, now) - bytesOf(view, next),
        lost: Math.max(1, next.cost(view) - now.cost(view)),
      }))
      .filter(({ saved }) => saved > 0)
  })
  if (savings.length === 0) return undefined
  const smaller = [...choice]
  const changed = new Set<number>()
  for (const { index, name, saved } of savings.sort((a, b) => b.saved / b.lost - a.saved / a.lost)) {
    if (excess <= 0) break
    if (changed.has(index)) continue
    changed.add(index)
    smaller[index] = name
    excess -= saved
  }
  return smaller
}
