import type { ElementType } from '../elements.js'
import { Name, Opaque, Storage, Tensor, type Value } from './values.js'

/** Storage types, by the class that a pickle names. */
const storageTypes: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
}

export const storageType = (value: Value | undefined): ElementType | undefined =>
  value instanceof Name && value.module === 'torch' && Object.hasOwn(storageTypes, value.name)
    ? storageTypes[value.name]
    : undefined

/** Makes a value of a call's arguments; undefined where they don't fit. */
type Maker = (args: readonly Value[]) => Value | undefined

const tensor: Maker = ([storage, offset, shape, strides]) =>
  storage instanceof Storage && isSize(offset) && isSizes(shape) && isSizes(strides)
    ? new Tensor(storage, offset, shape, strides)
    : undefined

const wrapped: Maker = ([value]) => (value instanceof Tensor ? value : undefined)

const orderedDict: Maker = (args) => {
  if (args.length === 0) return new Map()
  const [pairs] = args
  if (!Array.isArray(pairs)) return undefined
  const made = new Map<Value, Value>()
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    made.set(pair[0], pair[1])
  }
  return made
}

/** All that a pickle may name and call. Whatever else it names is refused before anything is made of it. */
const makers: Readonly<Record<string, Maker>> = {
  'collections.OrderedDict': orderedDict,
  'torch._utils._rebuild_tensor': tensor,
  'torch._utils._rebuild_tensor_v2': tensor,
  'torch._utils._rebuild_parameter': wrapped,
  'torch._utils._rebuild_parameter_with_state': wrapped,
  'torch.Size': ([sizes]) => (Array.isArray(sizes) ? sizes : undefined),
  'torch.device': ([name]) => (typeof name === 'string' ? name : undefined),
  // The arguments that a training script stores beside its weights.
  'argparse.Namespace': () => new Opaque('argparse.Namespace'),
}

export const isAllowed = (name: Name): boolean =>
  Object.hasOwn(makers, String(name)) || storageType(name) !== undefined

/** What calling `name` gives; undefined where it can't be called so. */
export const call = (name: Name, args: readonly Value[]): Value | undefined =>
  Object.hasOwn(makers, String(name)) ? makers[String(name)](args) : undefined

const isSize = (value: Value | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isSizes = (value: Value | undefined): value is number[] => Array.isArray(value) && value.every(isSize)
