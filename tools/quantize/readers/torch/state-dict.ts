import { Dict, Opaque, Tensor, type Value } from './values.js'

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

/** How deep a state dict may be nested. */
const deepest = 4

/** Dicts that are looked through, and state dicts that are taken from them. */
const mostDicts = 10_000
const mostFound = 256

/**
 * A dict with tensors in it, and where in the file's object it stands: keys with points between
 * them.
 */
export interface StateDict {
  readonly path: string
  readonly tensors: ReadonlyMap<string, Tensor | Opaque>
}

/**
 * Every dict with tensors under names, the likeliest first: the outermost, then those under the
 * usual keys.
 */
export function stateDicts(root: Value): StateDict[] {
  const found: StateDict[] = []
  const seen = new Set<Value>()
  const search = (value: Value, path: readonly string[]): void => {
    const looked = seen.has(value) || seen.size >= mostDicts || found.length >= mostFound
    if (looked || path.length > deepest) return
    if (Array.isArray(value)) {
      seen.add(value)
      for (const [i, item] of value.slice(0, 16).entries()) search(item, [...path, String(i)])
    }
    if (!(value instanceof Dict)) return
    seen.add(value)
    const entries = [...value.map()].filter((entry): entry is [string, Value] => typeof entry[0] === 'string')
    const tensors = entries.filter((entry): entry is [string, Tensor | Opaque] => isTensor(entry[1]))
    if (tensors.length > 0) found.push({ path: path.join('.'), tensors: new Map(tensors) })
    // A stable sort: keys that are not usual keep the file's order.
    const inner = entries.filter(([, item]) => item instanceof Dict || Array.isArray(item))
    for (const [key, item] of inner.sort((a, b) => rank(a[0]) - rank(b[0]))) search(item, [...path, key])
  }
  search(root, [])
  return found
}

const isTensor = (value: Value): value is Tensor | Opaque =>
  value instanceof Tensor || (value instanceof Opaque && value.isTensor)

function rank(key: string): number {
  const at = usualKeys.indexOf(key)
  return at < 0 ? usualKeys.length : at
}

/** Where training scripts keep the settings that a network was trained with. */
const settingsKeys = ['args', 'config', 'cfg', 'hyper_parameters', 'hparams', 'opt', 'model_args']

/** Numbers, truth values and texts among the settings beside the weights, by name. */
export function settingsIn(root: Value): Map<string, number | boolean | string> {
  const settings = new Map<string, number | boolean | string>()
  if (!(root instanceof Dict)) return settings
  const outer = root.map()
  for (const key of settingsKeys) {
    const value = outer.get(key)
    const dict = value instanceof Opaque ? value.state : value
    if (!(dict instanceof Dict)) continue
    for (const [name, setting] of dict.map()) {
      const isPlain = ['number', 'boolean', 'string'].includes(typeof setting)
      if (typeof name === 'string' && isPlain && !settings.has(name))
        settings.set(name, setting as number | boolean | string)
    }
  }
  return settings
}
