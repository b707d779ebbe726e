import { OcellusError } from '../errors.js'
import { elements } from '../graph/descriptor.js'
import { formOf } from '../graph/form.js'
import type { Graph, Quantization, Tensor, TensorForm } from '../graph/types.js'
import type { VerifiedModel } from '../graph/verify.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import type { OptionNames } from '../options.js'
import type { Plan } from '../plan/plan.js'
import { roundHalfEven } from '../plan/program.js'
import { told } from '../shown.js'
import type { EngineMemory } from './memory.js'
import { type StopOptions, stopNames } from './stop.js'
import { arrays, readForm, type TensorData, writeForm } from './tensors.js'

/**
 * A tensor as callers see it: rank 1 to 4, row-major. Maps are NCHW, [1, channels, height, width],
 * as the ecosystem has them; the engine has them in NHWC and translates.
 */
export type NamedTensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | {
      readonly dtype: 'int8'
      readonly shape: readonly number[]
      readonly data: Int8Array
      /**
       * Of a raw output: real = (q - zeroPoint) * scale. An input's is the model's own, and need
       * not be given.
       */
      readonly quantization?: Quantization
    }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }

/**
 * Every input of a model by its name. RGBA pixels may stand for the input of a model with a
 * preprocessing.
 */
export type NamedInputs = Readonly<Record<string, NamedTensor | Pixels>>

/** Outputs of a run by their names; copies, which later runs leave alone. */
export type NamedOutputs = Readonly<Record<string, NamedTensor>>

export interface RunOptions extends StopOptions {
  /** Names of the outputs to compute. Default: all of them. */
  readonly outputs?: readonly string[]
  /** Give int8 outputs as they are, with their quantization. Default: dequantised to float32. */
  readonly raw?: boolean
}

export const runOptions = {
  ...stopNames,
  outputs: 'strings',
  raw: 'boolean',
} satisfies OptionNames<RunOptions>

/** What a model takes or gives under a name. */
export interface TensorMetadata extends TensorForm {
  /** An int8 input also takes float32, which is quantised on its way in. */
  readonly dtype: Tensor['dtype']
  /** Of int8: real = (q - zeroPoint) * scale. */
  readonly quantization?: Quantization
  /** Whether RGBA pixels may be given for this input. */
  readonly picture: boolean
}

/** What a graph takes and gives, as callers see it. */
export function metadataOf(graph: Graph, tensor: Tensor): TensorMetadata {
  const { dtype, quantization } = tensor
  const picture = graph.preprocessing !== undefined && tensor.name === graph.inputs[0]
  return { ...formOf(graph, tensor), dtype, ...(quantization ? { quantization } : {}), picture }
}

/** What is given for a model's inputs, all of it checked. */
export interface CheckedInputs {
  readonly picture?: Pixels
  readonly tensors: readonly { readonly tensor: Tensor; readonly values: TensorData }[]
}

/**
 * Throws E_INPUT_NAME, E_INPUT_TYPE, E_INPUT_SHAPE, E_INPUT_VALUE unless each input of a model is
 * given once as it takes it.
 */
export function checkInputs({ model }: Plan, inputs: NamedInputs): CheckedInputs {
  const { graph, tensorsByName } = model
  if (typeof inputs !== 'object' || inputs === null)
    throw new OcellusError('E_INPUT_TYPE', 'inputs must be an object { name: { dtype, shape, data } }')
  const unknown = Object.keys(inputs).find((name) => !graph.inputs.includes(name))
  if (unknown !== undefined) throw badName(`${unknown} is no input`, graph.inputs)
  let picture: Pixels | undefined
  const tensors: { tensor: Tensor; values: TensorData }[] = []
  for (const name of graph.inputs) {
    if (!Object.hasOwn(inputs, name)) throw badName(`the input ${name} is missing`, graph.inputs)
    const value = inputs[name]
    const tensor = tensorsByName.get(name)!
    const metadata = metadataOf(graph, tensor)
    if (typeof value !== 'object' || value === null)
      throw new OcellusError('E_INPUT_TYPE', `the input ${name} must be { dtype, shape, data }`)
    if ('dtype' in value) {
      const values = checkTensor(value, metadata)
      if (tensor.dtype === 'int32') checkIndices(model, name, values)
      tensors.push({ tensor, values })
    } else if (metadata.picture && 'width' in value) {
      checkPixels(value)
      picture = value
    } else
      throw new OcellusError('E_INPUT_TYPE', `the input ${name} has no dtype: give { dtype, shape, data }`)
  }
  return { tensors, ...(picture === undefined ? {} : { picture }) }
}

/** Names of outputs to compute. Throws E_INPUT_NAME for one that the model does not have. */
export function checkOutputs({ model }: Plan, { outputs }: RunOptions): readonly string[] {
  const known = model.graph.outputs
  if (outputs === undefined) return known
  const unknown = outputs.find((name) => !known.includes(name))
  if (unknown !== undefined) throw badName(`${unknown} is no output`, known)
  return outputs
}

const badName = (what: string, known: readonly string[]): OcellusError =>
  new OcellusError('E_INPUT_NAME', `${what}: the model has ${known.join(', ')}`)

/** A tensor whose shape may be anything yet. */
interface Given {
  readonly data: TensorData
  readonly dtype: NamedTensor['dtype']
  readonly shape: unknown
}

