import type { PackExports } from '../program/exports.js'
import type { Instruction } from '../program/instruction.js'
import type { AttributeValue, Constant, DType, Node, Tensor } from './types.js'

/** A node with its tensors and constants looked up. */
export interface NodeView {
  readonly node: Node
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
  readonly constants: Readonly<Record<string, Constant>>
}

/** A tensor's place in linear memory: address of its first channel, bytes from pixel to pixel. */
export interface Place {
  readonly address: number
  readonly stride: number
}

/** Writes a node's constants into linear memory, once, when a session is created. */
export interface Loader {
  readonly engine: PackExports
  /** Address of the block that the operator asked for under this role. */
  block(role: string): number
  /** Copies values to a staging area that lasts until the node is loaded; returns their address. */
  stage(data: Int8Array | Float32Array | Int32Array | Constant): number
  write(role: string, data: Int8Array | Float32Array | Int32Array): void
}

/** Where a node's tensors, blocks and scratch lie, when its instruction is written. */
export interface Placement {
  input(index: number): Place
  readonly output: Place
  block(role: string): number
  /**
   * The first thread's scratch; the planner keeps `scratchBytes` for each thread and tells the
   * engine how far apart.
   */
  readonly scratch: number
}

/** Memory for constants in the form that the kernel reads. */
export interface Block {
  readonly role: string
  readonly bytes: number
}

/** How a node is computed: its constants in memory, its scratch, its instruction. */
export interface Implementation {
  /** For each thread. */
  scratchBytes(view: NodeView): number
  blocks(view: NodeView): readonly Block[]
  load(view: NodeView, loader: Loader): void
  emit(view: NodeView, place: Placement): Instruction
}

/**
 * Another implementation of an operator, for some of its nodes: faster or smaller, with the same
 * bytes.
 */
export interface Kernel extends Implementation {
  readonly name: string
  fits(view: NodeView): boolean
  /** Multiply-accumulates of the operator's own implementation that take as long, roughly. */
  cost(view: NodeView): number
}

/**
 * Where the int8 form of an operator takes the scale of its output from.
 * - `keeps`: it moves or selects values, so its inputs and its output share one scale and zero
 *   point.
 * - `fresh`: its output has values of its own, whose scale is calibrated.
 * - `weights`: the same, and its `weight` and `bias` are quantised per output channel, with a
 *   `weightScale`.
 * - `table`: the same, and it looks its output up in a `table` of the 256 values of `curve`.
 */
export const scaleRules = ['keeps', 'fresh', 'weights', 'table'] as const

/**
 * The int8 form of an operator whose tensors stay float32: its kernel quantises them on their way
 * in.
 */
export interface DynamicForm {
  /** Its weights are quantised per output channel, with a `weightScale`. */
  readonly weights: boolean
  /** Attributes that the int8 form adds, for weights of so many bits. */
  attributes(bits: 7 | 8): Readonly<Record<string, number>>
}

export interface OperatorDescriptor extends Implementation {
  readonly op: string
  readonly scales: (typeof scaleRules)[number]
  /** Of `table`: the function that a node computes. */
  curve?(node: Node): (x: number) => number
  /** Whether a node with an int8 input can write float32: its exact sums times the scale. */
  writesFloat?(node: Node): boolean
  /** Of `weights`: the share of its taps that an output takes, on average. Default: 1. */
  tapShare?(view: NodeView): number
  /**
   * Whether a positive factor on a channel comes out as that factor on the same channel of the
   * output: a factor on the channel's weights and bias, or on its input where there are none.
   */
  passesFactors?(node: Node): boolean
  /** Whether each output channel has weights for one input channel alone. */
  depthwise?(view: NodeView): boolean
  /** Of an operator that has no int8 tensors. */
  readonly dynamic?: DynamicForm
  /** Whether the node's weights have the 7 bits that relaxed products are for. */
  narrow?(view: NodeView): boolean
  /** Implementations beside its own, which serves every node. */
  readonly kernels?: readonly Kernel[]
  /**
   * Types of its inputs and its output that it can have at all; `infer` checks how they go
   * together.
   */
  readonly types: readonly DType[]
  /** Smallest and largest number of inputs. */
  readonly arity: readonly [number, number]
  readonly attributes: Readonly<Record<string, AttributeRule>>
  /** Roles of the constants, by the type of the node's input. */
  constantRoles(view: NodeView): readonly string[]
  /**
   * Checks what the tables above can't say, and returns the output's shape. Throws OcellusError.
   */
  infer(view: NodeView): readonly number[]
  /**
   * Roles whose values nothing looks at before `load`, which checks them: those of a large file are
   * read there.
   */
  readonly lateRoles?: readonly string[]
  /** Something is proven of its int8 weights by their sums, a row an output channel. */
  readonly summed?: boolean
  /**
   * The same for some of its output channels, eight or a multiple from a multiple of eight on;
   * undefined where that can't be.
   */
  slice?(view: NodeView, first: number, channels: number): NodeView | undefined
  /** Multiply-accumulates of one inference. */
  macs(view: NodeView): number
  /**
   * Work of one inference in the units of graph/work.ts. Default: `macs`, and what moving the output
   * takes.
   */
  work?(view: NodeView): number
  /** What its own implementation costs, to compare with that of its kernels. Default: `macs`. */
  cost?(view: NodeView): number
  /**
   * Of `count` of `places` patches, when the operator works on those that the session has chosen:
   * block `indices`.
   */
  selection?(view: NodeView): { readonly places: number; readonly count: number }
  /**
   * Which of its inputs holds indices, and of how many rows: an index is -rows to rows - 1,
   * negative ones count from the end. What a caller gives is held to it.
   */
  indexed?(view: NodeView): { readonly input: number; readonly rows: number }
  /** A pixelwise operator may write over its first input. */
  readonly inPlace: boolean
  /**
   * `kernel` runs code; `slice` is a view of its input; `concat` is made of views by its producers.
   */
  readonly storage: 'kernel' | 'slice' | 'concat'
}

/**
 * What an attribute may be. Unknown attributes are refused, so that no setting is silently ignored.
 */
export type AttributeRule =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly optional?: boolean }
  | { readonly kind: 'integers'; readonly length: number; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly optional?: boolean }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly optional?: boolean }

export function attribute(view: NodeView, name: string): AttributeValue | undefined {
  return Object.hasOwn(view.node.attributes, name) ? view.node.attributes[name] : undefined
}

export function integer(view: NodeView, name: string, otherwise = 0): number {
  const value = attribute(view, name)
  return typeof value === 'number' ? value : otherwise
}

export function integers(view: NodeView, name: string): readonly number[] {
  const value = attribute(view, name)
  return Array.isArray(value) ? value : []
}

export function choice(view: NodeView, name: string, otherwise: string): string {
  const value = attribute(view, name)
  return typeof value === 'string' ? value : otherwise
}

/** Bytes of one element. */
export const elementBytes: Readonly<Record<DType, number>> = { int8: 1, int32: 4, float32: 4 }

/** Bytes of a constant's values, told without reading them. */
export const constantBytes = ({ dtype, shape }: Constant): number => elements(shape) * elementBytes[dtype]

export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Pixels of a feature map: all dimensions but the last. */
export const pixelCount = (shape: readonly number[]): number => elements(shape.slice(0, -1))

export const channelCount = (shape: readonly number[]): number => shape[shape.length - 1]

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple
