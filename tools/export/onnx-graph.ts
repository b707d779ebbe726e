import type { NodeView } from '../../src/host/graph/descriptor.js'
import type { Quantization, Tensor } from '../../src/host/graph/types.js'
import type { OnnxNode, OnnxTensor, OnnxType } from '../onnx/format.js'

/** Writes one of our nodes as ONNX nodes. Feature maps are NCHW there. */
export type Writer = (view: NodeView, graph: OnnxGraph) => void

/**
 * Collects the nodes and constants of an ONNX graph. A quantised tensor has a name for its bytes
 * and one for the real values that they stand for. The bytes are unsigned, ours plus 128, because
 * only those does ONNX Runtime fuse into int8 convolutions wherever it runs: of signed ones it
 * leaves most in float32.
 */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = []
  readonly initializers = new Map<string, OnnxTensor>()
  /** Tensors that have both. */
  readonly #both = new Set<string>()

  node(node: OnnxNode): void {
    this.nodes.push(node)
  }

  /** A constant, made once for each name; returns the name. */
  constant(name: string, type: OnnxType, dims: readonly number[], data: ArrayBufferView): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, dims, data })
    return name
  }

  /**
   * Names of a scale and a zero point, as the last two inputs of Quantize- and DequantizeLinear.
   */
  scale(tensor: string, { scale, zeroPoint }: Quantization): [string, string] {
    return [
      this.constant(`${tensor}:scale`, 'float32', [], Float32Array.of(scale)),
      this.constant(`${tensor}:zero_point`, 'uint8', [], Uint8Array.of(zeroPoint + 128)),
    ]
  }

  /** Makes the bytes `tensor:bytes` from the real values called `from`. */
  quantize(tensor: string, from: string, quantization: Quantization): void {
    this.node({
      name: `${tensor}:quantize`,
      op: 'QuantizeLinear',
      inputs: [from, ...this.scale(tensor, quantization)],
      outputs: [bytes(tensor)],
    })
  }

  /**
   * The name under which the real values of a tensor can be read. The DequantizeLinear that makes
   * those of a quantised tensor comes into being when they are first asked for: operators that only
   * move values read the bytes.
   */
  real({ name, quantization }: Pick<Tensor, 'name' | 'quantization'>): string {
    if (!quantization) return name
    const real = `${name}:real`
    if (!this.#both.has(name)) this.dequantize(name, real, quantization)
    this.#both.add(name)
    return real
  }

  /**
   * The names of the bytes that float32 values become by their own range, and of their scale and
   * zero point.
   */
  dynamic(tensor: string): [bytes: string, scale: string, zeroPoint: string] {
    const names: [string, string, string] = [bytes(tensor), `${tensor}:scale`, `${tensor}:zero_point`]
    if (!this.#both.has(tensor))
      this.node({
        name: `${tensor}:quantize`,
        op: 'DynamicQuantizeLinear',
        inputs: [tensor],
        outputs: names,
      })
    this.#both.add(tensor)
    return names
  }

  dequantize(tensor: string, to: string, quantization: Quantization): void {
    this.node({
      name: `${to}:dequantize`,
      op: 'DequantizeLinear',
      inputs: [bytes(tensor), ...this.scale(tensor, quantization)],
      outputs: [to],
    })
  }
}

/** The name of the bytes of a quantised tensor. */
export const bytes = (tensor: string) => `${tensor}:bytes`

/**
 * The name under which operators that only move values read or write a tensor: its bytes, if it has
 * any.
 */
export const stored = ({ name, quantization }: Tensor) => (quantization ? bytes(name) : name)
