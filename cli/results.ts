import type { DetectorResult } from '../src/host/platform/node.js'

export interface PhotoResult extends DetectorResult {
  readonly file: string
}

/**
 * COCO's published category numbers of the 80 classes, in the order in which detectors use them.
 */
const cocoCategories = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31, 32, 33,
  34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
  62, 63, 64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90,
]

/**
 * COCO's results format: [{ image_id, category_id, bbox: [x, y, width, height], score }]. image_id
 * is the number in the photo's name, as in COCO's own photos, else the name, which is that of its
 * drawing and labels too; category_id is COCO's for its 80 classes, else 1 + the class's index.
 */
export function cocoResults(
  results: readonly PhotoResult[],
  labels: readonly string[],
  names: ReadonlyMap<string, string>,
) {
  const taken = new Set<number>()
  const isCoco = labels.length === 80 && labels[0] === 'person' && labels[79] === 'toothbrush'
  return results.flatMap(({ file, detections }) => {
    const name = names.get(file) ?? file
    // 1 and 001 are one number: the second keeps its name.
    const isNumber = /^\d{1,15}$/.test(name) && taken.size !== taken.add(Number(name)).size
    const image = isNumber ? Number(name) : name
    return detections.map(({ classId, score, box }) => ({
      image_id: image,
      category_id: isCoco ? cocoCategories[classId] : classId + 1,
      bbox: [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin],
      score,
    }))
  })
}

/**
 * YOLO's text format: a line a box, class, centre x and y, width and height as fractions, with
 * `scores` the score too.
 */
export function yoloLines({ width, height, detections }: PhotoResult, scores = false): string {
  return detections
    .map(({ classId, score, box }) => {
      const values = [
        (box.xmin + box.xmax) / 2 / width,
        (box.ymin + box.ymax) / 2 / height,
        (box.xmax - box.xmin) / width,
        (box.ymax - box.ymin) / height,
        ...(scores ? [score] : []),
      ]
      return `${classId} ${values.map((v) => v.toFixed(6)).join(' ')}\n`
    })
    .join('')
}
