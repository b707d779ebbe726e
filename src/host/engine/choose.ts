import { OcellusError } from '../errors.js'
import type { VerifiedModel } from '../graph/verify.js'
import { limits } from '../limits.js'
import { type Choice, cheapestChoice, forcedChoice, smallerChoice, withKernels } from '../plan/kernels.js'
import { type Plan, planModel } from '../plan/plan.js'
import type { Build } from './engine.js'
import { choices } from './measure.js'
import { platform } from './platform.js'
import { sampleKey } from './sample.js'

export interface KernelOptions {
  /**
   * Compute every node that can be by this kernel, the others by their operator's own. Default: the
   * fastest.
   */
  readonly kernel?: string
  /**
   * Milliseconds to measure kernels for on this machine, once: what was found is kept. 0: never
   * measure, expect. Default 10, for networks that take longer than that.
   */
  readonly tuneMs?: number
  /**
   * Bytes of memory that program, weights, activations and scratch may take: slower kernels are
   * used to stay within.
   */
  readonly maxMemory?: number
}

/** A network of less work is not worth measuring: about a millisecond of a fast core. */
const leastMacs = 5e7
/**
 * Plans a model with the kernels that are asked for, or fastest here, and fit the memory. Throws
 * E_OPTION, E_MODEL_LIMIT.
 */
export async function planKernels(
  model: VerifiedModel,
  threads: number,
  options: KernelOptions & { readonly build?: Build },
): Promise<Plan> {
  const { kernel, maxMemory = limits.memoryBytes } = options
  if (!(maxMemory > 0))
    throw new OcellusError('E_OPTION', `maxMemory is ${maxMemory}: give a number of bytes`)
  let choice = kernel === undefined ? await fastestChoice(model, options) : forcedChoice(model, kernel)
  for (;;) {
    const plan = planModel(withKernels(model, choice), threads)
    if (plan.end <= maxMemory) return plan
    const smaller = smallerChoice(model, choice, plan.end - maxMemory)
    if (kernel !== undefined || smaller === undefined) {
      throw new OcellusError(
        'E_MODEL_LIMIT',
        `the model needs ${plan.end} bytes of memory, more than ${maxMemory}: use a smaller input`,
      )
    }
    choice = smaller
  }
}

async function fastestChoice(
  model: VerifiedModel,
  { tuneMs = 10, build }: KernelOptions & { readonly build?: Build },
): Promise<Choice> {
  if (!(tuneMs >= 0)) throw new OcellusError('E_OPTION', `tuneMs is ${tuneMs}: give milliseconds`)
  const { tuning } = platform()
  const macs = model.views.reduce((sum, { view, operator }) => sum + operator.macs(view), 0)
  if (tuning === undefined || tuneMs === 0 || macs < leastMacs) return cheapestChoice(model)
  const kinds = choices(model)
  if (kinds.size === 0) return cheapestChoice(model)
  const wanted = { build, narrow: hasNarrowWeights(model), budgetMs: tuneMs }
  const fastest = await tuning.fastestKernels(kinds, wanted)
  return cheapestChoice(model, (view, candidates) => {
    const name = fastest.get(sampleKey(view, candidates))
    return candidates.some((candidate) => candidate.name === name) ? name : undefined
  })
}

/** Whether some of a network is faster in a relaxed build. */
export const hasNarrowWeights = (model: VerifiedModel): boolean =>
  model.views.some(({ view, operator }) => operator.narrow?.(view) ?? false)
