import type { Graph, Node, Quantization, Tensor } from '../../../src/host/graph/types.js'

/**
 * The tensors and nodes of a network some of whose tensors become int8, and the conversions between
 * int8 and float32 that it needs: each is made once, just before the first node that reads it;
 * those of the network's outputs at the end.
 */
export class Conversions {
  readonly nodes: Node[] = []
  readonly #tensors: Tensor[] = []
  readonly #byName: Map<string, Tensor>
  /** Names of float tensors that became int8. */
  readonly #int8 = new Map<string, string>()
  /** What a converted tensor is called, by the name of the one that it is made of. */
  readonly #made = new Map<string, string>()
  readonly #taken: Set<string>

  /** `int8` names the float32 tensors that become int8. */
  constructor(
    readonly graph: Graph,
    readonly scales: ReadonlyMap<string, Quantization>,
    int8: ReadonlySet<string>,
  ) {
    this.#byName = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
    this.#taken = new Set(this.#byName.keys())
    for (const tensor of graph.tensors) {
      if (!int8.has(tensor.name)) this.#tensors.push(tensor)
      else {
        // An output keeps its name, which its float32 form has.
        const name = graph.outputs.includes(tensor.name) ? this.#free(`${tensor.name}_int8`) : tensor.name
        this.#int8.set(tensor.name, name)
        this.#tensors.push(this.#int8Form(tensor, name))
      }
    }
  }

  /** What the tensor is called that takes the place of one of the float network. */
  nameOf(name: string): string {
    return this.#int8.get(name) ?? name
  }

  /** The name under which a node reads a tensor, converted where it has the other type. */
  read({ name, dtype }: Tensor, int8: boolean): string {
    const own = this.nameOf(name)
    // Labels, and what was int8 in the float network, stay as they are.
    if (dtype !== 'float32' || int8 === this.#int8.has(name)) return own
    const known = this.#made.get(name)
    return known ?? this.#convert(name, int8 ? this.#free(`${name}_int8`) : this.#floatName(name))
  }

  /** All tensors and nodes, those that make the network's outputs float32 at the end. */
  finish(): Pick<Graph, 'tensors' | 'nodes'> {
    for (const name of this.graph.outputs)
      if (this.#int8.has(name) && !this.#made.has(name)) this.#convert(name, name)
    return { tensors: this.#tensors, nodes: this.nodes }
  }

  #convert(name: string, to: string): string {
    const tensor = this.#byName.get(name)!
    const isInt8 = this.#int8.has(name)
    this.#tensors.push(isInt8 ? { ...tensor, name: to } : this.#int8Form(tensor, to))
    const op = isInt8 ? 'dequantize' : 'quantize'
    this.nodes.push({
      name: `${name}_${op}`,
      op,
      inputs: [this.nameOf(name)],
      outputs: [to],
      constants: {},
      attributes: {},
    })
    this.#made.set(name, to)
    return to
  }

  #floatName(name: string): string {
    return this.graph.outputs.includes(name) ? name : this.#free(`${name}_float32`)
  }

  #int8Form(tensor: Tensor, name: string): Tensor {
    return { ...tensor, name, dtype: 'int8', quantization: this.scales.get(tensor.name)! }
  }

  /** A name that no tensor has. */
  #free(wanted: string): string {
    let name = wanted
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}_${n}`
    this.#taken.add(name)
    return name
  }
}
