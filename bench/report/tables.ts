import { sparkline } from '../statistics.js'
import type { Layer, Report, Result, SizeResult } from './report.js'

export interface Section {
  readonly title: string
  readonly header: readonly string[]
  /** The first column is a name, the others are figures. */
  readonly rows: readonly (readonly string[])[]
  readonly notes: readonly string[]
}

export const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '-'
const mib = (bytes: number): string => fixed(bytes / 2 ** 20, 1)
/** Enough digits to tell two runs apart, whether they take microseconds or seconds. */
export const ms = (value: number): string => fixed(value, value < 10 ? 3 : value < 1000 ? 1 : 0)

/** What was measured, as tables for a terminal or a page. Empty ones are left out. */
export function sections(report: Report): Section[] {
  const network = report.results.filter((r) => r.scope === 'network')
  const frames = report.results.filter((r) => r.scope === 'frame')
  return [
    runsSection(network),
    scalingSection(report.results),
    framesSection(frames, report),
    costsSection(report.results, report),
    sizesSection(report.sizes),
    layersSection(report.layers),
    skippedSection(report),
  ].filter(({ rows }) => rows.length > 0)
}

/** One line that says what was measured where. */
export function headline({ model, input, macs, machine, source }: Report): string {
  const size = input.length === 2 ? `${input[1]}x${input[0]}` : `[${input.join(', ')}]`
  const where = machine.board ?? machine.cpu
  const commit = source.commit === undefined ? '' : `, commit ${source.commit}`
  return `${model} at ${size} (${fixed(macs / 1e9, 3)} GMAC) on ${where}, ${machine.cores} cores, Node ${machine.node}${commit}`
}

function runsSection(results: readonly Result[]): Section {
  return {
    title: 'Network alone, interleaved run by run',
    header: [
      'runtime',
      'version',
      'type',
      'build',
      'threads',
      'median ms',
      'p90',
      'p95',
      'p99',
      'ours / it',
      'agrees',
      'spread',
    ],
    rows: results.map((r) => [
      r.runtime,
      r.version,
      typeOf(r),
      r.build,
      String(r.threads),
      ms(r.medianMs),
      ms(r.p90Ms),
      ms(r.p95Ms),
      ms(r.p99Ms),
      r.ratio === null ? '' : fixed(r.ratio, 2),
      agrees(r),
      `${sparkline(r.histogram)}${r.histogram.above > 0 ? ` +${r.histogram.above}` : ''}`,
    ]),
    notes: [
      'ours / it: the median of the first line with as many threads, divided by this one; below 1, ours is faster.',
      'agrees: signal to noise against our outputs of the same type; float peers differ by rounding, int8 ones by how often they round.',
      'spread: a histogram from the least time on; +n: runs beyond it.',
    ],
  }
}

const typeOf = ({ precision, form }: Pick<Result, 'precision' | 'form'>): string =>
  form === undefined ? precision : `${precision}, ${form}`

function agrees({ agreement }: Result): string {
  if (agreement === undefined) return ''
  if (agreement === null) return 'NO'
  return agreement.decibels === null ? 'equal' : `${fixed(agreement.decibels, 0)} dB`
}

function scalingSection(results: readonly Result[]): Section {
  const same = (a: Result, b: Result): boolean =>
    a.runtime === b.runtime && a.precision === b.precision && a.form === b.form && a.scope === b.scope
  const rows = results.flatMap((r) => {
    const one = results.find((other) => same(other, r) && other.threads === 1)
    if (one === undefined || r.threads === 1) return []
    return [
      [r.runtime, typeOf(r), r.scope, String(r.threads), ms(r.medianMs), fixed(r.medianMs / one.medianMs, 2)],
    ]
  })
  return {
    title: 'Threads',
    header: ['runtime', 'type', 'what', 'threads', 'median ms', 'of one thread'],
    rows,
    notes: [],
  }
}

