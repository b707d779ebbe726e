import type { Address, Contents } from '../source/content.js'
import type { Pixels } from './pixels.js'

/**
 * What pictures may be given as, by kind. These are known everywhere; the types of a page (images,
 * videos, canvases) are added where the program is compiled for one.
 */
export interface ImageSources {
  /** RGBA, as a canvas's ImageData is. */
  readonly pixels: Pixels
  /**
   * The file of a JPEG, PNG, WebP, GIF or BMP picture: its bytes, or a blob, answer or stream that
   * gives them.
   */
  readonly file: Contents
  /** In Node the path or the file: address of a picture; in a browser its address. */
  readonly place: string | Address
}

/** Anything that the platform takes for a picture. */
export type ImageSource = ImageSources[keyof ImageSources]

/** Whether a picture is pixels already, to be checked by `checkPixels`. */
export const isPixels = (source: unknown): source is Pixels =>
  typeof source === 'object' && source !== null && 'data' in source && 'width' in source && 'height' in source
