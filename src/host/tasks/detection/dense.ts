import type { TensorData } from '../../engine/tensors.js'
import type { DenseColumns, DenseHead, Tensor } from '../../graph/types.js'
import type { Geometry } from '../../image/fit.js'
import type { Candidate } from './detections.js'
import type { Settings } from './options.js'

/** Finds the value of a row's column in a tensor. */
interface Reader {
  readonly values: Float32Array
  readonly start: number
  /** Elements from row to row, and from column to column. */
  readonly rowStep: number
  readonly columnStep: number
}

/** Outputs of a session's last run. */
export interface Outputs {
  readonly outputs: readonly Tensor[]
  /** Copies the values of an output. */
  output(name: string, into?: TensorData): TensorData
}

type Sides = [xmin: number, ymin: number, xmax: number, ymax: number]

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/**
 * Turns the rows of dense heads (see `DenseHead`) into candidates, in pixels of the photo. Values
 * that are not finite make none. The work is float64 in the host: these heads differ too much to
 * be worth a kernel each, and few boxes pass the threshold.
 */
export class DenseDecoder {
  readonly #heads: readonly DenseHead[]
  readonly #labels: number
  readonly #engine: Outputs
  /** The last side of each output. */
  readonly #widths: ReadonlyMap<string, number>
  readonly #copies = new Map<string, Float32Array>()

  constructor(heads: readonly DenseHead[], labels: number, engine: Outputs) {
    this.#heads = heads
    this.#labels = labels
    this.#engine = engine
    this.#widths = new Map(engine.outputs.map(({ name, shape }) => [name, shape[shape.length - 1]]))
  }

  /** Candidates of the last run; of more than `capacity` the best. */
  find(geometry: Geometry, settings: Settings, capacity: number): Candidate[] {
    const fresh = new Set<string>()
    const found: Candidate[] = []
    let origin = 0
    for (const head of this.#heads) {
      this.#findIn(head, origin, geometry, settings, fresh, found)
      origin += head.rows * head.columns
    }
    if (found.length <= capacity) return found
    return found
      .sort((a, b) => b.score - a.score || a.origin - b.origin || a.classId - b.classId)
      .slice(0, capacity)
  }

  #findIn(
    head: DenseHead,
    origin: number,
    geometry: Geometry,
    settings: Settings,
    fresh: Set<string>,
    found: Candidate[],
  ): void {
    const scores = this.#reader(head, head.scores, fresh)
    const objectness = head.objectness && this.#reader(head, head.objectness, fresh)
    const boxes = this.#reader(head, head.boxes, fresh)
    const probability = head.curve === 'sigmoid' ? sigmoid : (x: number) => x
    const [objectnessPower, classPower] = head.powers
    for (let row = 0; row < head.rows * head.columns; row++) {
      // A probability is at most 1, so the objectness bounds the score.
      const factor = objectness === undefined ? 1 : probability(at(objectness, row, 0)) ** objectnessPower
      // The comparison is written so that NaN fails.
      if (!(factor >= settings.scoreThreshold)) continue
      const sum = head.curve === 'softmax' ? softmaxSum(scores, row, this.#labels + 1) : undefined
      const scoreOf = (classId: number): number => {
        const raw = at(scores, row, classId)
        const p = sum === undefined ? probability(raw) : Math.exp(raw - sum.most) / sum.sum
        return factor * p ** classPower
      }
      const add = (classId: number, score: number): void => {
        const box = onPhoto(sidesOf(head, boxes, row, geometry), geometry)
        if (box !== undefined) found.push({ ...box, score, classId, origin: origin + row })
      }
      if (settings.multiLabel) {
        for (let c = 0; c < this.#labels; c++) {
          if (settings.classMask?.[c] === 0) continue
          const score = scoreOf(c)
          if (score >= settings.scoreThreshold) add(c, score)
        }
        continue
      }
      const best = bestClass(scores, row, this.#labels, settings.classMask)
      if (best < 0) continue
      const score = scoreOf(best)
      if (score >= settings.scoreThreshold) add(best, score)
    }
  }

  /** The tensor is copied once a run, and its memory serves all runs. */
  #reader({ firstRow }: DenseHead, { tensor, first, transposed }: DenseColumns, fresh: Set<string>): Reader {
    let values = this.#copies.get(tensor)
    if (!fresh.has(tensor)) {
      values = this.#engine.output(tensor, values) as Float32Array
      this.#copies.set(tensor, values)
      fresh.add(tensor)
    }
    const width = this.#widths.get(tensor)!
    const [rowStep, columnStep] = transposed ? [1, width] : [width, 1]
    const start = first * columnStep + firstRow * rowStep
    return { values: values!, start, rowStep, columnStep }
  }
}

