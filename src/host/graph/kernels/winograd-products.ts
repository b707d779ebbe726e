import { type NodeView, roundUp } from '../descriptor.js'
import { transposedGeometry } from './phases.js'
import { stridedProducts } from './strided.js'
import { tileGroups, tileProducts } from './winograd.js'

/** Multiply-accumulates of a Winograd instruction's products, those of padding included. */
export function winogradProducts(view: NodeView, opcode: string): number {
  const [, size, taps] = /inograd(\d)(\d)/.exec(opcode)!.map(Number)
  const [, height, width, outputs] = view.output.shape
  const areas = opcode.startsWith('transposed')
    ? transposedGeometry(view).phases.map(({ rows, columns }) => [rows.size, columns.size])
    : [[height, width]]
  const products = areas.reduce(
    (sum, [h, w]) =>
      sum +
      (opcode.startsWith('strided')
        ? stridedProducts * 4 * tileGroups(h, w, size)
        : tileProducts(h, w, size, taps)),
    0,
  )
  return products * roundUp(view.inputs[0].shape[3], 8) * roundUp(outputs, 8)
}
