import type { DenseColumns, DenseHead, Preprocessing } from '../../src/host/graph/types.js'
import { normalizations, ofBytes } from './normalization.js'

/** What a detector's export looks like from outside. */
export interface Ends {
  /** Of the picture that it takes. */
  readonly height: number
  readonly width: number
  readonly outputs: readonly { readonly name: string; readonly dims: readonly number[] }[]
  /** Whether the graph computes exponentials: exports that decode their boxes themselves do. */
  readonly decodes: boolean
}

/** What the outputs of a detector mean. */
export interface Found {
  readonly classes: number
  readonly dense: readonly DenseHead[]
}

export interface Family {
  readonly title: string
  /** How its own code prepares pictures. */
  readonly picture: Preprocessing
  /** Overlap above which its own code drops a box. */
  readonly iou: number
  /** Names of classes that are no data set's. */
  readonly labels?: readonly string[]
  /**
   * The heads, where the ends are those of such a network. `told`: somebody says that they are, so
   * that the number of boxes needs to prove nothing.
   */
  match(ends: Ends, told?: boolean): Found | undefined
}

const { unit, imagenet, bytes } = normalizations
const letterbox = (pad: number) => ({ mode: 'letterbox', pad }) as const
const stretch = { mode: 'stretch', pad: 0 } as const
const columns = (tensor: string, first = 0, transposed = false): DenseColumns => ({
  tensor,
  first,
  transposed,
})

/** A head without a grid: boxes are what they say. */
const plain = { curve: 'none', bins: 1, firstRow: 0, columns: 1, shift: 0, powers: [1, 1] } as const

interface Level {
  readonly stride: number
  readonly rows: number
  readonly columns: number
  readonly firstRow: number
}

/** Grids of these strides, one after the other. */
function levelsOf({ width, height }: Ends, strides: readonly number[]): Level[] {
  let firstRow = 0
  return strides.map((stride) => {
    const level = { stride, rows: Math.ceil(height / stride), columns: Math.ceil(width / stride), firstRow }
    firstRow += level.rows * level.columns
    return level
  })
}

const cellsOf = (levels: readonly Level[]): number =>
  levels.reduce((sum, { rows, columns: wide }) => sum + rows * wide, 0)

/** Sides of an output but leading ones: [1, 84, 8400] is [84, 8400]. */
const squeezed = (dims: readonly number[]): readonly number[] => {
  const first = dims.findIndex((side) => side !== 1)
  return first < 0 ? [1] : dims.slice(Math.min(first, dims.length - 2))
}

/** The only output, if it is a matrix. */
function soleMatrix({ outputs }: Ends) {
  const [output] = outputs
  const dims = outputs.length === 1 ? squeezed(output.dims) : []
  return dims.length === 2 ? { name: output.name, high: dims[0], wide: dims[1] } : undefined
}

const usual = [8, 16, 32]

/** Whether a network has so many boxes: on strides of 8, or 8 and 16, and so on. */
const fits = (ends: Ends, boxes: number, perCell: number): boolean =>
  [8, 16, 32, 64].some(
    (_, n, strides) => boxes === perCell * cellsOf(levelsOf(ends, strides.slice(0, n + 1))),
  )

/** x, y, w, h and the probability of each class, a column a box (ultralytics). */
const yolov8: Family = {
  title: 'YOLOv8 (or v9, v11, v12)',
  picture: { ...letterbox(114), channels: 'rgb', ...unit },
  iou: 0.7,
  match(ends, told) {
    const output = soleMatrix(ends)
    if (output === undefined || output.high < 5) return undefined
    if (!told && (!fits(ends, output.wide, 1) || output.high >= output.wide)) return undefined
    const head: DenseHead = {
      ...plain,
      scores: columns(output.name, 4, true),
      boxes: columns(output.name, 0, true),
      encoding: 'center',
      rows: output.wide,
      scale: [1, 1],
    }
    return { classes: output.high - 4, dense: [head] }
  },
}

/** x, y, w, h, objectness and classes, a row a box, decoded in the graph; three anchors a cell. */
const yolov5: Family = {
  title: 'YOLOv5 (or v7)',
  picture: { ...letterbox(114), channels: 'rgb', ...unit },
  iou: 0.45,
  match(ends, told) {
    const output = soleMatrix(ends)
    if (output === undefined || output.wide < 6) return undefined
    if (!told && !fits(ends, output.high, 3)) return undefined
    return { classes: output.wide - 5, dense: [decodedRows(output.name, output.high)] }
  },
}

