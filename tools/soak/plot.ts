import { colours, line, polyline, svg, text, ticks } from '../report/svg.js'
import type { SoakResult } from './soak.js'

const [left, top, width, height, gap] = [60, 46, 640, 110, 50]

/** The memory of each part over its rounds, one below the other. */
export function curves(results: readonly SoakResult[]): string {
  const marks = results.flatMap((result, n) => curve(result, top + n * (height + gap)))
  const heading = text(left, 20, 'Resident memory over the rounds, MiB', { bold: true, size: 14 })
  return svg(
    'Resident memory over the rounds of each part',
    left + width + 30,
    top + results.length * (height + gap),
    [heading, ...marks],
  )
}

function curve({ part, rounds, samples, growthMiB }: SoakResult, y: number): string[] {
  const scale = ticks(Math.max(1, ...samples.map(({ rssMiB }) => rssMiB)), 4)
  const most = scale[scale.length - 1]
  const across = (value: number): number => left + (value / Math.max(1, rounds)) * width
  const up = (value: number): number => y + height - (value / most) * height
  return [
    ...scale.flatMap((tick) => [
      line(left, up(tick), left + width, up(tick), colours.grid),
      text(left - 6, up(tick) + 4, String(tick), { anchor: 'end', fill: colours.quiet, size: 10 }),
    ]),
    text(left, y - 6, `${part}: ${rounds} rounds, growth ${growthMiB.toFixed(1)} MiB`),
    polyline(
      samples.map((sample) => [across(sample.rounds), up(sample.rssMiB)] as const),
      colours.ours,
    ),
  ]
}

const levels = '▁▂▃▄▅▆▇█'

/** The same in a line of text, from the least to the most. */
export function spark({ samples }: SoakResult, columns = 24): string {
  const values = samples.map(({ rssMiB }) => rssMiB)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const step = Math.max(1, values.length / columns)
  return Array.from({ length: Math.min(columns, values.length) }, (_, n) => {
    const share = (values[Math.floor(n * step)] - low) / Math.max(1, high - low)
    return levels[Math.min(levels.length - 1, Math.floor(share * levels.length))]
  }).join('')
}
