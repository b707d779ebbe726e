import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OcellusError } from '../src/host/errors.js'
import { writeModel } from '../src/host/graph/file.js'
import { isInt8 } from '../src/host/graph/precision.js'
import type { Model, Tensor } from '../src/host/graph/types.js'
import { type ExportOptions, exportOnnx } from '../tools/export/onnx.js'
import type { Job, NamedShape, Runtime } from './contender.js'
import { planar, quantized, testInput, testPicture } from './input.js'

type Files = Pick<Job, 'model' | 'input'>

/** A way to write a network for a peer. */
export interface Form {
  /** Undefined where there is but one. */
  readonly name?: string
  readonly options: Pick<ExportOptions, 'transposed' | 'activations'>
}

const subPixel: Form = { name: 'sub-pixel', options: { transposed: 'phases' } }
const native: Form = { name: 'ConvTranspose', options: { transposed: 'native' } }
const dynamic: Form = {
  name: 'sub-pixel, dynamic',
  options: { transposed: 'phases', activations: 'dynamic' },
}

/**
 * Of a network with transposed convolutions all forms that ONNX can have, the fastest to the best
 * of our knowledge first. ONNX has no ConvTranspose of int8: that is computed in float32, between
 * int8 layers.
 */
function formsOf(model: Model): readonly Form[] {
  if (!model.graph.nodes.some(({ op }) => op === 'convTranspose')) return [{ options: {} }]
  return isInt8(model) ? [subPixel, dynamic, native] : [subPixel, native]
}

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
    if (graph.inputs.length !== 1 || input.dtype === 'int32')
      throw new OcellusError(
        'E_MODEL_TASK',
        `${graph.name} has the inputs ${graph.inputs.join(', ')}: a benchmark takes one of int8 or float32`,
      )
    const values = testInput(graph, input)
    const stored = input.quantization ? quantized(values, input.quantization) : values
    const file = this.#write(stored)
    const ours: Files = {
      model: this.#write(writeModel(model)),
      input: { file, type: input.dtype, shape: input.shape },
    }
    const forms = formsOf(model)
    const onnx = new Map<Form, Files>()
    return {
      name: graph.name,
      precision: isInt8(model) ? 'int8' : 'float32',
      outputs: graph.outputs.map((name) => ({ name, shape: tensor(name).shape })),
      formsFor: (runtime) => (readsOurs(runtime) ? [{ options: {} }] : forms),
      filesFor: (runtime, form = forms[0]) => {
        if (readsOurs(runtime)) return ours
        const files = onnx.get(form) ?? this.#onnx(model, input, stored, form)
        onnx.set(form, files)
        return files
      },
    }
  }

  /**
   * ONNX Runtime takes the bytes of our engine, plus 128: quantising them is no part of its work
   * either. Where it chooses scales itself it takes the values that they stand for.
   */
  #onnx(
    model: Model,
    { shape, quantization }: Tensor,
    stored: Float32Array | Int8Array,
    { options }: Form,
  ): Files {
    const data =
      quantization === undefined || stored instanceof Float32Array
        ? Float32Array.from(stored)
        : options.activations === 'dynamic'
          ? Float32Array.from(stored, (q) => (q - quantization.zeroPoint) * quantization.scale)
          : Uint8Array.from(stored, (q) => q + 128)
    const [n, h, w, c] = shape
    return {
      model: this.#write(exportOnnx(model, { input: 'uint8', ...options })),
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

/** They read an Ocellus model themselves. */
const readsOurs = (runtime: Runtime): boolean => runtime === 'ocellus' || runtime === 'tfjs-wasm'

/** One network, ready for any runtime. */
export interface Prepared {
  readonly name: string
  readonly precision: 'int8' | 'float32'
  readonly outputs: readonly NamedShape[]
  formsFor(runtime: Runtime): readonly Form[]
  /**
   * The first form where none is asked for. Throws E_MODEL_OPERATOR where the runtime's format
   * can't express the network.
   */
  filesFor(runtime: Runtime, form?: Form): Files
}

/** What a runtime is to run. */
export function jobFor(
  prepared: Prepared,
  runtime: Runtime,
  threads: number,
  own: Pick<Job, 'build' | 'frame'> = {},
  [form]: readonly Form[] = prepared.formsFor(runtime),
): Job {
  const { precision, outputs } = prepared
  return {
    runtime,
    threads,
    precision,
    outputs,
    ...prepared.filesFor(runtime, form),
    ...(form.name === undefined ? {} : { form: form.name }),
    ...(runtime === 'ocellus' ? own : {}),
  }
}
