import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { markdown } from '../../bench/report/markdown.js'
import { plots } from '../../bench/report/plots.js'
import type { Report, Result } from '../../bench/report/report.js'
import { headline, sections } from '../../bench/report/tables.js'
import { writeReport } from '../../bench/report/write.js'
import { histogram, summarize } from '../../bench/statistics.js'
import { escaped, ticks } from '../../tools/report/svg.js'

function timings(...times: number[]) {
  return { ...summarize(times), histogram: histogram(times) }
}

function result(own: Partial<Result>, ...times: number[]): Result {
  return {
    ...{
      runtime: 'ocellus',
      version: '1.0.0',
      precision: 'int8',
      threads: 1,
      build: 'simd',
      scope: 'network',
    },
    ...{ loadMs: 20, firstMs: 50, coldStartMs: 120, perSecond: 25, peakMiB: 70, ratio: 1 },
    ...timings(...times),
    ...own,
  }
}

const memory = { memoryBytes: 4 << 20, packedBytes: 2 << 20, arenaBytes: 1 << 20 }

const report: Report = {
  machine: {
    ...{ board: 'A board | with <odd> "name"', cpu: 'Cortex-A72', cores: 4, features: ['asimd'] },
    ...{ arch: 'arm64', os: 'linux 6.1', memoryMiB: 3800, node: '20.1.0', v8: '11.3' },
  },
  source: { commit: 'abc123', builds: { simd: '0123456789ab' } },
  started: '2026-01-01T00:00:00.000Z',
  conditions: {
    before: { celsius: 50, mhz: [1800, 1800], load: 0.1 },
    after: { celsius: 71, mhz: [1500], load: 1, throttled: [] },
  },
  model: 'tiny/net',
  input: [416, 320],
  macs: 3.4e9,
  frame: { width: 1280, height: 720 },
  runs: 3,
  warmup: 1,
  peaks: [{ kind: 'i16_dot', gmacs: 12.5 }],
  nodeStartMs: 40,
  detectorStartMs: { file: 190.4, pixels: null },
  results: [
    result({ memory }, 10, 11, 12),
    result({ threads: 2, agreement: { decibels: null, largestDifference: 0, largestValue: 3 } }, 6, 6, 6.1),
    result(
      {
        scope: 'frame',
        ratio: null,
        memory,
        phases: { frameMs: 13, networkMs: 11, aroundMs: 2, preprocessMs: 1, detections: 2 },
      },
      13,
    ),
    result(
      {
        runtime: 'opencv',
        precision: 'float32',
        ratio: 0.25,
        peakMiB: null,
        agreement: { decibels: 110.4, largestDifference: 0, largestValue: 3 },
      },
      44,
    ),
    result({ runtime: 'tfjs-wasm', precision: 'float32', form: 'dynamic', ratio: 0.1, agreement: null }, 110),
  ],
  skipped: [{ runtime: 'onnxruntime-node', precision: 'int8', threads: 1, why: 'is not installed' }],
  sizes: [
    { input: [416, 320], ...timings(10), ...memory, nsPerPixel: 75, growth: 1, arenaBytesPerPixel: 8 },
    { input: [832, 640], ...timings(41), ...memory, nsPerPixel: 77, growth: 1.03, arenaBytesPerPixel: 8 },
  ],
  layers: [
    {
      name: '0_convolutional',
      op: 'conv',
      kernel: 'convS8',
      macs: 2e7,
      medianMs: 2,
      share: 0.8,
      gmacs: 10,
      percentOfPeak: 80,
    },
    {
      name: '1_maxpool',
      op: 'maxPool',
      kernel: 'maxPoolS8',
      macs: 0,
      medianMs: 0.5,
      share: 0.2,
      gmacs: 0,
      percentOfPeak: null,
    },
  ],
}
const section = (title: string) => sections(report).find((s) => s.title.startsWith(title))!

describe('tables', () => {
  it('have a cell for each column', () => {
    expect(sections(report)).toHaveLength(7)
    for (const { header, rows } of sections(report))
      for (const row of rows) expect(row).toHaveLength(header.length)
  })

  it('give ratios, agreement and a warning where there is none', () => {
    expect(section('Network').rows.map((row) => [row[0], row[4], row[5], row[9], row[10]])).toEqual([
      ['ocellus', '1', '11.0', '1.00', ''],
      ['ocellus', '2', '6.000', '1.00', 'equal'],
      ['opencv', '1', '44.0', '0.25', '110 dB'],
      ['tfjs-wasm', '1', '110.0', '0.10', 'NO'],
    ])
  })

  it('tell the forms that a network was given in', () => {
    expect(section('Network').rows.map((row) => row[2])).toEqual([
      'int8',
      'int8',
      'float32',
      'float32, dynamic',
    ])
    for (const { svg } of plots(report).slice(0, 2)) expect(svg).toContain('tfjs-wasm float dynamic')
  })

  it('compare threads with one thread', () => {
    expect(section('Threads').rows).toEqual([['ocellus', 'int8', 'network', '2', '6.000', '0.55']])
  })

  it('tell how long the detector takes to its first result, without the start of Node', () => {
    expect(section('Start').notes?.join(' ')).toContain(
      '150 ms with the file of a picture, no result with its pixels',
    )
  })

  it('tell what is before and after the network', () => {
    expect(section('A 1280x720 frame').rows[0].slice(4)).toEqual(['11.0', '2.000', '1.000'])
  })

  it('leave out what was not asked for', () => {
    const bare = { ...report, sizes: [], layers: [], skipped: [], results: report.results.slice(0, 1) }
    expect(sections(bare).map((s) => s.title)).toEqual([
      'Network alone, interleaved run by run',
      'Start, throughput, memory',
    ])
  })

  it('name the board, or the processor', () => {
    expect(headline(report)).toBe(
      'tiny/net at 320x416 (3.400 GMAC) on A board | with <odd> "name", 4 cores, Node 20.1.0, commit abc123',
    )
    const { board: _, ...machine } = report.machine
    expect(headline({ ...report, machine, source: { builds: {} }, input: [1, 1, 1, 100] })).toBe(
      'tiny/net at [1, 1, 1, 100] (3.400 GMAC) on Cortex-A72, 4 cores, Node 20.1.0',
    )
  })
})

