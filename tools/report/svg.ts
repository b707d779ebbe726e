import { shown } from '../../src/host/shown.js'

/**
 * A few shapes as SVG text: all that our plots need. Colours serve light and dark pages, and
 * colour-blind eyes.
 */

export const colours = {
  ours: '#0072b2',
  other: '#8a9199',
  mark: '#d55e00',
  ink: '#24292f',
  quiet: '#6e7781',
  grid: '#d8dee4',
  paper: '#ffffff',
} as const

const font = 'font-family="system-ui, Helvetica, Arial, sans-serif"'

export function escaped(text: string): string {
  return shown(text, 200).replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c,
  )
}

const n = (value: number): string => String(Math.round(value * 100) / 100)

/** `title` is what those hear who can't see it; its heading is among `parts`. */
export function svg(title: string, width: number, height: number, parts: readonly string[]): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" ${font} font-size="12">`
  return `${[open, `<title>${escaped(title)}</title>`, rect(0, 0, width, height, colours.paper), ...parts, '</svg>'].join('\n')}\n`
}

export function rect(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(Math.max(0, width))}" height="${n(height)}" fill="${fill}"/>`
}

export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" stroke="${stroke}" stroke-width="${width}"/>`
}

export function polyline(points: readonly (readonly [x: number, y: number])[], stroke: string): string {
  const list = points.map(([x, y]) => `${n(x)},${n(y)}`).join(' ')
  return `<polyline points="${list}" fill="none" stroke="${stroke}" stroke-width="2"/>`
}

export function circle(x: number, y: number, radius: number, fill: string): string {
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${fill}"/>`
}

export interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly fill?: string
  readonly size?: number
  readonly bold?: boolean
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = 'start', fill = colours.ink, size = 12, bold = false } = style
  const weight = bold ? ' font-weight="600"' : ''
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" fill="${fill}" font-size="${size}"${weight}>${escaped(content)}</text>`
}

/** Round numbers from 0 to at least `most`: 1, 2 or 5 times a power of ten apart. */
export function ticks(most: number, wanted = 5): number[] {
  if (!(most > 0)) return [0, 1]
  const rough = most / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)))
}
