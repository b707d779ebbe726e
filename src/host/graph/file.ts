import { OcellusError } from '../errors.js'
import {
  type ElementType,
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from '../format/safetensors.js'
import { readGraph } from './read.js'
import type { Constant, DType, Model } from './types.js'

const version = '1'
const types: Readonly<Record<ElementType, DType>> = { I8: 'int8', I32: 'int32', F32: 'float32' }
const elementTypes: Readonly<Record<DType, ElementType>> = { int8: 'I8', int32: 'I32', float32: 'F32' }

/**
 * Reads a model file: the safetensors container, then the graph in its metadata, field by field. What the
 * operators make of it is checked by `verifyModel`. Throws E_MODEL_*; `file` names the file in messages.
 */
export function readModel(bytes: Uint8Array, file: string): Model {
  const { metadata, tensors } = readSafetensors(bytes, file)
  const text = metadata.get('graph')
  if (metadata.get('format') !== 'ocellus' || text === undefined) {
    throw new OcellusError(
      'E_MODEL_FORMAT',
      `${file} is a safetensors file, but no Ocellus model: make one with \`ocellus quantize\``,
    )
  }
  if (metadata.get('version') !== version) {
    throw new OcellusError(
      'E_MODEL_VERSION',
      `${file} has format version ${metadata.get('version')}; this Ocellus reads ${version}: update it`,
    )
  }
  const constants = new Map([...tensors].map(([name, stored]) => [name, constant(name, stored, file)]))
  return { graph: readGraph(text, file), constants }
}

export function writeModel({ graph, constants }: Model): Uint8Array {
  return writeSafetensors({
    metadata: new Map([
      ['format', 'ocellus'],
      ['version', version],
      ['graph', JSON.stringify(graph)],
    ]),
    tensors: new Map(
      [...constants.values()].map(({ name, dtype, shape, data }) => [
        name,
        {
          dtype: elementTypes[dtype],
          shape,
          data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        },
      ]),
    ),
  })
}

function constant(name: string, { dtype, shape, data: bytes }: StoredTensor, file: string): Constant {
  // A view where it is aligned; a file of another writer may need a copy.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset, byteLength } = aligned
  const data =
    dtype === 'I8'
      ? new Int8Array(buffer, byteOffset, byteLength)
      : dtype === 'I32'
        ? new Int32Array(buffer, byteOffset, byteLength / 4)
        : new Float32Array(buffer, byteOffset, byteLength / 4)
  if (data instanceof Int8Array && data.includes(-128) && shape.length > 1) {
    throw new OcellusError(
      'E_MODEL_QUANTIZATION',
      `${file}: ${name} holds the weight -128; symmetric weights end at -127`,
    )
  }
  if (data instanceof Float32Array && !data.every(Number.isFinite)) {
    throw new OcellusError('E_MODEL_QUANTIZATION', `${file}: ${name} holds a value that is not finite`)
  }
  return { name, shape, dtype: types[dtype], data }
}
