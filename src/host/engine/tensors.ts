import { OcellusError } from '../errors.js'
import { elements } from '../graph/descriptor.js'
import type { Tensor } from '../graph/types.js'
import type { Plan } from '../plan/plan.js'
import type { EngineMemory } from './memory.js'

export function checkValues(tensor: Tensor, values: Float32Array | Int8Array): void {
  const expected = elements(tensor.shape)
  const typed = tensor.dtype === 'float32' ? values instanceof Float32Array : values instanceof Int8Array
  if (typed && values.length === expected) return
  const kind = tensor.dtype === 'float32' ? 'Float32Array' : 'Int8Array'
  throw new OcellusError(
    'E_INPUT_SHAPE',
    `${tensor.name} takes a ${kind} of ${expected} values [${tensor.shape}]`,
  )
}

/** Writes values [height][width][channels] to where the plan has a tensor. */
export function writeTensor(
  memory: EngineMemory,
  plan: Plan,
  tensor: Tensor,
  values: Float32Array | Int8Array,
): void {
  const { address, stride } = plan.places.get(tensor.name)!
  const channels = tensor.shape[tensor.shape.length - 1]
  const step = stride / values.BYTES_PER_ELEMENT
  const view = tensor.dtype === 'float32' ? memory.floats : memory.int8
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

/** Three channels, four bytes from pixel to pixel, as pictures lie: a store each, and 0 behind it. */
function writePicture(values: Int8Array, words: Int32Array, at: number): void {
  for (let i = 0; i < values.length; i += 3) {
    words[at++] = (values[i] & 255) | ((values[i + 1] & 255) << 8) | ((values[i + 2] & 255) << 16)
  }
}

/** A tensor's values [height][width][channels]; a copy, in `into` where that is given. */
export function readTensor(
  memory: EngineMemory,
  plan: Plan,
  tensor: Tensor,
  into?: Float32Array | Int8Array,
): Float32Array | Int8Array {
  const { address, stride } = plan.places.get(tensor.name)!
  const channels = tensor.shape[tensor.shape.length - 1]
  const pixels = elements(tensor.shape) / channels
  const step = tensor.dtype === 'float32' ? stride / 4 : stride
  // A view of some channels must not reach beyond the last of them: that may be the end of the memory.
  const view = viewOf(memory, tensor, address, (pixels - 1) * step + channels)
  if (step === channels && into === undefined) return view.slice()
  const packed =
    into ??
    (tensor.dtype === 'float32' ? new Float32Array(pixels * channels) : new Int8Array(pixels * channels))
  if (step === channels) packed.set(view)
  else for (let p = 0; p < pixels; p++) packed.set(view.subarray(p * step, p * step + channels), p * channels)
  return packed
}

/** Views are made when needed: growing the memory detaches older ones. */
function viewOf(
  { memory }: EngineMemory,
  { dtype }: Tensor,
  address: number,
  length: number,
): Float32Array | Int8Array {
  const { buffer } = memory
  return dtype === 'float32'
    ? new Float32Array(buffer, address, length)
    : new Int8Array(buffer, address, length)
}