function checkTensor(given: NamedTensor, { name, dtype, shape, layout }: TensorMetadata): TensorData {
  // Read once: a getter may answer otherwise when it is asked again.
  const { data, dtype: type, shape: found }: Given = given
  const wanted = dtype === 'int8' ? 'int8 or float32' : dtype
  if (type !== dtype && !(dtype === 'int8' && type === 'float32'))
    throw new OcellusError(
      'E_INPUT_TYPE',
      `the input ${name} takes ${wanted}, not ${typeof type === 'string' ? type : told(type)}`,
    )
  // By name, not by class: in a frame or a virtual machine's context, the classes are others.
  const kind = Object.prototype.toString.call(data).slice(8, -1)
  const expected = arrays[type].name
  if (kind !== expected)
    throw new OcellusError(
      'E_INPUT_TYPE',
      `the input ${name} is ${type}, but its data is a ${kind}, not a ${expected}`,
    )
  const form = layout === 'channelsFirst' && shape.length === 4 ? ' (NCHW)' : ''
  if (
    !Array.isArray(found) ||
    found.length !== shape.length ||
    shape.some((side, index) => side !== found[index])
  ) {
    throw new OcellusError(
      'E_INPUT_SHAPE',
      `the input ${name} has the shape ${Array.isArray(found) ? `[${found.map((side) => told(side)).join(',')}]` : told(found)}; the model takes [${shape.join(', ')}]${form}`,
    )
  }
  if (data.length !== elements(shape)) {
    const why = data.length === 0 ? ' (is its buffer detached?)' : ''
    throw new OcellusError(
      'E_INPUT_SHAPE',
      `the input ${name} holds ${data.length} values; its shape [${shape.join(', ')}] has ${elements(shape)}${why}`,
    )
  }
  return data
}

const rowLimits = new WeakMap<VerifiedModel, ReadonlyMap<string, number>>()

/** How many rows each tensor that holds indices may name, by the tensor's name. */
export function rowsOf(model: VerifiedModel): ReadonlyMap<string, number> {
  const known = rowLimits.get(model)
  if (known !== undefined) return known
  const found = new Map<string, number>()
  const limit = (name: string, rows: number): void => {
    found.set(name, Math.min(rows, found.get(name) ?? rows))
  }
  // Backwards: what only moves indices passes on what is asked of them. A slice leaves some out,
  // which nobody looks up.
  for (const { view, operator } of [...model.views].reverse()) {
    const rows = found.get(view.output.name)
    if (operator.scales === 'keeps' && operator.storage !== 'slice' && rows !== undefined)
      for (const { name, dtype } of view.inputs) if (dtype === view.output.dtype) limit(name, rows)
    const indexed = operator.indexed?.(view)
    if (indexed !== undefined) limit(view.inputs[indexed.input].name, indexed.rows)
  }
  rowLimits.set(model, found)
  return found
}

function checkIndices(model: VerifiedModel, name: string, values: TensorData): void {
  const rows = rowsOf(model).get(name)
  if (rows === undefined) return
  const at = values.findIndex((value: number) => value < -rows || value >= rows)
  if (at < 0) return
  throw new OcellusError(
    'E_INPUT_VALUE',
    `the input ${name} holds ${values[at]} at ${at}; give an index of ${-rows} to ${rows - 1}`,
  )
}

/** Writes a checked input to where the plan has it. */
export function writeInput(memory: EngineMemory, plan: Plan, tensor: Tensor, values: TensorData): void {
  const form = formOf(plan.model.graph, tensor)
  const { quantization } = tensor
  // An array of another realm is of no class that is known here; its type has been checked.
  const isFloat = Object.prototype.toString.call(values) === '[object Float32Array]'
  const convert = quantization !== undefined && isFloat ? quantizer(quantization) : undefined
  writeForm(memory, plan, tensor, form, values, convert)
}

/**
 * q = round(x / scale) + zeroPoint, halves to even, saturated; NaN becomes the zero point, as in
 * the engine.
 */
const quantizer =
  ({ scale, zeroPoint }: Quantization) =>
  (value: number): number => {
    const rounded = roundHalfEven(Math.fround(value / scale)) + zeroPoint
    return Number.isNaN(rounded) ? zeroPoint : Math.max(-128, Math.min(127, rounded))
  }

/** A copy of an output as callers see it. */
export function readOutput(memory: EngineMemory, plan: Plan, name: string, raw: boolean): NamedTensor {
  const tensor = plan.model.tensorsByName.get(name)!
  const form = formOf(plan.model.graph, tensor)
  const { shape } = form
  const length = elements(shape)
  const { dtype, quantization } = tensor
  if (dtype === 'int32') {
    const data = new Int32Array(length)
    readForm(memory, plan, tensor, form, data)
    return { dtype, shape, data }
  }
  if (quantization !== undefined && raw) {
    const data = new Int8Array(length)
    readForm(memory, plan, tensor, form, data)
    return { dtype: 'int8', shape, data, quantization }
  }
  const data = new Float32Array(length)
  const convert = quantization && ((q: number): number => (q - quantization.zeroPoint) * quantization.scale)
  readForm(memory, plan, tensor, form, data, convert)
  return { dtype: 'float32', shape, data }
}
