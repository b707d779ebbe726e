import { existsSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { limits } from '../../src/host/limits.js'
import type { DataSet, LabelBox } from './dataset.js'
import { badLabels, listed, readLabelFile } from './files.js'

type Json = { readonly [key: string]: unknown }

interface Picture {
  readonly file: string
  readonly size: { readonly width: number; readonly height: number }
  readonly labels: LabelBox[]
}

/**
 * Reads a COCO instances file (cocodataset.org, Data format, Object Detection). The photos lie
 * beside it, in `images/`, or in the folder that the file's name ends with, as in
 * instances_val2017.json; from
 * `annotations/` also one folder up.
 */
export async function readCoco(file: string): Promise<DataSet> {
  const root = object(parse(await readLabelFile(file), file), file, 'the file')
  const categories = array(root.categories, file, 'categories')
  const index = new Map<Id, number>()
  const names = categories.map((entry, i) => {
    const { id, name } = object(entry, file, `categories[${i}]`)
    const number = idOf(id, file, `categories[${i}].id`)
    if (index.has(number)) badLabels(file, `categories[${i}].id: ${number} stands twice`)
    index.set(number, i)
    return text(name, file, `categories[${i}].name`)
  })
  if (names.length > limits.labels) badLabels(file, `${names.length} categories, more than ${limits.labels}`)

  const pictures = readPictures(array(root.images, file, 'images'), file)
  for (const [i, entry] of array(root.annotations, file, 'annotations').entries()) {
    const at = `annotations[${i}]`
    const { image_id, category_id, bbox, iscrowd = 0 } = object(entry, file, at)
    const picture = pictures.get(idOf(image_id, file, `${at}.image_id`))
    if (!picture) badLabels(file, `${at}.image_id: no image has the id ${image_id}`)
    const classId = index.get(idOf(category_id, file, `${at}.category_id`))
    if (classId === undefined) badLabels(file, `${at}.category_id: no category has the id ${category_id}`)
    if (![0, 1, false, true].includes(iscrowd as number | boolean))
      badLabels(file, `${at}.iscrowd: expected 0 or 1`)
    picture.labels.push({ classId, box: boxOf(bbox, file, `${at}.bbox`), crowd: Boolean(iscrowd) })
  }

  const folders = photoFolders(file)
  const missing: string[] = []
  const photos = [...pictures.values()].flatMap((picture) => {
    const found = folders.map((folder) => join(folder, picture.file)).find(existsSync)
    if (!found) missing.push(picture.file)
    return found ? [{ ...picture, file: found }] : []
  })
  return { names, photos, warnings: listed('labelled photos are not there, left out', missing) }
}

function readPictures(images: readonly unknown[], file: string): Map<Id, Picture> {
  const pictures = new Map<Id, Picture>()
  for (const [i, entry] of images.entries()) {
    const { id, file_name, width, height } = object(entry, file, `images[${i}]`)
    const number = idOf(id, file, `images[${i}].id`)
    if (pictures.has(number)) badLabels(file, `images[${i}].id: ${number} stands twice`)
    const name = text(file_name, file, `images[${i}].file_name`)
    const path = normalize(name)
    if (isAbsolute(path) || path.split(sep)[0] === '..') {
      badLabels(file, `images[${i}].file_name: '${name}' leaves the folder of the photos`)
    }
    const size = {
      width: integer(width, file, `images[${i}].width`),
      height: integer(height, file, `images[${i}].height`),
    }
    if (size.width < 1 || size.height < 1)
      badLabels(file, `images[${i}]: ${size.width}x${size.height} pixels`)
    pictures.set(number, { file: path, size, labels: [] })
  }
  return pictures
}

function photoFolders(file: string): string[] {
  const split = /_([^_]+)\.json$/.exec(basename(file))?.[1]
  const here = dirname(file)
  const bases = basename(here) === 'annotations' ? [dirname(here), here] : [here]
  return bases.flatMap((base) => [
    join(base, 'images'),
    ...(split ? [join(base, split), join(base, 'images', split)] : []),
    base,
  ])
}

function boxOf(value: unknown, file: string, at: string) {
  const numbers = array(value, file, at)
  const isBox = numbers.length === 4 && numbers.every((n) => typeof n === 'number' && Number.isFinite(n))
  if (!isBox) badLabels(file, `${at}: expected [x, y, width, height]`)
  const [x, y, width, height] = numbers as number[]
  if (width < 0 || height < 0) badLabels(file, `${at}: a size of ${width}x${height}`)
  return { xmin: x, ymin: y, xmax: x + width, ymax: y + height }
}

function parse(content: string, file: string): unknown {
  try {
    return JSON.parse(content)
  } catch (cause) {
    badLabels(file, `is no JSON: ${(cause as Error).message}`)
  }
}

function object(value: unknown, file: string, at: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  badLabels(file, `${at}: expected an object`)
}

function array(value: unknown, file: string, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  badLabels(file, `${at}: expected a list`)
}

function integer(value: unknown, file: string, at: string): number {
  if (Number.isSafeInteger(value)) return value as number
  badLabels(file, `${at}: expected an integer`)
}

/** Ids are numbers or texts, and equal only as they stand, as in pycocotools. */
type Id = number | string

function idOf(value: unknown, file: string, at: string): Id {
  if (Number.isSafeInteger(value) || (typeof value === 'string' && value !== '')) return value as Id
  badLabels(file, `${at}: expected an integer or a text`)
}

function text(value: unknown, file: string, at: string): string {
  if (typeof value === 'string' && value !== '') return value
  badLabels(file, `${at}: expected a text`)
}
