import { circle, colours, line, polyline, rect, svg, text, ticks } from '../../tools/report/svg.js'
import type { Report, Result } from './report.js'
import { headline } from './tables.js'

export interface Plot {
  /** What stands in the file's name. */
  readonly name: string
  readonly title: string
  readonly svg: string
}

/** What a report has enough figures for. */
export function plots(report: Report): Plot[] {
  const { sizes, layers } = report
  return [
    { name: 'latency', title: 'Latency of each runtime', svg: latencyPlot(report) },
    { name: 'spread', title: 'Spread of the runs', svg: spreadPlot(report) },
    ...(sizes.length > 1 ? [{ name: 'sizes', title: 'Growth with the input', svg: sizesPlot(report) }] : []),
    ...(layers.length > 0 ? [{ name: 'layers', title: 'Time of each layer', svg: layersPlot(report) }] : []),
  ]
}

const networkOnly = ({ results }: Report): Result[] => results.filter((r) => r.scope === 'network')
const nameOf = ({ runtime, precision, form }: Result): string =>
  [runtime, precision === 'int8' ? 'int8' : 'float', ...(form === undefined ? [] : [form])].join(' ')
const colourOf = (r: Result): string => (r.runtime === 'ocellus' ? colours.ours : colours.other)
const threadsOf = (count: number): string => (count === 1 ? 'one thread' : `${count} threads`)
const short = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0))

const least = 190
const width = 760
const row = 24

/** Room for names on the left. */
const room = (names: readonly string[]): number =>
  Math.max(least, ...names.map((name) => 24 + 6.4 * name.length))

/**
 * Bars of medians, the fastest first, for each number of threads; a mark where 95 % of the runs
 * end.
 */
function latencyPlot(report: Report): string {
  const results = networkOnly(report)
  const counts = [...new Set(results.map((r) => r.threads))].sort((a, b) => a - b)
  const most = Math.max(...results.map((r) => r.p95Ms))
  const left = room(results.map(nameOf))
  const marks = ticks(most)
  const right = width - 150
  const x = (ms: number): number => left + (ms / marks[marks.length - 1]) * (right - left)
  const parts: string[] = [
    ...caption(report, 'ms for one inference, network alone: median, and a mark at the 95th percentile'),
  ]
  let y = 62
  const top = y
  const bars: string[] = []
  for (const count of counts) {
    const rows = results.filter((r) => r.threads === count).sort((a, b) => a.medianMs - b.medianMs)
    bars.push(text(14, y + 14, threadsOf(count), { bold: true }))
    y += row
    for (const r of rows) {
      bars.push(text(left - 10, y + 14, nameOf(r), { anchor: 'end' }))
      bars.push(rect(left, y + 3, x(r.medianMs) - left, row - 8, colourOf(r)))
      bars.push(line(x(r.p95Ms), y + 1, x(r.p95Ms), y + row - 3, colours.mark, 2))
      const ratio = r.ratio === null || r.ratio === 1 ? '' : `  (ours / it ${r.ratio.toFixed(2)})`
      bars.push(text(Math.max(x(r.medianMs), x(r.p95Ms)) + 7, y + 14, `${short(r.medianMs)}${ratio}`))
      y += row
    }
    y += 8
  }
  parts.push(...verticals(marks, x, top, y), ...bars)
  return svg('Latency of each runtime', width, y + 26, parts)
}

/** A small histogram for each contender, each on its own scale from its least time on. */
function spreadPlot(report: Report): string {
  const results = report.results
  const parts: string[] = [
    ...caption(
      report,
      'histograms of the runs: from the least to the last bin in ms, and how many lie beyond',
    ),
  ]
  const height = 46
  const names = results.map((r) => {
    const what = r.scope === 'frame' ? ', frame to boxes' : ''
    return `${nameOf(r)}${what}, ${threadsOf(r.threads)}`
  })
  const left = room(names)
  const plotWidth = width - left - 160
  results.forEach((r, i) => {
    const y = 56 + i * height
    const { counts, fromMs, binMs, above } = r.histogram
    const most = Math.max(1, ...counts)
    const bin = plotWidth / counts.length
    parts.push(text(left, y + 22, names[i], { anchor: 'end' }))
    counts.forEach((count, b) => {
      const h = (count / most) * (height - 14)
      parts.push(rect(left + 15 + b * bin, y + height - 10 - h, bin - 1, h, colourOf(r)))
    })
    parts.push(line(left + 15, y + height - 10, left + 15 + plotWidth, y + height - 10, colours.grid))
    const end = fromMs + binMs * counts.length
    const beyond = above === 0 ? '' : `, ${above} beyond`
    parts.push(
      text(left + 22 + plotWidth, y + height - 14, `${short(fromMs)} to ${short(end)}${beyond}`, {
        fill: colours.quiet,
      }),
    )
  })
  return svg('Spread of the runs', width, 56 + results.length * height + 16, parts)
}

