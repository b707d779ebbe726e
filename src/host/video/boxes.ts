import type { Box } from '../tasks/detection/detections.js'

export const areaOf = ({ xmin, ymin, xmax, ymax }: Box): number => (xmax - xmin) * (ymax - ymin)

/** The area that two boxes have in common. */
export function intersectionOf(a: Box, b: Box): number {
  const w = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin)
  const h = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin)
  return w > 0 && h > 0 ? w * h : 0
}

/** Intersection over union, 0 where they do not meet. */
export function iouOf(a: Box, b: Box): number {
  const common = intersectionOf(a, b)
  return common === 0 ? 0 : common / (areaOf(a) + areaOf(b) - common)
}

/** The box with `by` added on each side. */
export const grow = (box: Box, by: number): Box =>
  by === 0 ? box : { xmin: box.xmin - by, ymin: box.ymin - by, xmax: box.xmax + by, ymax: box.ymax + by }
