import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { NamedTensor } from '../../src/host/engine/session.js'
import type { Model } from '../../src/host/graph/types.js'
import { Session } from '../../src/host/platform/node.js'
import { readNpy } from '../../tools/npy/read.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { sharedData, skipUnless } from '../helpers/require.js'

/** Files that are refused, by what the message must name. */
const refused: Readonly<Record<string, RegExp>> = {
  'refuse-if-opset13': /If \(/,
  'refuse-nms-opset11': /NonMaxSuppression \(/,
  deimv2_atto_int8_dynamic:
    /DynamicQuantizeLinear \(.* \+79\).*ConvInteger \(.*MatMulInteger \(.*GridSample \(.*TopK \(/,
  'superresolution-prepost': /DecodeImage \(pre_process_0\).*the domain com\.microsoft\.extensions/,
}

/** Not read yet: files whose weights are quantised already. */
const quantised = /^q(?:dq|operator)-/

/** The recorded output of this file is the float32 network's, which half precision differs from. */
const tolerances: Readonly<Record<string, number>> = { 'mobilenet_v2-float16': 5e-3 }

interface Recorded {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

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

/** One sample of a recorded array, as the session takes it. */
function sampleOf({ shape, data }: Recorded, sample: number, dtype: string): NamedTensor {
  const sides = [1, ...shape.slice(1)]
  const size = sides.reduce((a, b) => a * b, 1)
  const part = Array.prototype.slice.call(data, sample * size, (sample + 1) * size) as number[]
  return dtype === 'int32'
    ? { dtype, shape: sides, data: Int32Array.from(part) }
    : { dtype: 'float32', shape: sides, data: Float32Array.from(part) }
}

/**
 * Largest difference from what is recorded, as a share of the largest value, over all outputs and
 * samples.
 */
async function difference(folder: string, model: Model, build: 'simd' | 'scalar'): Promise<number> {
  const given = inputsOf(folder)
  const picture = existsSync(join(folder, 'in_u8.npy')) ? fromPicture(folder) : undefined
  const session = await Session.create(model, { build, threads: 1 })
  let worst = 0
  try {
    for (const sample of [0, 1]) {
      const feeds: Record<string, NamedTensor> = {}
      for (const { name, dtype } of session.inputMetadata) {
        const values = given.get(name) ?? given.get(safe(name)) ?? picture
        if (values === undefined) throw new Error(`no input ${name}`)
        feeds[name] = sampleOf(values, sample, dtype)
      }
      for (const [name, { data }] of Object.entries(session.run(feeds))) {
        const want = recorded(join(folder, `out_${safe(name)}.npy`))
        const start = sample * data.length
        let largest = 0
        let most = 0
        for (let n = 0; n < data.length; n++) {
          largest = Math.max(largest, Math.abs(want.data[start + n]))
          most = Math.max(most, Math.abs(want.data[start + n] - data[n]))
          expect(data[n], name).not.toBeNaN()
        }
        worst = Math.max(worst, most / largest)
      }
    }
  } finally {
    session.close()
  }
  return worst
}

/** Shapes of inputs that a file leaves open, as they were recorded. */
function shapesOf(folder: string): Record<string, readonly number[]> {
  const shapes = Object.fromEntries(
    [...inputsOf(folder)].map(([name, { shape }]) => [name, [1, ...shape.slice(1)]]),
  )
  if (basename(folder) !== 'yunet_n_dynamic') return shapes
  return { input: [1, ...fromPicture(folder).shape.slice(1)] }
}

describe.each(['onnx-zoo', 'onnx-zoo/standins', 'onnx-real'])('%s', (group) => {
  const root = sharedData(group)
  const folders =
    root === undefined ? [] : readdirSync(root).filter((name) => existsSync(join(root, name, 'model.onnx')))

  test('is there', (context) => skipUnless(context, root, `${group} of the shared data`))

  test.each(folders)(
    '%s',
    async (name) => {
      const folder = join(root!, name)
      const bytes = new Uint8Array(readFileSync(join(folder, 'model.onnx')))
      const read = () => readOnnx(bytes, join(folder, 'model.onnx'), { shapes: shapesOf(folder) })
      if (refused[name] !== undefined || quantised.test(name)) {
        // All causes stand in one line, however many they are.
        expect(read).toThrow(expect.objectContaining({ code: 'E_ONNX_OPERATOR' }))
        if (refused[name] !== undefined) expect(read).toThrow(refused[name])
        return
      }
      const model = read()
      expect(await difference(folder, model, 'simd')).toBeLessThan(tolerances[name] ?? 1e-4)
    },
    60_000,
  )
})
