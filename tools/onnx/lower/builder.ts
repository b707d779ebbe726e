import { OcellusError } from '../../../src/host/errors.js'
import type { AttributeValue, Constant, Node, Quantization, Tensor } from '../../../src/host/graph/types.js'
import { limits } from '../../../src/host/limits.js'
import { count } from '../value.js'
import { isDense, loops, transpose, type View } from './view.js'

/** Dimensions that one `rearrange` reads over: more are cut into several. */
const loopsOfRearrange = 6

/** Collects the tensors, nodes and constants of a model that is made from an ONNX graph. */
export class GraphBuilder {
  readonly tensors = new Map<string, Tensor>()
  readonly nodes: Node[] = []
  readonly constants = new Map<string, Constant>()
  /** Of tensors that the file quantises. */
  readonly scales = new Map<string, Quantization>()
  /** Of weights that the file has as int8, by the constant's name: one an output channel. */
  readonly weightScales = new Map<string, Float32Array>()
  readonly #names = new Map<string, number>()
  readonly #makers = new Map<string, number>()
  readonly #aliases = new Map<string, string[]>()
  /** What `realise` has made already, by tensor, loops and shape. */
  readonly #made = new Map<string, string>()

  /** A name that nothing has yet: `name`, or `name:2` and so on. */
  unique(name: string): string {
    const clean = name.replace(/[\p{Cc}\p{Cf}]/gu, '_').slice(0, 200) || 'value'
    const seen = this.#names.get(clean) ?? 0
    this.#names.set(clean, seen + 1)
    if (seen === 0) return clean
    return this.unique(`${clean}:${seen + 1}`)
  }

  tensor(name: string, shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): string {
    if (shape.some((side) => side > limits.dimension))
      throw new OcellusError(
        'E_ONNX_LIMIT',
        `${name} would be [${shape}]: no side may be over ${limits.dimension}`,
      )
    const unique = this.unique(name)
    this.tensors.set(unique, { name: unique, shape, dtype })
    return unique
  }

  shape(tensor: string): readonly number[] {
    return this.tensors.get(tensor)!.shape
  }

  elements(tensor: string): number {
    return count(this.shape(tensor))
  }

  constant(name: string, shape: readonly number[], data: Constant['data']): string {
    const unique = this.unique(name)
    const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int8Array ? 'int8' : 'int32'
    this.constants.set(unique, { name: unique, shape, dtype, data })
    return unique
  }

  /** Adds a node with one output, whose name is returned. Constants are given by role. */
  node(
    op: string,
    name: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    constants: Readonly<Record<string, { shape: readonly number[]; data: Constant['data'] }>> = {},
    dtype?: Tensor['dtype'],
  ): string {
    const output = this.tensor(
      name,
      shape,
      dtype ?? (inputs[0] ? this.tensors.get(inputs[0])!.dtype : 'float32'),
    )
    const roles = Object.entries(constants).map(([role, { shape: sides, data }]) => [
      role,
      this.constant(`${output}.${role}`, sides, data),
    ])
    this.#makers.set(output, this.nodes.length)
    this.nodes.push({
      name: `${this.nodes.length}_${op}`,
      op,
      inputs,
      outputs: [output],
      constants: Object.fromEntries(roles),
      attributes,
    })
    return output
  }

  /** Says that the weights of the node that makes a tensor were stored as int8. */
  keepWeightScales(tensor: string, scales: Float32Array | undefined): void {
    const node = this.nodes[this.makerOf(tensor)]
    if (scales !== undefined) this.weightScales.set(node.constants.weight, scales)
  }

  /** Index of the node that makes a tensor; -1 for inputs. */
  makerOf(tensor: string): number {
    return this.#makers.get(tensor) ?? -1
  }

  /** Says that a value of the ONNX graph is a view of this tensor. */
  named(tensor: string, value: string): void {
    this.#aliases.set(tensor, [...this.namesOf(tensor), value])
  }

  /** The values of the ONNX graph that are views of a tensor. */
  namesOf(tensor: string): readonly string[] {
    return this.#aliases.get(tensor) ?? []
  }

  /**
   * A tensor of this shape with the view's elements in the order of its dimensions, permuted by
   * `perm`. No data moves where the view is a whole tensor of this shape already.
   */
  realise(view: View, name: string, shape: readonly number[], perm?: readonly number[]): string {
    const ordered = perm === undefined ? view : transpose(view, perm)
    const own = this.shape(view.tensor)
    const dense = isDense(ordered, this.elements(view.tensor))
    if (dense && own.length === shape.length && own.every((side, d) => side === shape[d])) return view.tensor
    const { dims, strides } = loops(ordered)
    const key = JSON.stringify([view.tensor, view.offset, dims, strides, shape])
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = this.#rearrange(view, name, shape, dims, strides)
    this.#made.set(key, made)
    return made
  }

  /**
   * Copies elements into the order of these loops. More loops than a kernel has take several steps.
   */
  #rearrange(
    view: View,
    name: string,
    shape: readonly number[],
    dims: readonly number[],
    strides: readonly number[],
  ): string {
    if (dims.length > loopsOfRearrange)
      throw new OcellusError(
        'E_ONNX_OPERATOR',
        `${name} would be moved over ${dims.length} dimensions at once`,
      )
    const missing = loopsOfRearrange - dims.length
    return this.node('rearrange', name, [view.tensor], shape, {
      shape: [...shape],
      dims: [...new Array<number>(missing).fill(1), ...dims],
      strides: [...new Array<number>(missing).fill(0), ...strides],
      offset: view.offset,
    })
  }
}

/**
 * A shape [1, height, width, channels] for elements in this order: the last dimension is the
 * channels.
 */
export function shapeOf(dims: readonly number[]): [number, number, number, number] {
  const channels = dims.at(-1) ?? 1
  const width = dims.at(-2) ?? 1
  const height = count(dims.slice(0, -2))
  return [1, height, width, channels]
}

/** The tokens [1, 1, rows, channels] of elements in this order. */
export const rowsOf = (dims: readonly number[]): [number, number, number, number] => [
  1,
  1,
  count(dims.slice(0, -1)),
  dims.at(-1) ?? 1,
]