const at = ({ values, start, rowStep, columnStep }: Reader, row: number, column: number): number =>
  values[start + row * rowStep + column * columnStep]

/** The allowed class with the greatest value, the lower one of two that are equal; -1 for none. */
function bestClass(scores: Reader, row: number, labels: number, mask: Uint8Array | undefined): number {
  let best = -1
  let most = Number.NEGATIVE_INFINITY
  for (let c = 0; c < labels; c++) {
    const value = at(scores, row, c)
    if (value > most && mask?.[c] !== 0) {
      best = c
      most = value
    }
  }
  return best
}

/** The largest of a row's values, and the sum of their exponentials relative to it. */
function softmaxSum(scores: Reader, row: number, count: number): { most: number; sum: number } {
  let most = Number.NEGATIVE_INFINITY
  for (let c = 0; c < count; c++) most = Math.max(most, at(scores, row, c))
  let sum = 0
  for (let c = 0; c < count; c++) sum += Math.exp(at(scores, row, c) - most)
  return { most, sum }
}

/** The mean of a softmax over bins 0, 1, 2 ... (Li et al., Generalized Focal Loss, 2020, section 3). */
function meanBin(boxes: Reader, row: number, first: number, bins: number): number {
  let most = Number.NEGATIVE_INFINITY
  for (let b = 0; b < bins; b++) most = Math.max(most, at(boxes, row, first + b))
  let sum = 0
  let weighted = 0
  for (let b = 0; b < bins; b++) {
    const e = Math.exp(at(boxes, row, first + b) - most)
    sum += e
    weighted += e * b
  }
  return weighted / sum
}

/** A row's box in pixels of the network's input. */
function sidesOf(head: DenseHead, boxes: Reader, row: number, { inputWidth, inputHeight }: Geometry): Sides {
  const [scaleX, scaleY] = head.scale
  const column = row % head.columns
  const line = Math.floor(row / head.columns)
  const [a, b, c, d] = [0, 1, 2, 3].map((n) =>
    head.encoding === 'distribution' ? meanBin(boxes, row, n * head.bins, head.bins) : at(boxes, row, n),
  )
  const around = (x: number, y: number, w: number, h: number): Sides => [
    x - w / 2,
    y - h / 2,
    x + w / 2,
    y + h / 2,
  ]
  switch (head.encoding) {
    case 'corners':
      return [a * scaleX, b * scaleY, c * scaleX, d * scaleY]
    case 'center':
      return around(a * scaleX, b * scaleY, c * scaleX, d * scaleY)
    case 'grid':
      return around((a + column) * scaleX, (b + line) * scaleY, Math.exp(c) * scaleX, Math.exp(d) * scaleY)
    case 'tanhGrid':
      return around(
        (Math.tanh(a) + column) * scaleX,
        (Math.tanh(b) + line) * scaleY,
        sigmoid(c) * inputWidth,
        sigmoid(d) * inputHeight,
      )
    case 'distances':
    case 'distribution': {
      const x = column + head.shift
      const y = line + head.shift
      return [(x - a) * scaleX, (y - b) * scaleY, (x + c) * scaleX, (y + d) * scaleY]
    }
  }
}

/** A box of the input in pixels of the photo; undefined where it is not finite. */
function onPhoto([xmin, ymin, xmax, ymax]: Sides, geometry: Geometry) {
  const perPixelX = geometry.sourceWidth / geometry.resizedWidth
  const perPixelY = geometry.sourceHeight / geometry.resizedHeight
  const box = {
    xmin: (xmin - geometry.offsetX) * perPixelX,
    ymin: (ymin - geometry.offsetY) * perPixelY,
    xmax: (xmax - geometry.offsetX) * perPixelX,
    ymax: (ymax - geometry.offsetY) * perPixelY,
  }
  return Number.isFinite(box.xmin + box.ymin + box.xmax + box.ymax) ? box : undefined
}
