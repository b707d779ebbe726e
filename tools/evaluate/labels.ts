import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { glob } from 'tinyglobby'
import { OcellusError } from '../../src/host/errors.js'
import { readCoco } from './coco.js'
import type { DataSet } from './dataset.js'
import { readYolo } from './yolo.js'

export interface ReadOptions {
  /** Class names of YOLO labels in a folder that names none itself; usually the model's. */
  readonly names?: readonly string[]
}

/**
 * Reads labelled photos: a folder with YOLO labels (`images/` and `labels/`, or photos and text
 * files side by side), a COCO instances file, or a folder that holds one such file and no YOLO
 * labels.
 */
export async function readDataSet(path: string, options: ReadOptions = {}): Promise<DataSet> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new OcellusError('E_FILE_MISSING', `${path}: no such file or folder`, { cause })
  })
  const dataSet = found.isDirectory() ? await readFolder(path, options) : await readFile(path)
  if (dataSet.photos.length === 0) {
    throw new OcellusError('E_DATA_EMPTY', `${path}: none of the labelled photos is there`)
  }
  if (!dataSet.photos.some(({ labels }) => labels.length > 0)) {
    throw new OcellusError(
      'E_DATA_EMPTY',
      `${path}: ${dataSet.photos.length} photos, and not one labelled box`,
    )
  }
  return dataSet
}

async function readFile(path: string): Promise<DataSet> {
  if (extname(path).toLowerCase() === '.json') return readCoco(path)
  throw new OcellusError('E_DATA_LABELS', `${path}: give a folder, or a COCO instances file (.json)`)
}

async function readFolder(folder: string, { names }: ReadOptions): Promise<DataSet> {
  const yolo = await readYolo(folder, names)
  if (yolo) return yolo
  const files = await glob(['*.json', 'annotations/*.json'], { cwd: folder, absolute: true })
  if (files.length === 1) return readCoco(files[0])
  throw new OcellusError(
    'E_DATA_LABELS',
    files.length === 0
      ? `${folder}: no labels; expected labels/*.txt beside images/, text files beside the photos, or COCO JSON`
      : `${folder}: ${files.length} JSON files; name the one that holds the labels`,
  )
}
