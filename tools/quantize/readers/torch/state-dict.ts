import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import { Tensor, type Value } from './values.js'

/** Keys under which training scripts keep the state dict, the likeliest first. */
const usualKeys = [
  'state_dict',
  'model_state_dict',
  'model',
  'generator',
  'generator_state_dict',
  'netG',
  'params_ema',
  'params',
]

/** What wrappers put before every name. */
const prefixes = ['module.', '_orig_mod.', 'model.', 'generator.', 'netG.']

/** How deep a state dict may be nested. */
const deepest = 3

/** Names and tensors of the state dict in what a checkpoint holds, without prefixes that all names share. */
export function findStateDict(root: Value, file: string): ReadonlyMap<string, Tensor> {
  const found = search(root, 0)
  if (found === undefined) {
    throw new OcellusError(
      'E_TORCH_STATE',
      `${file} holds no state dict, neither itself nor under ${usualKeys.join(', ')}: save with torch.save(model.state_dict(), file)`,
    )
  }
  if (found.size > limits.tensors) {
    throw new OcellusError('E_TORCH_STATE', `${file} has ${found.size} tensors, more than ${limits.tensors}`)
  }
  let tensors = found
  for (;;) {
    const prefix = prefixes.find((p) => [...tensors.keys()].every((name) => name.startsWith(p)))
    if (prefix === undefined) return tensors
    tensors = new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]))
  }
}

function search(value: Value, depth: number): Map<string, Tensor> | undefined {
  if (!(value instanceof Map)) return undefined
  const tensors = new Map<string, Tensor>()
  for (const [name, entry] of value) {
    if (typeof name === 'string' && entry instanceof Tensor) tensors.set(name, entry)
  }
  if (tensors.size > 0) return tensors
  if (depth === deepest) return undefined
  for (const key of usualKeys) {
    const inner = value.get(key)
    const found = inner === undefined ? undefined : search(inner, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
