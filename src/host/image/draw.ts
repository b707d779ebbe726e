import { shown } from '../shown.js'
import { glyph, glyphRows, textColumns } from './font.js'

/**
 * What drawing needs of a canvas: `fillRect` of a CanvasRenderingContext2D, of a browser's canvas
 * or any package's.
 */
export interface DrawingContext {
  fillStyle: unknown
  fillRect(x: number, y: number, width: number, height: number): void
}

/** A detection, as far as it can be seen. */
export interface Mark {
  readonly label: string
  readonly classId: number
  readonly score: number
  readonly box: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number }
}

export interface DrawingSize {
  readonly width: number
  readonly height: number
}

interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * Draws boxes with their labels over a picture of this size, the best on top. Only opaque
 * rectangles at whole pixels are drawn, so that every canvas gives the same picture.
 */
export function drawDetections(context: DrawingContext, size: DrawingSize, found: readonly Mark[]): void {
  const side = Math.min(size.width, size.height)
  const line = Math.max(1, Math.round(side / 200))
  const backwards = [...found].reverse().flatMap((mark) => {
    const frame = frameOf(mark, size)
    return frame === undefined ? [] : [{ mark, frame }]
  })
  for (const { mark, frame } of backwards) {
    context.fillStyle = css(colourOf(mark.classId))
    outline(context, frame, line)
  }
  for (const { mark, frame } of backwards) drawLabel(context, size, mark, frame, line)
}

/**
 * The box in whole pixels of the picture, at least one wide and high; undefined for one that lies
 * outside.
 */
function frameOf({ box }: Mark, size: DrawingSize): Rectangle | undefined {
  // False for NaN too.
  const visible = box.xmin < size.width && box.ymin < size.height && box.xmax > 0 && box.ymax > 0
  if (!visible) return undefined
  const x = Math.min(size.width - 1, Math.max(0, Math.round(box.xmin)))
  const y = Math.min(size.height - 1, Math.max(0, Math.round(box.ymin)))
  const right = Math.min(size.width, Math.max(x + 1, Math.round(box.xmax)))
  const bottom = Math.min(size.height, Math.max(y + 1, Math.round(box.ymax)))
  return { x, y, width: right - x, height: bottom - y }
}

function outline(context: DrawingContext, { x, y, width, height }: Rectangle, line: number): void {
  const across = Math.min(line, height)
  const down = Math.min(line, width)
  context.fillRect(x, y, width, across)
  context.fillRect(x, y + height - across, width, across)
  context.fillRect(x, y, down, height)
  context.fillRect(x + width - down, y, down, height)
}

function drawLabel(
  context: DrawingContext,
  size: DrawingSize,
  { label, classId, score }: Mark,
  frame: Rectangle,
  line: number,
): void {
  const { text, scale } = fitted(`${plain(label)} ${score.toFixed(2)}`, size)
  const width = (textColumns(text) + 4) * scale
  const height = (glyphRows + 3) * scale
  if (text === '' || width > size.width || height > size.height) return
  const x = Math.max(0, Math.min(frame.x, size.width - width))
  // On the box where there is room above it, else within it.
  const above = frame.y + line - height
  const y = above >= 0 ? above : Math.min(frame.y, size.height - height)
  const colour = colourOf(classId)
  context.fillStyle = css(colour)
  context.fillRect(x, y, width, height)
  // Rec. 601 luma decides between black and white.
  const [r, g, b] = colour
  context.fillStyle = css(299 * r + 587 * g + 114 * b > 140_000 ? [0, 0, 0] : [255, 255, 255])
  drawText(context, text, x + 2 * scale, y + 2 * scale, scale)
}

/**
 * A label without accents, as the font knows none; what it can't show at all becomes a question
 * mark.
 */
const plain = (label: string): string => shown(label, 100).normalize('NFKD').replace(/\p{M}/gu, '')

/**
 * The size at which a label is easily read, smaller where the picture is too narrow, and cut as a
 * last resort.
 */
function fitted(text: string, { width, height }: DrawingSize): { text: string; scale: number } {
  let scale = Math.ceil(Math.min(width, height) / 280)
  while (scale > 1 && (textColumns(text) + 4) * scale > width) scale--
  let kept = text
  while (kept !== '' && textColumns(kept) + 4 > width) kept = kept.slice(0, -1)
  return { text: kept, scale }
}

function drawText(context: DrawingContext, text: string, left: number, top: number, scale: number): void {
  let x = left
  for (const character of text) {
    for (const bits of glyph(character)) {
      drawColumn(context, bits, x, top, scale)
      x += scale
    }
    x += scale
  }
}

/** One rectangle for each run of set bits. */
function drawColumn(context: DrawingContext, bits: number, x: number, top: number, scale: number): void {
  let row = 0
  while (row < glyphRows) {
    let end = row
    while ((bits >> end) & 1) end++
    if (end > row) context.fillRect(x, top + row * scale, scale, (end - row) * scale)
    row = end + 1
  }
}

type Colour = readonly [red: number, green: number, blue: number]

const css = ([r, g, b]: Colour): string => `rgb(${r}, ${g}, ${b})`

/** Hues a golden angle apart: neighbouring classes differ, and no two of a hundred are alike. */
function colourOf(classId: number): Colour {
  const hue = (((classId * 137.508) % 360) + 360) % 360
  const channel = (offset: number): number => {
    const k = (offset + hue / 60) % 6
    return Math.round(255 * (0.95 - 0.8 * Math.max(0, Math.min(k, 4 - k, 1))))
  }
  return [channel(5), channel(3), channel(1)]
}
