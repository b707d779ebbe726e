import type { AttributeValue, Node } from '../../../src/host/graph/types.js'
import type { At } from '../infer/at.js'
import { Misfit } from '../infer/at.js'
import { type Constant, isConstant, isFloat, type Value } from '../value.js'
import { type GraphBuilder, shapeOf } from './builder.js'
import { denseOrder, featureMap, plain, transpose, type View } from './view.js'

/** Where a node's values lie, and how it writes its own. */
export class Lowering {
  constructor(
    readonly at: At,
    readonly builder: GraphBuilder,
    private readonly views: Map<string, View>,
    private readonly values: ReadonlyMap<string, Value>,
    /** How often each value is read, by nodes and as an output. */
    private readonly uses: ReadonlyMap<string, number>,
  ) {}

  get name(): string {
    return this.at.node.outputs[0]
  }

  has(index: number): boolean {
    return this.at.has(index)
  }

  isConstant(index: number): boolean {
    return isConstant(this.at.value(index))
  }

  constant(index: number, what: string): Constant {
    return this.at.constant(index, what)
  }

  dims(index: number): readonly number[] {
    return this.at.value(index).dims
  }

  /** The result's shape, by ONNX. */
  outputDims(index = 0): readonly number[] {
    return this.values.get(this.at.node.outputs[index])!.dims
  }

  /** What a number of an input's own type means: that of bytes depends on their scale. */
  realOf(index: number): (value: number) => number {
    const { type } = this.at.value(index)
    if (type !== 'int8' && type !== 'uint8') return (value) => value
    const known = this.builder.scales.get(this.view(index).tensor)
    if (known === undefined) throw new Misfit('bytes without a scale')
    const zeroPoint = known.zeroPoint + (type === 'uint8' ? 128 : 0)
    return (value) => Math.fround((value - zeroPoint) * known.scale)
  }

  /** The view of an input. A constant becomes a tensor of its own. */
  view(index: number): View {
    const name = this.at.node.inputs[index]
    const known = this.views.get(name)
    if (known !== undefined) return known
    const value = this.at.value(index)
    if (!isConstant(value)) throw new Misfit(`input ${index} has no values`)
    const shape = shapeOf(value.dims)
    const tensor = this.builder.node(
      'constant',
      name,
      [],
      shape,
      { shape },
      {
        value: {
          shape,
          data: isFloat(value.type) ? Float32Array.from(value.values) : Int32Array.from(value.values),
        },
      },
      isFloat(value.type) ? 'float32' : 'int32',
    )
    const view = plain(tensor, value.dims)
    this.views.set(name, view)
    return view
  }

  /** The tensor [1, height, width, channels] of an input [1, channels, height, width]. */
  map(index: number): string {
    const [n, c, h, w] = this.mapDims(index)
    if (n !== 1) throw new Misfit(`a batch of ${n}: one is supported`)
    return this.builder.realise(
      this.view(index),
      `${this.at.node.inputs[index]}:map`,
      [1, h, w, c],
      [0, 2, 3, 1],
    )
  }

  mapDims(index: number): [number, number, number, number] {
    const dims = this.dims(index)
    if (dims.length !== 4) throw new Misfit(`an input [${dims}]; [1, channels, height, width] is supported`)
    return [dims[0], dims[1], dims[2], dims[3]]
  }

  /** A tensor with an input's elements in ONNX's own order. */
  ordered(index: number, shape: readonly number[] = shapeOf(this.dims(index))): string {
    return this.builder.realise(this.view(index), `${this.at.node.inputs[index]}:plain`, shape)
  }

  /** Gives the result's view. */
  give(view: View, index = 0): void {
    const name = this.at.node.outputs[index]
    this.views.set(name, view)
    this.builder.named(view.tensor, name)
  }

  /**
   * The result is a tensor [1, height, width, channels] that stands for [1, channels, height,
   * width].
   */
  giveMap(tensor: string): void {
    this.give(featureMap(tensor, this.outputDims()))
  }

  /** The result is a tensor whose elements are in ONNX's own order. */
  givePlain(tensor: string, index = 0): void {
    this.give(plain(tensor, this.outputDims(index)), index)
  }

