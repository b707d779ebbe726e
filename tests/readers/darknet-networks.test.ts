import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCanvas, loadImage } from '@napi-rs/canvas'
import { expect, test } from 'vitest'
import { detectionOf } from '../../src/host/graph/task.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { runReference } from '../helpers/reference.js'
import { sharedData, skipUnless } from '../helpers/require.js'

/** A picture as a network of this preprocessing sees it: RGB / 255. */
async function pixels(path: string): Promise<Float32Array> {
  const image = await loadImage(path)
  const canvas = createCanvas(image.width, image.height)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, image.width, image.height)
  const rgb = new Float32Array((data.length / 4) * 3)
  for (let i = 0, at = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c++) rgb[at++] = data[i + c] / 255
  }
  return rgb
}

function floats(path: string): Float32Array {
  const bytes = readFileSync(path)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}

// Made by OpenCV, whose batch-norm epsilon is 1e-6.
for (const name of ['yolo-fastest-1.1', 'yolo-fastest-1.1-xl']) {
  test(`${name}: the raw heads for dog.jpg are those of OpenCV`, async (context) => {
    const weights = sharedData(`yolo-fastest/${name}.weights`)
    const raw = sharedData(`reference/raw_dog_${name}`)
    skipUnless(context, weights && raw, 'yolo-fastest and reference of the shared data')
    const model = await loadDarknet(weights, { epsilon: 1e-6 })
    const { labels } = detectionOf(model.graph)
    expect(labels).toHaveLength(80)
    expect(labels[16]).toBe('dog')
    expect(model.graph.outputs).toHaveLength(2)
    const tensors = runReference(model, await pixels(join(raw, 'dog_320x320.png')))
    const expected = ['permute_121_f32_1x10x10x255.bin', 'permute_130_f32_1x20x20x255.bin']
    model.graph.outputs.forEach((output, head) => {
      const difference = largestDifference(tensors.get(output)!, floats(join(raw, expected[head])))
      expect(difference).toBeLessThan(1e-3)
    })
  })
}

// Made by PyTorch, whose batch-norm epsilon is darknet's, 1e-5. It keeps channels apart, as planes.
test('yolov4-tiny: the raw heads for dog.jpg are those of PyTorch', async (context) => {
  const weights = sharedData('yolov4-tiny-voc/yolov4-tiny-voc-leaky01-refit.weights')
  const raw = sharedData('yolov4-tiny-voc/raw_dog')
  skipUnless(context, weights && raw, 'yolov4-tiny-voc of the shared data')
  const model = await loadDarknet(weights)
  const tensors = runReference(model, await pixels(join(raw, 'dog_letterbox_416.png')))
  const expected = ['dog_refit_P5_1x75x13x13_f32.bin', 'dog_refit_P4_1x75x26x26_f32.bin']
  expect(model.graph.outputs).toHaveLength(2)
  model.graph.outputs.forEach((output, head) => {
    const planes = floats(join(raw, expected[head]))
    const area = planes.length / 75
    const pixelwise = planes.map((_, i) => planes[(i % 75) * area + Math.floor(i / 75)])
    expect(largestDifference(tensors.get(output)!, pixelwise)).toBeLessThan(1e-3)
  })
})
