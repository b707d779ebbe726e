import { OcellusError } from '../errors.js'
import type { Tensor } from '../graph/types.js'
import type { Fit } from '../image/fit.js'
import type { Pixels } from '../image/pixels.js'
import { programStart } from '../plan/plan.js'
import { type Fields, wordOf } from '../program/instruction.js'

/** Index in memory of a field of the program's first instruction, which the picture decides. */
const frameField = (name: keyof Fields<'preprocess'>): number => programStart / 4 + wordOf('preprocess', name)
const frameFields = {
  source: frameField('source'),
  sourceWidth: frameField('sourceWidth'),
  sourceHeight: frameField('sourceHeight'),
  resizedWidth: frameField('resizedWidth'),
  resizedHeight: frameField('resizedHeight'),
  offsetX: frameField('offsetX'),
  offsetY: frameField('offsetY'),
} as const

const isWithin = (size: number, offset: number, most: number): boolean =>
  Number.isInteger(size) && Number.isInteger(offset) && size >= 1 && offset >= 0 && offset + size <= most

/** The engine trusts these numbers. */
export function checkFit({ resizedWidth, resizedHeight, offsetX, offsetY }: Fit, input: Tensor): void {
  const [, height, width] = input.shape
  if (isWithin(resizedWidth, offsetX, width) && isWithin(resizedHeight, offsetY, height)) return
  throw new OcellusError(
    'E_IMAGE_INPUT',
    `a picture resized to ${resizedWidth}x${resizedHeight} at ${offsetX}, ${offsetY} is not within the input of ${width}x${height}`,
  )
}

/** Tells the preprocessing of a picture whose pixels lie at the address `source`. */
export function writeFrame(words: Int32Array, { width, height }: Pixels, fit: Fit, source: number): void {
  words[frameFields.source] = source
  words[frameFields.sourceWidth] = width
  words[frameFields.sourceHeight] = height
  words[frameFields.resizedWidth] = fit.resizedWidth
  words[frameFields.resizedHeight] = fit.resizedHeight
  words[frameFields.offsetX] = fit.offsetX
  words[frameFields.offsetY] = fit.offsetY
}
