import { OcellusError } from '../errors.js'
import type { Tensor } from '../graph/types.js'
import type { Fit } from '../image/fit.js'
import type { Pixels } from '../image/pixels.js'
import { limits } from '../limits.js'
import { programStart } from '../plan/plan.js'
import { type Fields, wordOf } from '../program/instruction.js'
import { told } from '../shown.js'

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

/** The engine trusts these numbers. Throws E_IMAGE_INPUT. */
export function checkFit({ resizedWidth, resizedHeight, offsetX, offsetY }: Fit, input: Tensor): void {
  const [, height, width] = input.shape
  if (isWithin(resizedWidth, offsetX, width) && isWithin(resizedHeight, offsetY, height)) return
  throw new OcellusError(
    'E_IMAGE_INPUT',
    `a picture resized to ${told(resizedWidth)}x${told(resizedHeight)} at ${told(offsetX)}, ${told(offsetY)} is not within the input of ${width}x${height}`,
  )
}

const isSide = (size: number): boolean => Number.isInteger(size) && size >= 1 && size <= limits.imageSide

/**
 * Tells the preprocessing of a picture whose `bytes` of pixels lie at the address `source`. Reads
 * all numbers once more and checks them, without a copy that each frame would allocate: getters of
 * the caller's own may answer otherwise than before. Throws E_IMAGE_INPUT.
 */
export function writeFrame(
  words: Int32Array,
  { width, height }: Pixels,
  { resizedWidth, resizedHeight, offsetX, offsetY }: Fit,
  source: number,
  bytes: number,
  input: Tensor,
): void {
  const isSound =
    isSide(width) &&
    isSide(height) &&
    width * height * 4 === bytes &&
    isWithin(resizedWidth, offsetX, input.shape[2]) &&
    isWithin(resizedHeight, offsetY, input.shape[1])
  if (!isSound)
    throw new OcellusError(
      'E_IMAGE_INPUT',
      'the picture changed its size while it was read: give plain values',
    )
  words[frameFields.source] = source
  words[frameFields.sourceWidth] = width
  words[frameFields.sourceHeight] = height
  words[frameFields.resizedWidth] = resizedWidth
  words[frameFields.resizedHeight] = resizedHeight
  words[frameFields.offsetX] = offsetX
  words[frameFields.offsetY] = offsetY
}
