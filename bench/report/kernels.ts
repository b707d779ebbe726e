import type { KernelsReport } from './report.js'
import { fixed, ms, type Section } from './tables.js'

const shape = (dims: readonly number[]): string => dims.slice(1).join('x')
const percent = (value: number | null | undefined): string => (value == null ? '' : fixed(value, 0))

/** A table for each network: every candidate of every layer. */
export function kernelSections({ kernels, unknown }: KernelsReport): Section[] {
  const networks = [...new Set(kernels.map((k) => k.network))]
  const tables = networks.map((network) => ({
    title: network,
    header: [
      'layer',
      'times',
      'operator',
      'input',
      'output',
      'kernel',
      'MMAC',
      'median ms',
      'least ms',
      'GMAC/s',
      '% of peak',
      'products %',
      'same bytes',
    ],
    rows: kernels
      .filter((k) => k.network === network)
      .map((k) => [
        k.layer,
        String(k.count),
        k.op,
        shape(k.input),
        shape(k.output),
        k.kernel,
        k.macs === 0 ? '' : fixed(k.macs / 1e6, 2),
        ms(k.medianMs),
        ms(k.minMs),
        k.macs === 0 ? '' : fixed(k.gmacs, 1),
        percent(k.percentOfPeak),
        percent(k.products?.percentOfPeak),
        k.same ? 'yes' : 'NO',
      ]),
    notes: [
      'One thread. GMAC/s counts the multiply-accumulates that define a layer, % of peak those that its kernel does; products: the matrix products of a Winograd kernel alone.',
    ],
  }))
  if (unknown.length === 0) return tables
  const rows = unknown.map((layer) => [layer])
  return [
    ...tables,
    { title: 'Operators that this engine does not have', header: ['layer'], rows, notes: [] },
  ]
}
