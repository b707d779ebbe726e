import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeModel } from '../src/host/graph/file.js'
import { isInt8 } from '../src/host/graph/precision.js'
import type { Model, Tensor } from '../src/host/graph/types.js'
import { exportOnnx } from '../tools/export/onnx.js'
import type { Job, NamedShape, Runtime } from './contender.js'
import { planar, quantized, testInput, testPicture } from './input.js'

type Files = Pick<Job, 'model' | 'input'>

export interface FrameSize {
  readonly width: number
  readonly height: number
}

/** A folder of files for contenders to start from, made once for all of them. */
export class Preparation {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ocellus-bench-'))
  #files = 0

  #write(data: string | Uint8Array | Int8Array | Float32Array): string {
    const file = join(this.#folder, String(this.#files++))
    writeFileSync(file, data)
    return file
  }

  frame({ width, height }: FrameSize): NonNullable<Job['frame']> {
    return { file: this.#write(testPicture(height, width, 4)), width, height }
  }

  model(model: Model): Prepared {
    const { graph } = model
    const tensor = (name: string): Tensor => graph.tensors.find((t) => t.name === name)!
    const input = tensor(graph.inputs[0])
    const values = testInput(graph, input)
    const stored = input.quantization ? quantized(values, input.quantization) : values
    const file = this.#write(stored)
    const ours: Files = {
      model: this.#write(writeModel(model)),
      input: { file, type: input.dtype, shape: input.shape },
    }
    let onnx: Files | undefined
    return {
      name: graph.name,
      precision: isInt8(model) ? 'int8' : 'float32',
      outputs: graph.outputs.map((name) => ({ name, shape: tensor(name).shape })),
      filesFor: (runtime) => {
        if (runtime === 'ocellus' || runtime === 'tfjs-wasm') return ours
        onnx ??= this.#onnx(model, input, stored)
        return onnx
      },
    }
  }

  /** ONNX Runtime takes the bytes of our engine, plus 128: quantising them is no part of its work either. */
  #onnx(model: Model, { shape }: Tensor, stored: Float32Array | Int8Array): Files {
    const data = stored instanceof Int8Array ? Uint8Array.from(stored, (q) => q + 128) : stored
    const [n, h, w, c] = shape
    return {
      model: this.#write(exportOnnx(model, { input: 'uint8', transposed: 'phases' })),
      input: {
        file: this.#write(planar(data, shape)),
        type: data instanceof Uint8Array ? 'uint8' : 'float32',
        shape: shape.length === 4 ? [n, c, h, w] : shape,
      },
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** One network, ready for any runtime. */
export interface Prepared {
  readonly name: string
  readonly precision: 'int8' | 'float32'
  readonly outputs: readonly NamedShape[]
  /** Throws E_MODEL_OPERATOR where the runtime's format can't express the network. */
  filesFor(runtime: Runtime): Files
}

/** What a runtime is to run. */
export function jobFor(
  prepared: Prepared,
  runtime: Runtime,
  threads: number,
  own: Pick<Job, 'build' | 'frame'> = {},
): Job {
  const { precision, outputs } = prepared
  return {
    runtime,
    threads,
    precision,
    outputs,
    ...prepared.filesFor(runtime),
    ...(runtime === 'ocellus' ? own : {}),
  }
}
