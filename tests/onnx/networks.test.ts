import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { Session } from '../../src/host/platform/node.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { networksIn, recordedInputs, recordedOutput, recordedShapes } from './recorded.js'

/** Files that are refused, by what the message must name. */
const refused: Readonly<Record<string, RegExp>> = {
  'refuse-if-opset13': /If \(/,
  'refuse-nms-opset11': /NonMaxSuppression \(/,
  deimv2_atto_int8_dynamic:
    /DynamicQuantizeLinear \(.* \+79\).*ConvInteger \(.*MatMulInteger \(.*GridSample \(.*TopK \(/,
  'superresolution-prepost': /DecodeImage \(pre_process_0\).*the domain com\.microsoft\.extensions/,
}

/** The recorded output of this file is the float32 network's, which half precision differs from. */
const tolerances: Readonly<Record<string, number>> = { 'mobilenet_v2-float16': 5e-3 }

/**
 * Largest difference from what is recorded, as a share of the largest value, over all outputs and
 * samples.
 */
async function difference(folder: string, model: Model, build: 'simd' | 'scalar'): Promise<number> {
  const session = await Session.create(model, { build, threads: 1 })
  let worst = 0
  try {
    for (const [sample, feeds] of recordedInputs(folder, session.inputMetadata).entries()) {
      for (const [name, { data }] of Object.entries(session.run(feeds))) {
        const want = recordedOutput(folder, name)
        const start = sample * data.length
        let largest = 0
        let most = 0
        for (let n = 0; n < data.length; n++) {
          largest = Math.max(largest, Math.abs(want[start + n]))
          most = Math.max(most, Math.abs(want[start + n] - data[n]))
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

describe.each(['onnx-zoo', 'onnx-zoo/standins', 'onnx-real'])('%s', (group) => {
  const root = sharedData(group)
  const folders = networksIn(root)

  test('is there', (context) => skipUnless(context, root, `${group} of the shared data`))

  test.each(folders)(
    '%s',
    async (name) => {
      const folder = join(root!, name)
      const bytes = new Uint8Array(readFileSync(join(folder, 'model.onnx')))
      const read = () => readOnnx(bytes, join(folder, 'model.onnx'), { shapes: recordedShapes(folder) })
      if (refused[name] !== undefined) {
        // All causes stand in one line, however many they are.
        expect(read).toThrow(expect.objectContaining({ code: 'E_ONNX_OPERATOR' }))
        expect(read).toThrow(refused[name])
        return
      }
      const model = read()
      expect(await difference(folder, model, 'simd')).toBeLessThan(tolerances[name] ?? 1e-4)
    },
    60_000,
  )
})