  /**
   * An input as a whole tensor in whatever order it lies in: what works on each element alone needs
   * no other.
   * `wrap` gives the view of a tensor of the same shape whose elements lie alike.
   */
  loose(index: number): { tensor: string; wrap: (tensor: string) => View } {
    const view = this.view(index)
    const { builder } = this
    const order = denseOrder(view, builder.elements(view.tensor))
    if (order !== undefined) return { tensor: view.tensor, wrap: (tensor) => ({ ...view, tensor }) }
    // What lies apart is gathered in the order that it lies in, so that a map stays a map.
    const lying = view.dims
      .map((_, d) => d)
      .sort((a, b) => Math.abs(view.strides[b]) - Math.abs(view.strides[a]) || a - b)
    const dims = lying.map((d) => view.dims[d])
    const tensor = builder.realise(view, `${this.at.node.inputs[index]}:whole`, shapeOf(dims), lying)
    const back = lying.map((_, d) => lying.indexOf(d))
    return { tensor, wrap: (made) => transpose(plain(made, dims), back) }
  }

  /**
   * The node of ours that makes an input and whose result nothing else reads, if it is one of
   * these.
   */
  #producer(index: number, ops: readonly string[]): { place: number; node: Node; view: View } | undefined {
    const { builder } = this
    const view = this.views.get(this.at.node.inputs[index])
    if (view === undefined) return undefined
    const place = builder.makerOf(view.tensor)
    const node = builder.nodes[place]
    // What the file rounds in between is no sum any more.
    if (node === undefined || !ops.includes(node.op) || builder.scales.has(view.tensor)) return undefined
    if (node.attributes.activation !== 'linear' && node.op !== 'linear') return undefined
    if (denseOrder(view, builder.elements(view.tensor)) === undefined) return undefined
    // Every name that the tensor goes by is read once: by what made the next name of it, and at
    // last by this node.
    const names = builder.namesOf(view.tensor)
    return names.every((name) => this.uses.get(name) === 1) ? { place, node, view } : undefined
  }

  /** Lets the node that makes an input compute the activation. */
  fuse(index: number, attributes: Readonly<Record<string, AttributeValue>>): boolean {
    const found = this.#producer(index, ['conv', 'convTranspose', 'add'])
    if (found === undefined) return false
    const { place, node } = found
    this.builder.nodes[place] = { ...node, attributes: { ...node.attributes, ...attributes } }
    this.give(found.view)
    return true
  }

  /**
   * x * sigmoid(x) is one curve, swish, and x * hardSigmoid(x) with slope 1/6 is hardSwish: lets
   * the node that makes `gate` compute the product with `index`, where it is made of that alone.
   */
  gate(index: number, gate: number): boolean {
    const { builder } = this
    const [view, gated] = [index, gate].map((n) => this.views.get(this.at.node.inputs[n]))
    if (
      view === undefined ||
      gated === undefined ||
      builder.scales.has(gated.tensor) ||
      this.dims(index).join() !== this.dims(gate).join()
    )
      return false
    const place = builder.makerOf(gated.tensor)
    const node = builder.nodes[place]
    if (node?.op !== 'activation' || node.inputs[0] !== view.tensor) return false
    if (gated.offset !== view.offset || gated.strides.join() !== view.strides.join()) return false
    if (builder.namesOf(gated.tensor).some((name) => this.uses.get(name) !== 1)) return false
    const { kind, alpha, beta } = node.attributes
    const isHard = kind === 'hardSigmoid' && beta === 0.5 && Math.abs(Number(alpha) - 1 / 6) < 1e-6
    if (kind !== 'logistic' && !isHard) return false
    builder.nodes[place] = { ...node, attributes: { kind: isHard ? 'hardSwish' : 'swish' } }
    this.give(gated)
    return true
  }

  /**
   * Lets the convolution or linear layer that makes an input add a constant of one value a channel.
   */
  fuseBias(index: number, bias: Constant): boolean {
    const found = this.#producer(index, ['conv', 'convTranspose', 'linear'])
    if (found === undefined) return false
    const dims = this.dims(index)
    const axis = found.node.op === 'linear' ? dims.length - 1 : 1
    const lead = dims.length - bias.dims.length
    const along = bias.dims.every((side, d) => side === 1 || (d + lead === axis && side === dims[axis]))
    const held = this.builder.constants.get(found.node.constants.bias)
    if (!along || bias.dims.length > dims.length || held === undefined || held.shape.length !== 1)
      return false
    const { values } = bias
    held.data.forEach((value, n) => {
      held.data[n] = value + values[values.length === 1 ? 0 : n]
    })
    this.give(found.view)
    return true
  }
}

/** Writes one ONNX node as nodes of ours. Throws Misfit for what has no meaning here. */
export type Lower = (lowering: Lowering) => void