function framesSection(results: readonly Result[], { frame }: Report): Section {
  return {
    title: `A ${frame.width}x${frame.height} frame to boxes`,
    header: ['threads', 'median ms', 'p95', 'frames/s', 'network ms', 'before and after ms', 'preprocess ms'],
    rows: results.flatMap(({ phases, ...r }) =>
      phases === undefined
        ? []
        : [
            [
              String(r.threads),
              ms(r.medianMs),
              ms(r.p95Ms),
              fixed(r.perSecond, 1),
              ms(phases.networkMs),
              ms(phases.aroundMs),
              ms(phases.preprocessMs),
            ],
          ],
    ),
    notes: [
      'Network, frame and preprocessing are medians of runs in turn in one process; before and after is the median difference of neighbours: copying the frame, resizing, normalising, decoding and suppressing boxes.',
    ],
  }
}

function costsSection(results: readonly Result[], { nodeStartMs, detectorStartMs }: Report): Section {
  return {
    title: 'Start, throughput, memory',
    header: [
      'runtime',
      'type',
      'what',
      'threads',
      'cold start ms',
      'load ms',
      'first ms',
      'per second',
      'process MiB',
      'of it engine MiB',
    ],
    rows: results.map((r) => [
      r.runtime,
      typeOf(r),
      r.scope,
      String(r.threads),
      fixed(r.coldStartMs, 0),
      fixed(r.loadMs, 0),
      ms(r.firstMs),
      fixed(r.perSecond, r.perSecond < 10 ? 2 : 1),
      r.peakMiB === null ? '' : fixed(r.peakMiB, 0),
      r.memory === undefined ? '' : mib(r.memory.memoryBytes),
    ]),
    notes: [
      `cold start: from starting a process to its first result${nodeStartMs === null ? '' : `; Node with an empty script takes ${fixed(nodeStartMs, 0)} ms of it`}.`,
      ...(nodeStartMs === null || detectorStartMs === undefined
        ? []
        : [
            `after Node's own start, \`Detector.create()\` and \`detect\` take ${starts(detectorStartMs, nodeStartMs)}.`,
          ]),
      'per second: back to back, nothing else running.',
    ],
  }
}

function starts({ file, pixels }: NonNullable<Report['detectorStartMs']>, node: number): string {
  const after = (ms: number | null): string => (ms === null ? 'no result' : `${fixed(ms - node, 0)} ms`)
  return `${after(file)} with the file of a picture, ${after(pixels)} with its pixels`
}

function sizesSection(sizes: readonly SizeResult[]): Section {
  return {
    title: 'Growth with the input',
    header: [
      'input',
      'median ms',
      'ns/pixel',
      'relative',
      'engine MiB',
      'weights MiB',
      'arena MiB',
      'arena bytes/pixel',
    ],
    rows: sizes.map((s) => [
      `${s.input[1]}x${s.input[0]}`,
      ms(s.medianMs),
      fixed(s.nsPerPixel, 1),
      fixed(s.growth, 2),
      mib(s.memoryBytes),
      mib(s.packedBytes),
      mib(s.arenaBytes),
      fixed(s.arenaBytesPerPixel, 2),
    ]),
    notes: ["relative: time per pixel, of the model's own size."],
  }
}

function layersSection(layers: readonly Layer[]): Section {
  return {
    title: 'Layers',
    header: ['layer', 'operator', 'kernel', 'MMAC', 'median ms', 'share', 'GMAC/s', '% of peak', 'products'],
    rows: layers.map((l) => [
      l.name,
      l.op,
      l.kernel,
      l.macs === 0 ? '' : fixed(l.macs / 1e6, 2),
      fixed(l.medianMs, 3),
      `${fixed(100 * l.share, 1)} %`,
      l.macs === 0 ? '' : fixed(l.gmacs, 1),
      l.percentOfPeak === null ? '' : fixed(l.percentOfPeak, 0),
      l.productsPercentOfPeak === undefined ? '' : fixed(l.productsPercentOfPeak, 0),
    ]),
    notes: [
      "GMAC/s counts the multiply-accumulates that define a layer; % of peak those that its kernel does (Winograd's F(4,3) a quarter, F(2,3) four ninths), with everything around them; products: % of peak of a Winograd kernel's products alone.",
    ],
  }
}

function skippedSection({ skipped }: Report): Section {
  return {
    title: 'Not measured',
    header: ['runtime', 'type', 'threads', 'why'],
    rows: skipped.map((s) => [s.runtime, typeOf(s), String(s.threads), s.why]),
    notes: [],
  }
}
