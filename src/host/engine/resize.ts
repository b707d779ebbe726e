import { OcellusError } from '../errors.js'
import type { Model } from '../graph/types.js'
import { verifyModel } from '../graph/verify.js'
import { withKernels } from '../plan/kernels.js'
import { type Plan, planModel } from '../plan/plan.js'

/**
 * The plan of the same network with other sizes of its tensors, whose weights lie where the plan
 * has them.
 */
export function resizePlan(plan: Plan, model: Model, maxWork: number): Plan {
  const resized = planModel(withKernels(verifyModel(model, maxWork), plan.model.kernels ?? []), plan.threads)
  const addresses = ({ blocks, steps }: Plan): string => JSON.stringify([blocks.map((b) => [...b]), steps])
  if (addresses(resized) === addresses(plan)) return resized
  throw new OcellusError('E_OPTION', `${model.graph.name} is no other size of ${plan.model.graph.name}`)
}
