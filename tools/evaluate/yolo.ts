import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { OcellusError } from '../../src/host/errors.js'
import { limits } from '../../src/host/limits.js'
import type { DataSet, LabelBox, LabelledPhoto } from './dataset.js'
import { badLabels, listed, photoPattern, readLabelFile } from './files.js'
import { nameFiles, readNames } from './names.js'

/**
 * Reads a folder of photos and YOLO labels, or returns undefined when no photo in it has any. A
 * photo under
 * `images/` has its labels at the same place under `labels/`, as darknet and ultralytics have it, or beside
 * it. A photo without a label file shows nothing that is looked for. A photo whose label file can't
 * be read is left out, and the warnings say so; E_DATA_LABELS where no label file can.
 */
export async function readYolo(folder: string, modelNames?: readonly string[]): Promise<DataSet | undefined> {
  const search = { cwd: folder, absolute: true, caseSensitiveMatch: false } as const
  const files = (await glob(photoPattern, search)).sort()
  const labelFiles = new Map(files.map((file) => [file, labelFileOf(file)]))
  const used = new Set(labelFiles.values())
  if (![...used].some((labelFile) => labelFile !== undefined)) return undefined

  const names = (await readNames(folder)) ?? modelNames
  if (!names) badLabels(folder, `nothing names the classes; add ${nameFiles}`)
  const photos: LabelledPhoto[] = []
  const bad: OcellusError[] = []
  const clipped = new Set<string>()
  for (const [file, labelFile] of labelFiles) {
    try {
      const onClipped = () => clipped.add(file)
      const labels = labelFile ? parseYolo(await readLabelFile(labelFile), labelFile, names, onClipped) : []
      photos.push({ file, labels })
    } catch (error) {
      // One damaged file spoils no evaluation, but a photo without its labels would: both go.
      if (!(error instanceof OcellusError)) throw error
      bad.push(error)
    }
  }
  const unlabelled = files.filter((file) => !labelFiles.get(file))
  if (bad.length === files.length - unlabelled.length) throw bad[0]
  const orphans = (await glob('**/labels/**/*.txt', { ...search, ignore: '**/classes.txt' })).filter(
    (file) => !used.has(resolve(file)),
  )
  return {
    names,
    photos,
    warnings: [
      ...bad.slice(0, mostNamed).map(({ message }) => `left out with its photo: ${message}`),
      ...(bad.length > mostNamed
        ? [`${bad.length - mostNamed} more label files left out with their photos`]
        : []),
      ...listed('photos with labels a little beyond the edge, which were clipped', [...clipped]),
      ...listed('photos without a label file, taken as showing nothing', unlabelled),
      ...listed('label files without a photo, left out', orphans),
    ],
  }
}

function labelFileOf(photo: string): string | undefined {
  const beside = photo.replace(/\.[^./]+$/, '.txt')
  const images = beside.lastIndexOf('/images/')
  const apart = `${beside.slice(0, images)}/labels/${beside.slice(images + '/images/'.length)}`
  return (images < 0 ? [beside] : [apart, beside]).map((path) => resolve(path)).find(existsSync)
}

/**
 * One object a line: class, then centre and size (4 numbers) or a polygon (6 or more), in fractions
 * of the sides. A fraction up to 0.01 beyond 0 or 1 is clipped, and `onClipped` called.
 */
export function parseYolo(
  text: string,
  file: string,
  names: readonly string[],
  onClipped?: () => void,
): LabelBox[] {
  if (text.length > limits.photoLabels)
    badLabels(file, `more than ${limits.photoLabels} characters; the labels of one photo have a few thousand`)
  return text.split(/\r?\n/).flatMap((line, i) => {
    const fields = line.trim().split(/\s+/)
    return fields[0] === '' ? [] : [parseLine(fields, `${file}:${i + 1}`, names, onClipped)]
  })
}

/** Bad label files that are named one by one. */
const mostNamed = 10

/** How far beyond the photo's edge a rounded fraction may lie. */
const tolerance = 1e-4
/** How far a careless one may, which is clipped; ultralytics draws the same line. */
const clippable = 0.01

function parseLine(
  [className, ...fields]: string[],
  where: string,
  names: readonly string[],
  onClipped?: () => void,
): LabelBox {
  const classId = Number(className)
  if (!/^\d+$/.test(className)) badLabels(where, `'${className}' is no class number`)
  if (classId >= names.length) {
    badLabels(where, `class ${className}, but the classes are 0 to ${names.length - 1}`)
  }
  // A fifth number is a score, as detectors write them: it says nothing of the labelled object.
  const isBox = fields.length === 4 || fields.length === 5
  if (!isBox && (fields.length < 6 || fields.length % 2 === 1)) {
    badLabels(
      where,
      `${fields.length} numbers after the class; expected 4 (box), 5 (box and score) or pairs (polygon)`,
    )
  }
  const values = (isBox ? fields.slice(0, 4) : fields).map((field) => fraction(field, where, onClipped))
  return { classId, box: values.length === 4 ? boxOf(values) : boxAround(values), crowd: false }
}

function fraction(field: string, where: string, onClipped?: () => void): number {
  const value = Number(field)
  if (value >= -tolerance && value <= 1 + tolerance) return value
  if (value >= -clippable && value <= 1 + clippable) {
    onClipped?.()
    return Math.min(1, Math.max(0, value))
  }
  badLabels(where, `'${field}' is no fraction of the photo from 0 to 1`)
}

function boxOf([x, y, width, height]: number[]) {
  return { xmin: x - width / 2, ymin: y - height / 2, xmax: x + width / 2, ymax: y + height / 2 }
}

function boxAround(polygon: number[]) {
  const box = { xmin: 1, ymin: 1, xmax: 0, ymax: 0 }
  for (let i = 0; i < polygon.length; i += 2) {
    box.xmin = Math.min(box.xmin, polygon[i])
    box.ymin = Math.min(box.ymin, polygon[i + 1])
    box.xmax = Math.max(box.xmax, polygon[i])
    box.ymax = Math.max(box.ymax, polygon[i + 1])
  }
  return box
}
