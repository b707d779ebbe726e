import { createCanvas, loadImage } from '@napi-rs/canvas'
import type { Pixels } from '../../image/pixels.js'
import type { Detection } from '../../tasks/detection/detections.js'

export async function decodeImage(bytes: Uint8Array, _file: string): Promise<Pixels> {
  const image = await loadImage(bytes)
  const canvas = createCanvas(image.width, image.height)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  return context.getImageData(0, 0, image.width, image.height)
}

export async function drawOn(
  _pixels: Pixels,
  _found: readonly Detection[],
  _file: string,
): Promise<Uint8Array> {
  return new Uint8Array()
}
