import type { Orientation } from '../exif.js'

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp'

/**
 * What a picture's file says of itself. Width and height are those of the stored pixels, before
 * turning.
 */
export interface ImageHeader {
  readonly format: ImageFormat
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
  /** Whether every pixel is opaque, so that a decoded one that is not was never decoded. */
  readonly opaque: boolean
  /**
   * The same picture without orientation, colour profile, further frames and comments. Decoders
   * differ in which of these they obey, so none is shown them.
   */
  readonly plain: Uint8Array
}
