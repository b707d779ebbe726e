import { pixelCount } from '../graph/descriptor.js'
import { bytesOf } from '../graph/ops/shared.js'
import type { Fit } from '../image/fit.js'
import type { Pixels } from '../image/pixels.js'
import { type LargeFrame, placeLargeFrame } from '../plan/frame.js'
import { type Plan, programStart } from '../plan/plan.js'
import { encode } from '../program/encode.js'
import { type Fields, instructionWords, wordOf } from '../program/instruction.js'
import type { EngineMemory } from './memory.js'

type Field = keyof Fields<'preprocess'>

/** The rows of a picture that lines `from` to `end` of a network's input are made of. */
interface Band {
  readonly from: number
  readonly end: number
  readonly rows: readonly number[]
}

/**
 * Preprocesses a picture band by band, each through a window that holds only the rows that it is
 * made of, and leaves an instruction in the program that copies the result to where the network
 * takes it. There must be memory up to the end of `placeLargeFrame`. `preprocess` is the program's
 * own first instruction; `execute` runs the one that stands there. Every byte is as the instruction
 * by itself would make it: it is told the address at which the whole picture would begin, reads
 * nothing outside the window, and works on all sizes as they are.
 */
export function passLargeFrame(
  plan: Plan,
  memory: EngineMemory,
  pixels: Pixels,
  fit: Fit,
  preprocess: Int32Array,
  execute: () => void,
): LargeFrame {
  const place = placeLargeFrame(plan)
  const [name] = plan.model.graph.inputs
  const tensor = plan.model.tensorsByName.get(name)!
  const { address, stride } = plan.places.get(name)!
  const [, height, width] = tensor.shape
  const rowBytes = pixels.width * 4
  const most = Math.floor((place.windowBytes - 64) / rowBytes)
  for (const { from, end, rows } of bandsOf(pixels, fit, height, most)) {
    const [top = 0] = rows
    for (const row of rows) {
      const values = pixels.data.subarray(row * rowBytes, (row + 1) * rowBytes)
      memory.bytes.set(values, place.window + (row - top) * rowBytes)
    }
    const words = new Int32Array(preprocess)
    const fields: Partial<Record<Field, number>> = {
      // Addresses are counted modulo 2^32, by the engine too.
      source: (place.window - top * rowBytes) | 0,
      sourceWidth: pixels.width,
      sourceHeight: pixels.height,
      output: place.input + from * width * stride,
      outputHeight: end - from,
      resizedWidth: fit.resizedWidth,
      resizedHeight: fit.resizedHeight,
      offsetX: fit.offsetX,
      offsetY: fit.offsetY - from,
    }
    for (const [field, value] of Object.entries(fields)) words[wordOf('preprocess', field as Field)] = value
    memory.words.set(words, programStart / 4)
    execute()
  }
  const copy = encode({
    opcode: 'copy',
    fields: {
      input: place.input,
      output: address,
      pixels: pixelCount(tensor.shape),
      pixelBytes: tensor.shape[tensor.shape.length - 1] * bytesOf(tensor),
      inputStride: stride,
      outputStride: stride,
    },
  })
  memory.words.fill(0, programStart / 4, programStart / 4 + instructionWords)
  memory.words.set(copy, programStart / 4)
  return place
}

/** Cuts the lines of an input so that the rows between the first and the last of a band are few. */
function* bandsOf(
  { height }: Pixels,
  { resizedHeight, offsetY }: Fit,
  lines: number,
  mostRows: number,
): Generator<Band> {
  let from = 0
  let rows: number[] = []
  for (let y = 0; y < lines; y++) {
    const needed = rowsOf(y - offsetY, height, resizedHeight)
    const last = needed[needed.length - 1] ?? 0
    if (rows.length > 0 && last - rows[0] >= mostRows) {
      yield { from, end: y, rows }
      from = y
      rows = []
    }
    for (const row of needed) if (row > (rows[rows.length - 1] ?? -1)) rows.push(row)
  }
  yield { from, end: lines, rows }
}

const round = Math.fround

/** As assembly/kernels/picture/preprocess.ts has it: the row above a line of the result and below. */
function rowsOf(line: number, height: number, resizedHeight: number): number[] {
  if (line < 0 || line >= resizedHeight) return []
  const above = Math.floor(round((line + 0.5) * (1 / (resizedHeight / height)) - 0.5))
  const within = (row: number): number => Math.max(0, Math.min(height - 1, row))
  const [first, second] = [within(above), within(above + 1)]
  return first === second ? [first] : [first, second]
}
