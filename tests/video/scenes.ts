import type { Detection } from '../../src/host/index.js'

/** A detection by the middle of its lower side, as most tests think of an object. */
export function detectionAt(
  x: number,
  bottom: number,
  { width = 40, height = 100, score = 0.8, label = 'person', classId = 0 } = {},
): Detection {
  const box = { xmin: x - width / 2, ymin: bottom - height, xmax: x + width / 2, ymax: bottom }
  return { label, classId, score, box }
}
