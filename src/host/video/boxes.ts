import type { Box } from '../tasks/detection/detections.js'

/** Intersection over union of two boxes, 0 where they do not meet. */
export function iouOf(a: Box, b: Box): number {
  const w = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin)
  const h = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin)
  if (!(w > 0 && h > 0)) return 0
  return (w * h) / (areaOf(a) + areaOf(b) - w * h)
}

const areaOf = ({ xmin, ymin, xmax, ymax }: Box): number => (xmax - xmin) * (ymax - ymin)
