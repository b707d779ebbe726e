import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { NamedTensor } from '../../src/host/engine/session.js'
import type { Model } from '../../src/host/graph/types.js'
import { Session } from '../../src/host/platform/node.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { quantizeModel } from '../../tools/quantize/quantize.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { networksIn, recordedInputs, recordedOutput, recordedShapes } from './recorded.js'

const root = sharedData('onnx-zoo')

async function quantized(folder: string): Promise<{ float: Model; int8: Model }> {
  const file = join(folder, 'model.onnx')
  const float = readOnnx(new Uint8Array(readFileSync(file)), file, { shapes: recordedShapes(folder) })
  const session = await Session.create(float, { threads: 1 })
  const samples = recordedInputs(folder, session.inputMetadata)
  session.close()
  const { model } = await quantizeModel(float, samples, {
    method: 'lp',
    percentile: 99.99,
    reduceRange: false,
    biasCorrection: true,
    equalize: true,
    compare: 1,
    session: { threads: 1 },
  })
  return { float, int8: model }
}

async function runAll(
  model: Model,
  folder: string,
  build: 'simd' | 'scalar',
): Promise<Record<string, NamedTensor>[]> {
  const session = await Session.create(model, { build, threads: 1 })
  try {
    return recordedInputs(folder, session.inputMetadata).map((feeds) => session.run(feeds))
  } finally {
    session.close()
  }
}

/** Of each output, over both samples. The peak of the PSNR is the range of what is recorded. */
function errors(folder: string, runs: readonly Record<string, NamedTensor>[]) {
  return Object.keys(runs[0]).map((name) => {
    const want = recordedOutput(folder, name)
    const got = runs.flatMap((outputs) => [...outputs[name].data])
    let [low, high, squares, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0]
    got.forEach((value, n) => {
      low = Math.min(low, want[n])
      high = Math.max(high, want[n])
      squares += (value - want[n]) ** 2
      most = Math.max(most, Math.abs(value - want[n]))
    })
    return { name, psnr: 10 * Math.log10((high - low) ** 2 / (squares / got.length)), most }
  })
}

const generators = networksIn(root).filter((name) => /generators?$|decoder$/.test(name))
/** cyclegan's reflected pads and instance norms are noisy in any int8. */
const least: Readonly<Record<string, number>> = { 'cyclegan-generator': 26 }
const psnrs: number[] = []

describe('int8 generators of the zoo, beside the recorded float outputs', () => {
  test('are there', (context) => skipUnless(context, root, 'onnx-zoo of the shared data'))

  test.each(generators)(
    '%s',
    async (name) => {
      const folder = join(root!, name)
      const { int8 } = await quantized(folder)
      const runs = await runAll(int8, folder, 'simd')
      for (const { psnr } of errors(folder, runs)) {
        expect(psnr).toBeGreaterThan(least[name] ?? 30)
        psnrs.push(psnr)
      }
      expect(await runAll(int8, folder, 'scalar')).toEqual(runs)
    },
    60_000,
  )

  test('have a median of 38 dB', (context) => {
    if (psnrs.length === 0) return context.skip('no generator ran')
    expect(psnrs.sort((a, b) => a - b)[psnrs.length >> 1]).toBeGreaterThan(38)
  })

  test.each(root === undefined ? [] : ['acgan', 'infogan', 'sgan', 'stargan'])(
    '%s-discriminator: one number within 0.02',
    async (name) => {
      const folder = join(root!, `${name}-discriminator`)
      const { int8 } = await quantized(folder)
      const [validity] = errors(folder, await runAll(int8, folder, 'simd')).filter(
        (e) => e.name === 'validity',
      )
      expect(validity.most).toBeLessThan(0.02)
    },
  )
})
