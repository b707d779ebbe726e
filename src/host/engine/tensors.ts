import { OcellusError } from '../errors.js'
import { channelCount, elementBytes, elements, pixelCount } from '../graph/descriptor.js'
import type { Tensor, TensorForm } from '../graph/types.js'
import type { Plan } from '../plan/plan.js'
import type { EngineMemory } from './memory.js'

/** The elements of a tensor, in the array of its type. */
export type TensorData = Float32Array | Int8Array | Int32Array

export const arrays = { float32: Float32Array, int8: Int8Array, int32: Int32Array } as const

export function checkValues(tensor: Tensor, values: TensorData): void {
  const expected = elements(tensor.shape)
  const kind = arrays[tensor.dtype]
  if (values instanceof kind && values.length === expected) return
  throw new OcellusError(
    'E_INPUT_SHAPE',
    `${tensor.name} takes a ${kind.name} of ${expected} values [${tensor.shape}]`,
  )
}

/** Writes values [height][width][channels] to where the plan has a tensor. */
export function writeTensor(memory: EngineMemory, plan: Plan, tensor: Tensor, values: TensorData): void {
  const { address, stride } = plan.places.get(tensor.name)!
  const channels = channelCount(tensor.shape)
  const step = stride / values.BYTES_PER_ELEMENT
  const view = allOf(memory, tensor)
  if (step === channels) {
    view.set(values, address / values.BYTES_PER_ELEMENT)
    return
  }
  if (values instanceof Int8Array && channels === 3 && stride === 4) {
    writePicture(values, memory.words, address / 4)
    return
  }
  for (let i = 0, p = address / values.BYTES_PER_ELEMENT; i < values.length; i += channels, p += step) {
    for (let c = 0; c < channels; c++) view[p + c] = values[i + c]
  }
}

/**
 * Three channels, four bytes from pixel to pixel, as pictures lie: a store each, and 0 behind it.
 */
function writePicture(values: Int8Array, words: Int32Array, at: number): void {
  for (let i = 0; i < values.length; i += 3) {
    words[at++] = (values[i] & 255) | ((values[i + 1] & 255) << 8) | ((values[i + 2] & 255) << 16)
  }
}

/** A tensor's values [height][width][channels]; a copy, in `into` where that is given. */
export function readTensor(memory: EngineMemory, plan: Plan, tensor: Tensor, into?: TensorData): TensorData {
  const { address, stride } = plan.places.get(tensor.name)!
  const channels = channelCount(tensor.shape)
  const pixels = pixelCount(tensor.shape)
  const step = stride / elementBytes[tensor.dtype]
  // A view of some channels must not reach beyond the last of them: that may be the end of the
  // memory.
  const start = address / elementBytes[tensor.dtype]
  const view = allOf(memory, tensor).subarray(start, start + (pixels - 1) * step + channels)
  if (step === channels && into === undefined) return view.slice()
  const packed = into ?? new arrays[tensor.dtype](pixels * channels)
  if (step === channels) packed.set(view)
  else for (let p = 0; p < pixels; p++) packed.set(view.subarray(p * step, p * step + channels), p * channels)
  return packed
}

/** Writes values in the order of a form, each through `convert`, to where the plan has a tensor. */
export function writeForm(
  memory: EngineMemory,
  plan: Plan,
  tensor: Tensor,
  form: TensorForm,
  values: TensorData,
  convert?: (value: number) => number,
): void {
  if (form.layout === 'plain' && convert === undefined) {
    writeTensor(memory, plan, tensor, values)
    return
  }
  const view = allOf(memory, tensor)
  walk(plan, tensor, form, (inside, outside) => {
    view[inside] = convert === undefined ? values[outside] : convert(values[outside])
  })
}

/**
 * Reads a tensor's values in the order of a form, each through `convert`, into an array of as many
 * elements.
 */
export function readForm(
  memory: EngineMemory,
  plan: Plan,
  tensor: Tensor,
  form: TensorForm,
  into: TensorData,
  convert?: (value: number) => number,
): void {
  if (form.layout === 'plain' && convert === undefined) {
    readTensor(memory, plan, tensor, into)
    return
  }
  const view = allOf(memory, tensor)
  walk(plan, tensor, form, (inside, outside) => {
    into[outside] = convert === undefined ? view[inside] : convert(view[inside])
  })
}

/**
 * Visits all elements of a tensor: the index in the engine's memory, in elements, and the one in
 * the order of a form.
 */
function walk(
  plan: Plan,
  tensor: Tensor,
  { layout }: TensorForm,
  visit: (inside: number, outside: number) => void,
): void {
  const { shape, dtype } = tensor
  const place = plan.places.get(tensor.name)!
  const start = place.address / elementBytes[dtype]
  const step = place.stride / elementBytes[dtype]
  const channels = channelCount(shape)
  const samples = shape.length === 4 ? shape[0] : 1
  const pixels = pixelCount(shape) / samples
  const [pixelStep, channelStep] = layout === 'channelsFirst' ? [1, pixels] : [channels, 1]
  for (let n = 0; n < samples; n++) {
    for (let p = 0; p < pixels; p++) {
      const inside = start + (n * pixels + p) * step
      const outside = n * pixels * channels + p * pixelStep
      for (let c = 0; c < channels; c++) visit(inside + c, outside + c * channelStep)
    }
  }
}

/** All of the memory, as elements of a tensor's type. */
function allOf(memory: EngineMemory, { dtype }: Tensor): TensorData {
  return { float32: memory.floats, int8: memory.int8, int32: memory.words }[dtype]
}
