import type { Box } from '../../src/host/tasks/detection/detections.js'

/**
 * A labelled object. `crowd` marks a region that holds many: finding something in it is neither
 * right nor wrong.
 */
export interface LabelBox {
  readonly classId: number
  readonly box: Box
  readonly crowd: boolean
}

export interface LabelledPhoto {
  /** Path of the photo. */
  readonly file: string
  /**
   * As the label file states it: COCO does, YOLO's boxes are fractions of whatever the photo
   * measures.
   */
  readonly size?: { readonly width: number; readonly height: number }
  /** In pixels when `size` is stated, else in fractions of the photo's sides. */
  readonly labels: readonly LabelBox[]
}

export interface DataSet {
  /** Class names by class number. */
  readonly names: readonly string[]
  readonly photos: readonly LabelledPhoto[]
  /** What was left out, one line each: labels without a photo, photos without labels. */
  readonly warnings: readonly string[]
}
