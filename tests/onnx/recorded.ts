import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { NamedInputs, NamedTensor, TensorMetadata } from '../../src/host/engine/session.js'
import { readNpy } from '../../tools/npy/read.js'

/** An array of a recorded network: the first axis is the sample, of which there are two. */
export interface Recorded {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

export const sampleCount = 2

/** A picture's bytes as the network's input: float32((byte - mean) / std), each step in float32. */
function fromPicture(folder: string): Recorded {
  const { shape, data } = readNpy(new Uint8Array(readFileSync(join(folder, 'in_u8.npy'))), 'in_u8.npy')
  const told = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8')) as Record<
    'mean' | 'std',
    number[]
  >
  const [, channels, height, width] = shape
  const f = Math.fround
  const values = Float32Array.from(data as ArrayLike<number>, (byte, n) => {
    const c = Math.floor(n / (height * width)) % channels
    return f(f(byte - f(told.mean[c])) / f(told.std[c]))
  })
  return { shape, data: values }
}

const recorded = (path: string): Recorded => {
  const { shape, data } = readNpy(new Uint8Array(readFileSync(path)), path)
  return { shape, data: Array.from(data as ArrayLike<number | bigint>, Number) }
}

function inputsOf(folder: string): Map<string, Recorded> {
  const files = readdirSync(folder).filter((name) => /^in_.*\.npy$/.test(name) && name !== 'in_u8.npy')
  return new Map(files.map((name) => [name.slice(3, -4), recorded(join(folder, name))]))
}

const safe = (name: string) => name.replaceAll('/', '_')

/** One sample of a recorded array, as a session takes it. */
function sampleOf({ shape, data }: Recorded, sample: number, dtype: string): NamedTensor {
  const sides = [1, ...shape.slice(1)]
  const size = sides.reduce((a, b) => a * b, 1)
  const part = Array.prototype.slice.call(data, sample * size, (sample + 1) * size) as number[]
  return dtype === 'int32'
    ? { dtype, shape: sides, data: Int32Array.from(part) }
    : { dtype: 'float32', shape: sides, data: Float32Array.from(part) }
}

/** All inputs of each recorded sample. */
export function recordedInputs(folder: string, metadata: readonly TensorMetadata[]): NamedInputs[] {
  const given = inputsOf(folder)
  const picture = existsSync(join(folder, 'in_u8.npy')) ? fromPicture(folder) : undefined
  return Array.from({ length: sampleCount }, (_, sample) =>
    Object.fromEntries(
      metadata.map(({ name, dtype }) => {
        const values = given.get(name) ?? given.get(safe(name)) ?? picture
        if (values === undefined) throw new Error(`no input ${name}`)
        return [name, sampleOf(values, sample, dtype)]
      }),
    ),
  )
}

/** What is recorded of an output, both samples one after the other. */
export const recordedOutput = (folder: string, name: string): ArrayLike<number> =>
  recorded(join(folder, `out_${safe(name)}.npy`)).data

/** Shapes of inputs that a file leaves open, as they were recorded. */
export function recordedShapes(folder: string): Record<string, readonly number[]> {
  const shapes = Object.fromEntries(
    [...inputsOf(folder)].map(([name, { shape }]) => [name, [1, ...shape.slice(1)]]),
  )
  if (basename(folder) !== 'yunet_n_dynamic') return shapes
  return { input: [1, ...fromPicture(folder).shape.slice(1)] }
}

/** Names of the networks in a folder. */
export const networksIn = (root: string | undefined): string[] =>
  root === undefined ? [] : readdirSync(root).filter((name) => existsSync(join(root, name, 'model.onnx')))
