import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Session } from '../../src/host/platform/node.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { decodePng } from '../helpers/png.js'
import { sharedData, skipUnless } from '../helpers/require.js'

const voc = 'yolov4-tiny-voc'
const fastest = (name: string) => `reference/raw_dog_${name}`

/**
 * Weights, their reference's epsilon, the picture that the reference was given, its heads, their
 * layout.
 */
const networks = [
  [
    `${voc}/yolov4-tiny-voc-leaky01-refit.weights`,
    'PyTorch',
    1e-5,
    `${voc}/raw_dog/dog_letterbox_416.png`,
    [`${voc}/raw_dog/dog_refit_P5_1x75x13x13_f32.bin`, `${voc}/raw_dog/dog_refit_P4_1x75x26x26_f32.bin`],
    'NCHW',
  ],
  ...['yolo-fastest-1.1', 'yolo-fastest-1.1-xl'].map(
    (name) =>
      [
        `yolo-fastest/${name}.weights`,
        'OpenCV',
        1e-6,
        `${fastest(name)}/dog_320x320.png`,
        [
          `${fastest(name)}/permute_121_f32_1x10x10x255.bin`,
          `${fastest(name)}/permute_130_f32_1x20x20x255.bin`,
        ],
        'NHWC',
      ] as const,
  ),
] as const

it.for(networks)('the float heads of %s are those of %s within 1e-3', async (network, context) => {
  const [weights, , epsilon, photo, heads, layout] = network
  const weightsPath = sharedData(weights)
  const photoPath = sharedData(photo)
  const headPaths = heads.map(sharedData)
  skipUnless(context, weightsPath, `${weights} of the shared data`)
  skipUnless(context, photoPath, `${photo} of the shared data`)
  const session = await Session.create(await loadDarknet(weightsPath, { epsilon }))
  const { width, height, data } = decodePng(readFileSync(photoPath))
  session.setInput(
    Float32Array.from({ length: width * height * 3 }, (__, i) => data[Math.floor(i / 3) * 4 + (i % 3)] / 255),
  )
  session.run()
  session.outputs.forEach((tensor, n) => {
    const [, rows, columns, channels] = tensor.shape
    const bytes = new Uint8Array(readFileSync(headPaths[n]!))
    const want = new Float32Array(bytes.buffer)
    const got = session.output(tensor.name)
    expect(got.length).toBe(want.length)
    const plane = rows * columns
    let worst = 0
    for (let i = 0; i < got.length; i++) {
      const at = layout === 'NHWC' ? i : (i % channels) * plane + Math.floor(i / channels)
      worst = Math.max(worst, Math.abs(got[i] - want[at]))
    }
    expect(worst).toBeLessThan(1e-3)
  })
  session.close()
})
