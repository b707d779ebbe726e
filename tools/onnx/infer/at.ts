import { OcellusError } from '../../../src/host/errors.js'
import { limits } from '../../../src/host/limits.js'
import type { RawNode, RawTensor } from '../file.js'
import {
  type Constant,
  count,
  type ElementType,
  isConstant,
  make,
  type Value,
  type Values,
} from '../value.js'

/** Why one node can't be converted; the reader collects these and tells all of them at once. */
export class Misfit extends Error {}

/**
 * What folding may allocate in all: the shape arithmetic of the largest exports takes a thousandth
 * of it.
 */
export class FoldBudget {
  #left = 1 << 24

  make(type: ElementType, dims: readonly number[]): Values {
    const length = checkedCount(dims)
    this.#left -= length
    if (this.#left < 0)
      throw new OcellusError('E_ONNX_LIMIT', 'constants computed from the file would take too much memory')
    return make(type, length)
  }
}

/** Elements of a shape that the file asks for. */
export function checkedCount(dims: readonly number[]): number {
  if (dims.length > 16) throw new Misfit(`a result would have ${dims.length} dimensions`)
  for (const side of dims)
    if (!Number.isSafeInteger(side) || side < 0) throw new Misfit(`a result would have the shape [${dims}]`)
  const length = count(dims)
  if (length > limits.elements) throw new Misfit(`a result would have ${length} elements`)
  return length
}

/** A node whose inputs are known by type and shape, and its attributes with their defaults. */
export class At {
  constructor(
    readonly node: RawNode,
    readonly opset: number,
    readonly inputs: readonly (Value | undefined)[],
    readonly budget: FoldBudget,
    readonly readTensor: (tensor: RawTensor) => Constant,
  ) {}

  has(index: number): boolean {
    return this.inputs[index] !== undefined
  }

  value(index: number): Value {
    const value = this.inputs[index]
    if (value === undefined) throw new Misfit(`input ${index} is missing`)
    return value
  }

  constant(index: number, what: string): Constant {
    const value = this.value(index)
    if (!isConstant(value)) throw new Misfit(`its ${what} depends on the input`)
    return value
  }

  /** A list of integers that may be an attribute in old opsets and is an input in new ones. */
  list(index: number, attribute: string, what: string): readonly number[] | undefined {
    if (this.has(index)) return [...this.constant(index, what).values]
    return this.ints(attribute)
  }

  int(name: string, otherwise: number): number {
    const value = this.node.attributes.get(name)?.integer ?? otherwise
    if (!Number.isSafeInteger(value)) throw new Misfit(`${name} is ${value}`)
    return value
  }

  ints(name: string): readonly number[] | undefined {
    return this.node.attributes.get(name)?.integers
  }

  float(name: string, otherwise: number): number {
    return this.node.attributes.get(name)?.number ?? otherwise
  }

  text(name: string, otherwise: string): string {
    const bytes = this.node.attributes.get(name)?.text
    return bytes === undefined ? otherwise : new TextDecoder().decode(bytes)
  }

  tensor(name: string): Constant | undefined {
    const tensor = this.node.attributes.get(name)?.tensor
    return tensor === undefined ? undefined : this.readTensor(tensor)
  }

  /** An axis in [0, rank), counted from the end where it is negative. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis
    if (!Number.isSafeInteger(axis) || counted < 0 || counted >= Math.max(rank, 1))
      throw new Misfit(`axis ${axis} of ${rank} dimensions`)
    return counted
  }

  /** Whether every input that is there is constant. */
  get folds(): boolean {
    return this.inputs.every((value) => value === undefined || isConstant(value))
  }

  /** A result of this type and shape; `fill` computes its values where the inputs are constant. */
  result(type: ElementType, dims: readonly number[], fill?: (into: Values) => void): Value {
    checkedCount(dims)
    if (fill === undefined || !this.folds) return { type, dims }
    const values = this.budget.make(type, dims)
    fill(values)
    return { type, dims, values }
  }
}

/**
 * Infers a node's results. Throws Misfit for what is no valid use of the operator, or not
 * supported.
 */
export type Infer = (at: At) => Value | readonly Value[]