/**
 * Time per pixel and memory against the number of pixels: flat and straight is what they should be.
 */
function sizesPlot(report: Report): string {
  const sizes = [...report.sizes].sort((a, b) => a.input[0] * a.input[1] - b.input[0] * b.input[1])
  const pixels = sizes.map(({ input: [h, w] }) => h * w)
  const panels = [
    { title: 'ns per pixel', values: sizes.map((s) => s.nsPerPixel) },
    { title: 'arena, MiB', values: sizes.map((s) => s.arenaBytes / 2 ** 20) },
  ]
  const parts: string[] = [
    ...caption(report, 'growth with the number of pixels, int8 or float as the model is'),
  ]
  const [top, bottom] = [78, 270]
  panels.forEach(({ title, values }, panel) => {
    const from = 60 + panel * 370
    const to = from + 290
    const across = ticks(Math.max(...pixels), 4)
    const up = ticks(Math.max(...values))
    const x = (value: number): number => from + (value / across[across.length - 1]) * (to - from)
    const y = (value: number): number => bottom - (value / up[up.length - 1]) * (bottom - top)
    parts.push(text(from, top - 12, title, { bold: true }))
    for (const mark of up) {
      parts.push(line(from, y(mark), to, y(mark), colours.grid))
      parts.push(text(from - 6, y(mark) + 4, String(mark), { anchor: 'end', fill: colours.quiet }))
    }
    const points = values.map((value, i): [number, number] => [x(pixels[i]), y(value)])
    parts.push(polyline(points, colours.ours))
    points.forEach(([px, py], i) => {
      const [h, w] = sizes[i].input
      parts.push(circle(px, py, 4, colours.ours))
      parts.push(text(px, py - 10, short(values[i]), { anchor: 'middle' }))
      parts.push(text(px, bottom + 17, `${w}x${h}`, { anchor: 'middle', fill: colours.quiet }))
    })
  })
  return svg('Growth with the input', width, bottom + 34, parts)
}

/** Bars of time for each layer, with the share of the machine's peak that its kernel uses. */
function layersPlot(report: Report): string {
  const { layers } = report
  const left = room(layers.map((l) => l.name))
  const marks = ticks(Math.max(...layers.map((l) => l.medianMs)))
  const right = width - 190
  const x = (ms: number): number => left + (ms / marks[marks.length - 1]) * (right - left)
  const height = 18
  const top = 62
  const end = top + layers.length * height
  const parts: string[] = [
    ...caption(
      report,
      'ms of each layer; GMAC/s by its definition, and % of the register-only peak that its kernel uses',
    ),
    ...verticals(marks, x, top, end),
  ]
  layers.forEach((l, i) => {
    const y = top + i * height
    parts.push(text(left - 10, y + 13, l.name, { anchor: 'end', size: 11 }))
    parts.push(rect(left, y + 3, Math.max(1, x(l.medianMs) - left), height - 6, colours.ours))
    const rate = l.macs === 0 ? l.kernel : `${l.kernel}, ${l.gmacs.toFixed(0)} GMAC/s`
    const peak = l.percentOfPeak === null ? '' : `, ${l.percentOfPeak.toFixed(0)} %`
    parts.push(text(x(l.medianMs) + 7, y + 13, rate + peak, { size: 11, fill: colours.quiet }))
  })
  return svg('Time of each layer', width, end + 26, parts)
}

function caption(report: Report, what: string): string[] {
  return [
    text(14, 22, headline(report), { bold: true, size: 13 }),
    text(14, 41, what, { fill: colours.quiet }),
  ]
}

function verticals(
  marks: readonly number[],
  x: (value: number) => number,
  top: number,
  bottom: number,
): string[] {
  return marks.flatMap((mark) => [
    line(x(mark), top, x(mark), bottom, colours.grid),
    text(x(mark), bottom + 16, String(mark), { anchor: 'middle', fill: colours.quiet }),
  ])
}