describe('the page', () => {
  const page = markdown(report, 'npx ocellus bench', [['Latency', 'a b.svg']])

  it('has tables whose rows are as wide as their heads', () => {
    const tables = page.split('\n\n').filter((part) => part.startsWith('|'))
    expect(tables).toHaveLength(8)
    for (const table of tables) {
      const widths = table
        .trim()
        .split('\n')
        .map((line) => line.replaceAll('\\|', '').split('|').length)
      expect(new Set(widths).size, table).toBe(1)
    }
  })

  it('says how it was made, and under what conditions', () => {
    expect(page).toContain('```\nnpx ocellus bench\n```')
    expect(page).toContain('![Latency](a%20b.svg)')
    expect(page).toContain('| temperature | 50.0 °C before, 71.0 °C after |')
    expect(page).toContain('| clock | 1800.0 MHz before, 1500.0 MHz after |')
    expect(page).toContain('| throttled | no |')
  })

  it('leaves out what the machine does not tell', () => {
    const silent = { ...report, conditions: { before: { load: 0 }, after: { load: 0 } } }
    expect(markdown(silent, '', [])).not.toMatch(/temperature|clock|throttled/)
  })
})

describe('plots', () => {
  it('are one for each kind of figure', () => {
    expect(plots(report).map((p) => p.name)).toEqual(['latency', 'spread', 'sizes', 'layers'])
    expect(plots({ ...report, sizes: report.sizes.slice(0, 1), layers: [] }).map((p) => p.name)).toEqual([
      'latency',
      'spread',
    ])
  })

  it.each(plots(report))('$name is well formed, of finite numbers', ({ svg }) => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(svg).toContain('A board | with &lt;odd&gt; &quot;name&quot;')
    const open = [...svg.matchAll(/<([a-z]+)\b[^>]*(?<!\/)>/g)].map(([, tag]) => tag)
    const closed = [...svg.matchAll(/<\/([a-z]+)>/g)].map(([, tag]) => tag)
    expect(open.sort()).toEqual(closed.sort())
    for (const [, value] of svg.matchAll(/ (?:x|y|width|height|cx|cy)="([^"]*)"/g)) {
      expect(Number(value), value).toBeGreaterThanOrEqual(0)
    }
  })

  it('draw longer bars for longer times', () => {
    const [{ svg }] = plots(report)
    const bars = [...svg.matchAll(/<rect x="190"[^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width))
    // One thread: ours 11, OpenCV 44, tfjs 110; two threads: ours 6.
    expect(bars).toHaveLength(4)
    const scale = bars[0] / 11
    expect(bars[1] / scale).toBeCloseTo(44, 0)
    expect(bars[2] / scale).toBeCloseTo(110, 0)
    expect(bars[3] / scale).toBeCloseTo(6, 0)
  })
})

it.each([
  [7, [0, 2, 4, 6, 8]],
  [0.31, [0, 0.1, 0.2, 0.3, 0.4]],
  [110, [0, 50, 100, 150]],
  [0, [0, 1]],
])('ticks up to %d', (most, expected) => {
  expect(ticks(most)).toEqual(expected)
})

it('escapes text', () => {
  expect(escaped('a<b>&"c"')).toBe('a&lt;b&gt;&amp;&quot;c&quot;')
})

describe('writeReport', () => {
  it('writes JSON, a page and plots that the page shows', () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'ocellus-report-')), 'new')
    writeReport(report, folder, 'npx ocellus bench')
    const files = readdirSync(folder).sort()
    expect(files).toEqual([
      'tiny_net-320x416.json',
      'tiny_net-320x416.latency.svg',
      'tiny_net-320x416.layers.svg',
      'tiny_net-320x416.md',
      'tiny_net-320x416.sizes.svg',
      'tiny_net-320x416.spread.svg',
    ])
    expect(JSON.parse(readFileSync(join(folder, files[0]), 'utf8'))).toEqual(report)
    const page = readFileSync(join(folder, files[3]), 'utf8')
    for (const name of files.filter((f) => f.endsWith('.svg'))) expect(page).toContain(`](${name})`)
  })

  it('says where it can not write', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ocellus-report-')), 'file')
    writeFileSync(file, '')
    expect(() => writeReport(report, join(file, 'x'), '')).toThrow(
      expect.objectContaining({ code: 'E_FILE_WRITE' }),
    )
  })
})