const decodedRows = (name: string, rows: number): DenseHead => ({
  ...plain,
  scores: columns(name, 5),
  objectness: columns(name, 4),
  boxes: columns(name, 0),
  encoding: 'center',
  rows,
  scale: [1, 1],
})

/** The same row, one a cell, of which the boxes are most often left to decode. */
const yolox: Family = {
  title: 'YOLOX',
  picture: { ...letterbox(114), channels: 'bgr', ...bytes },
  iou: 0.45,
  match(ends) {
    const output = soleMatrix(ends)
    const levels = levelsOf(ends, usual)
    if (output === undefined || output.wide < 6 || output.high !== cellsOf(levels)) return undefined
    const { name } = output
    const dense = ends.decodes
      ? [decodedRows(name, output.high)]
      : levels.map(
          ({ stride, ...level }): DenseHead => ({
            ...plain,
            ...level,
            scores: columns(name, 5),
            objectness: columns(name, 4),
            boxes: columns(name, 0),
            encoding: 'grid',
            scale: [stride, stride],
          }),
        )
    return { classes: output.wide - 5, dense }
  },
}

/** Probabilities, and distributions of distances, a pair of outputs a level, in any order. */
const nanodet: Family = {
  title: 'NanoDet',
  picture: {
    ...stretch,
    channels: 'bgr',
    ...ofBytes([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
  },
  iou: 0.6,
  match(ends) {
    const pairs = levelPairs(ends, 32)
    if (pairs === undefined) return undefined
    return {
      classes: pairs[0].classes,
      dense: pairs.map(({ level: { stride, ...level }, scores, boxes }) => ({
        ...plain,
        ...level,
        firstRow: 0,
        scores: columns(scores),
        boxes: columns(boxes),
        encoding: 'distribution',
        bins: 8,
        scale: [stride, stride],
        shift: 0.5,
      })),
    }
  },
}

/** The same two in one row a cell, whose point is the cell's corner. */
const nanodetPlus: Family = {
  title: 'NanoDet-Plus',
  picture: nanodet.picture,
  iou: 0.6,
  match(ends) {
    const output = soleMatrix(ends)
    const levels = levelsOf(ends, [8, 16, 32, 64])
    if (output === undefined || output.wide < 33 || output.high !== cellsOf(levels)) return undefined
    const classes = output.wide - 32
    return {
      classes,
      dense: levels.map(({ stride, ...level }) => ({
        ...plain,
        ...level,
        scores: columns(output.name, 0),
        boxes: columns(output.name, classes),
        encoding: 'distribution',
        bins: 8,
        scale: [stride, stride],
      })),
    }
  },
}

/** As NanoDet, on four levels (PaddleDetection). */
const picodet: Family = {
  title: 'PicoDet',
  picture: { ...stretch, channels: 'rgb', ...imagenet },
  iou: 0.6,
  match: (ends) => (ends.outputs.length === 8 ? nanodet.match(ends) : undefined),
}

interface Pair {
  readonly level: Level
  readonly classes: number
  readonly scores: string
  readonly boxes: string
}

/** Two outputs a level, [cells, classes] and [cells, sides], matched by how many cells they have. */
function levelPairs(ends: Ends, sides: number): Pair[] | undefined {
  const { outputs } = ends
  if (outputs.length < 4 || outputs.length % 2 !== 0) return undefined
  const levels = levelsOf(ends, [8, 16, 32, 64].slice(0, outputs.length / 2))
  const pairs: Pair[] = []
  for (const level of levels) {
    const cells = level.rows * level.columns
    const own = outputs.filter(({ dims }) => squeezed(dims).length === 2 && squeezed(dims)[0] === cells)
    const boxes = own.find(({ dims }) => squeezed(dims)[1] === sides)
    const scores = own.find((output) => output !== boxes)
    if (own.length !== 2 || boxes === undefined || scores === undefined) return undefined
    pairs.push({ level, classes: squeezed(scores.dims)[1], scores: scores.name, boxes: boxes.name })
  }
  return pairs.every(({ classes }) => classes === pairs[0].classes) ? pairs : undefined
}

/** One map: objectness, a box, classes. The score is objectness^0.6 * class^0.4. */
const fastestdet: Family = {
  title: 'FastestDet',
  picture: { ...stretch, channels: 'bgr', ...unit },
  iou: 0.45,
  match({ width, height, outputs }) {
    const [{ name, dims }] = outputs
    const isMap = outputs.length === 1 && dims.length === 4 && dims[0] === 1 && dims[1] > 5
    if (!isMap || dims[2] * 16 !== height || dims[3] * 16 !== width) return undefined
    const head: DenseHead = {
      ...plain,
      scores: columns(name, 5),
      objectness: columns(name, 0),
      powers: [0.6, 0.4],
      boxes: columns(name, 1),
      encoding: 'tanhGrid',
      rows: dims[2],
      columns: dims[3],
      scale: [16, 16],
    }
    return { classes: dims[1] - 5, dense: [head] }
  },
}

const named = ({ outputs }: Ends, name: string) => outputs.find((output) => output.name === name)

/** Corners as shares of the picture, and the probabilities of background and face. */
const ultraface: Family = {
  title: 'UltraFace',
  picture: { ...stretch, channels: 'rgb', ...ofBytes(127, 128) },
  iou: 0.3,
  labels: ['face'],
  match(ends) {
    const [boxes, scores] = [named(ends, 'boxes'), named(ends, 'scores')]
    if (boxes === undefined || scores === undefined || ends.outputs.length !== 2) return undefined
    const [high, wide] = squeezed(boxes.dims)
    const [rows, classes] = squeezed(scores.dims)
    if (wide !== 4 || classes !== 2 || rows !== high) return undefined
    const head: DenseHead = {
      ...plain,
      scores: columns(scores.name, 1),
      boxes: columns(boxes.name, 0),
      encoding: 'corners',
      rows,
      scale: [ends.width, ends.height],
    }
    return { classes: 1, dense: [head] }
  },
}

/** Class, objectness, box and landmarks, an output a level. The score is their geometric mean. */
const yunet: Family = {
  title: 'YuNet',
  picture: { ...stretch, channels: 'bgr', ...bytes },
  iou: 0.3,
  labels: ['face'],
  match(ends) {
    const levels = levelsOf(ends, usual)
    const dense: DenseHead[] = []
    for (const { stride, ...level } of levels) {
      const [scores, objectness, boxes] = ['cls', 'obj', 'bbox'].map((what) =>
        named(ends, `${what}_${stride}`),
      )
      if (scores === undefined || objectness === undefined || boxes === undefined) return undefined
      if (squeezed(boxes.dims).join() !== `${level.rows * level.columns},4`) return undefined
      dense.push({
        ...plain,
        ...level,
        firstRow: 0,
        scores: columns(scores.name),
        objectness: columns(objectness.name),
        powers: [0.5, 0.5],
        boxes: columns(boxes.name),
        encoding: 'grid',
        scale: [stride, stride],
      })
    }
    return { classes: 1, dense }
  },
}

/** Logits of the classes and of none, and centres as shares of the picture, a row a query. */
const detr: Family = {
  title: 'DETR',
  picture: { ...stretch, channels: 'rgb', ...imagenet },
  iou: 1,
  match(ends) {
    if (ends.outputs.length !== 2) return undefined
    const boxes = ends.outputs.find(({ dims }) => squeezed(dims).length === 2 && squeezed(dims)[1] === 4)
    const logits = ends.outputs.find((output) => output !== boxes)
    if (boxes === undefined || logits === undefined) return undefined
    const [rows] = squeezed(boxes.dims)
    const [queries, classes] = squeezed(logits.dims)
    if (rows !== queries || classes < 2 || !/logit/i.test(logits.name)) return undefined
    const head: DenseHead = {
      ...plain,
      scores: columns(logits.name),
      curve: 'softmax',
      boxes: columns(boxes.name),
      encoding: 'center',
      rows,
      scale: [ends.width, ends.height],
    }
    return { classes: classes - 1, dense: [head] }
  },
}

/**
 * Detectors whose exports are known, by the word for `--task`. The first that matches is the one:
 * their shapes exclude each other, and those that could be confused tell themselves by names.
 */
export const families = {
  yolov8,
  yolov5,
  yolox,
  'nanodet-plus': nanodetPlus,
  picodet,
  nanodet,
  fastestdet,
  ultraface,
  yunet,
  detr,
} as const satisfies Readonly<Record<string, Family>>

export type FamilyName = keyof typeof families
export const familyNames = Object.keys(families) as FamilyName[]

/** The family whose export has these ends. */
export function familyOf(ends: Ends): { name: FamilyName; found: Found } | undefined {
  for (const name of familyNames) {
    const found = families[name].match(ends)
    if (found !== undefined) return { name, found }
  }
  return undefined
}
