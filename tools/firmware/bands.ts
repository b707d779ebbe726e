import { integers } from '../../src/host/graph/descriptor.js'
import type { VerifiedModel } from '../../src/host/graph/verify.js'
import { planStorage } from '../../src/host/plan/storage.js'
import { isMicroConvolution } from './kernels.js'

/**
 * Rows of the first convolution that are computed at a time: its input is then never there as a
 * whole, which is most of the arena of a small network.
 */
export interface Band {
  readonly outputRow: number
  readonly outputRows: number
  /** The first row of the input that they need, and how many. */
  readonly inputRow: number
  readonly inputRows: number
  /** Rows above the input that the first output row needs. */
  readonly padTop: number
}

/** Bands of so many output rows. */
function bandsOf(model: VerifiedModel, rows: number): Band[] {
  const { view } = model.views[0]
  const [kernelHeight] = integers(view, 'kernel')
  const [stride] = integers(view, 'strides')
  const [padTop] = integers(view, 'pads')
  const height = view.inputs[0].shape[1]
  const outputHeight = view.output.shape[1]
  const bands: Band[] = []
  for (let outputRow = 0; outputRow < outputHeight; outputRow += rows) {
    const outputRows = Math.min(rows, outputHeight - outputRow)
    const top = outputRow * stride - padTop
    const inputRow = Math.max(0, top)
    const end = Math.min(height, top + (outputRows - 1) * stride + kernelHeight)
    bands.push({ outputRow, outputRows, inputRow, inputRows: end - inputRow, padTop: inputRow - top })
  }
  return bands
}

/**
 * How the first convolution may be cut, the fewest bands first: one band is no cut. Only a
 * convolution that alone reads the input can be.
 */
export function possibleBands(model: VerifiedModel): Band[][] {
  const [input] = model.graph.inputs
  const readers = model.views.filter(({ view }) => view.inputs.some(({ name }) => name === input))
  const { steps, storage } = planStorage(model)
  const [first] = steps
  const canCut =
    readers.length === 1 &&
    first.kind === 'node' &&
    first.index === 0 &&
    readers[0] === model.views[0] &&
    isMicroConvolution(model.views[0].view) &&
    storage.get(input)?.offset === 0 &&
    storage.get(input)?.buffer.name === input &&
    !model.graph.outputs.includes(input)
  if (!canCut) return [[]]
  const height = model.views[0].view.output.shape[1]
  const counts = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20].filter((count) => count <= height)
  // The last band must need a row of the input at least.
  return counts
    .map((count) => bandsOf(model, Math.ceil(height / count)))
    .filter((bands) => bands.every(({ inputRows }) => inputRows > 0))
}
