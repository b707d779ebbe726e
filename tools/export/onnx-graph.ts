import type { Quantization, Tensor } from '../../src/host/graph/types.js'
import type { OnnxNode, OnnxTensor, OnnxType } from './onnx-format.js'

/**
 * Collects the nodes and constants of an ONNX graph. A quantised tensor has a name for its bytes and one
 * for the real values that they stand for. The bytes are unsigned, ours plus 128, because only those does
 * ONNX Runtime fuse into int8 convolutions wherever it runs: of signed ones it leaves most in float32.
 */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = []
  readonly initializers = new Map<string, OnnxTensor>()
  readonly #real = new Set<string>()

  node(node: OnnxNode): void {
    this.nodes.push(node)
  }

  /** A constant, made once for each name; returns the name. */
  constant(name: string, type: OnnxType, dims: readonly number[], data: ArrayBufferView): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, dims, data })
    return name
  }

  /** Names of a scale and a zero point, as the last two inputs of Quantize- and DequantizeLinear. */
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
   * The name under which the real values of a tensor can be read. The DequantizeLinear that makes those
   * of a quantised tensor comes into being when they are first asked for: operators that only move values
   * read the bytes.
   */
  real({ name, quantization }: Pick<Tensor, 'name' | 'quantization'>): string {
    if (!quantization) return name
    const real = `${name}:real`
    if (!this.#real.has(name)) this.dequantize(name, real, quantization)
    this.#real.add(name)
    return real
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
