import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type DrawingContext,
  type DrawingSize,
  drawDetections,
  type Mark,
} from '../../src/host/image/draw.js'
import { glyph, textColumns } from '../../src/host/image/font.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { decodeImage, drawOn } from '../../src/host/platform/node/canvas.js'
import { randomizer } from '../readers/tiny.js'
import { canvases, restoreCanvas, useCanvas } from './canvases.js'

restoreCanvas()

const mark = (box: [number, number, number, number], label = 'cat', classId = 0, score = 0.87): Mark => ({
  label,
  classId,
  score,
  box: { xmin: box[0], ymin: box[1], xmax: box[2], ymax: box[3] },
})

/** A canvas that only knows fillRect, and refuses whatever is not drawn exactly. */
class Raster implements DrawingContext {
  fillStyle: unknown = ''
  readonly colours: string[]

  constructor(readonly size: DrawingSize) {
    this.colours = new Array<string>(size.width * size.height).fill('')
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const inside = x >= 0 && y >= 0 && x + width <= this.size.width && y + height <= this.size.height
    if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1 || !inside) {
      throw new Error(`fillRect(${x}, ${y}, ${width}, ${height}) on ${this.size.width}x${this.size.height}`)
    }
    if (!/^rgb\(\d+, \d+, \d+\)$/.test(String(this.fillStyle))) throw new Error(`colour ${this.fillStyle}`)
    for (let row = y; row < y + height; row++) {
      this.colours.fill(String(this.fillStyle), row * this.size.width + x, row * this.size.width + x + width)
    }
  }

  at(x: number, y: number): string {
    return this.colours[y * this.size.width + x]
  }
}

function drawn(width: number, height: number, ...found: Mark[]): Raster {
  const raster = new Raster({ width, height })
  drawDetections(raster, raster.size, found)
  return raster
}

describe('boxes', () => {
  test('lie where they are, one line wide on a small picture', () => {
    const raster = drawn(100, 100, mark([20, 40, 60, 80]))
    const colour = raster.at(20, 79)
    expect(colour).not.toBe('')
    for (let i = 20; i < 60; i++) expect(raster.at(i, 79)).toBe(colour)
    for (let i = 40; i < 80; i++) expect([raster.at(20, i), raster.at(59, i)]).toEqual([colour, colour])
    expect([raster.at(21, 70), raster.at(60, 70), raster.at(30, 80), raster.at(19, 70)]).toEqual([
      '',
      '',
      '',
      '',
    ])
  })

  test('have lines that grow with the picture', () => {
    const thickness = (side: number) => {
      const raster = drawn(side, side, mark([side / 4, side / 2, side / 2, side * 0.75]))
      let count = 0
      while (raster.at(side / 4 + count, side * 0.7) !== '') count++
      return count
    }
    expect([100, 400, 800, 1600].map(thickness)).toEqual([1, 2, 4, 8])
  })

  test('of different classes have different colours, of the same class the same', () => {
    const colourOf = (classId: number) => drawn(60, 60, mark([10, 30, 50, 50], '', classId)).at(10, 49)
    expect(new Set(Array.from({ length: 100 }, (_, i) => colourOf(i))).size).toBe(100)
    expect(colourOf(3)).toBe(colourOf(3))
  })

  test('that lie outside, or nowhere, are not drawn', () => {
    const nothing = new Raster({ width: 50, height: 50 }).colours
    const nan = Number.NaN
    expect(drawn(50, 50, mark([60, 10, 70, 20]), mark([10, -20, 20, -10])).colours).toEqual(nothing)
    expect(drawn(50, 50, mark([nan, 0, 9, 9]), mark([0, 0, 9, nan])).colours).toEqual(nothing)
  })

  test('beyond the edges are cut', () => {
    const inf = Number.POSITIVE_INFINITY
    const raster = drawn(50, 50, mark([-100, -100, inf, 1e9]))
    expect([raster.at(0, 49), raster.at(49, 49), raster.at(49, 0)]).not.toContain('')
  })

  test('best first: the best is drawn last', () => {
    const box: [number, number, number, number] = [10, 30, 40, 45]
    const best = drawn(50, 50, mark(box, 'a', 1)).at(10, 44)
    expect(drawn(50, 50, mark(box, 'a', 1), mark(box, 'b', 2)).at(10, 44)).toBe(best)
  })
})

describe('labels', () => {
  test('stay inside the picture, whatever the box, label and size', () => {
    const random = randomizer(11)
    const below = (n: number) => Math.floor(random() * n)
    const letters = 'The quick brown fox, 猫 größe {~} \n\0'
    for (let i = 0; i < 3000; i++) {
      const [width, height] = [1 + below(i % 3 ? 120 : 900), 1 + below(120)]
      const at = () => (random() * 1.6 - 0.3) * Math.max(width, height)
      const label = Array.from({ length: below(30) }, () => letters[below(letters.length)]).join('')
      // The raster throws for whatever leaves it.
      drawn(width, height, mark([at(), at(), at(), at()], label, below(100), random()))
    }
  })

  test('stand above the box where there is room, else within it', () => {
    const inkRows = (raster: Raster) =>
      [...raster.colours.keys()]
        .filter((i) => raster.colours[i] === 'rgb(255, 255, 255)' || raster.colours[i] === 'rgb(0, 0, 0)')
        .map((i) => Math.floor(i / raster.size.width))
    expect(Math.max(...inkRows(drawn(200, 100, mark([50, 40, 150, 90]))))).toBeLessThan(40)
    expect(Math.min(...inkRows(drawn(200, 100, mark([50, 2, 150, 90]))))).toBeGreaterThanOrEqual(2)
  })

  test('lose their accents and nothing else', () => {
    const same = (a: string, b: string) =>
      expect(drawn(200, 50, mark([5, 20, 150, 45], a)).colours).toEqual(
        drawn(200, 50, mark([5, 20, 150, 45], b)).colours,
      )
    same('Größenwahn Åé', 'Gro?enwahn Ae')
    same('猫', '?')
  })

  test('every printable character has a glyph of its own', () => {
    const all = Array.from({ length: 95 }, (_, i) => glyph(String.fromCharCode(32 + i)).join())
    const shared = all.filter((g, i) => all.indexOf(g) !== i)
    expect(shared).toEqual([])
    expect(textColumns('')).toBe(0)
    expect(textColumns('ii')).toBe(7)
    for (const character of ['\0', '\n', '\x7f', 'é', '🙂']) expect(glyph(character)).toEqual(glyph('?'))
  })
})

const scene = [
  mark([30, 30, 180, 140], 'astronaut', 0, 0.971),
  mark([-5, -5, 40, 40], 'flag', 14, 0.5),
  mark([150, 90, 400, 300], 'Rakete Nr. 7', 41, 0.25),
]

function background(width: number, height: number): Pixels {
  const data = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * 7 + (i >> 9)) % 256)
  return { width, height, data }
}

describe.each(canvases)('on the canvas of %s', (word) => {
  test('a drawn PNG has the same pixels everywhere', async (context) => {
    useCanvas(context, word)
    const pixels = await decodeImage(await drawOn(background(240, 160), scene, 'm.png'), 'm')
    const hash = createHash('sha256').update(pixels.data).digest('hex')
    expect(hash).toBe('d9dba9ec4a7dc05296b015d1fbe78d168a3ddc31674380bb7d4a640da8387b52')
  })

  test('where nothing is drawn the picture is as it was, without its alpha', async (context) => {
    useCanvas(context, word)
    const before = background(64, 48)
    const { data } = await decodeImage(await drawOn(before, [], 'm.PNG'), 'm')
    expect([...data]).toEqual([...before.data].map((v, i) => (i % 4 === 3 ? 255 : v)))
  })

  test('a JPEG is close to it', async (context) => {
    useCanvas(context, word)
    const grey = { width: 50, height: 40, data: new Uint8Array(8000).fill(120) }
    const file = await drawOn(grey, [], 'm.jpeg')
    expect([...file.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    const { data } = await decodeImage(file, 'm')
    expect([...data.subarray(0, 4)]).toEqual([120, 120, 120, 255])
  })

  test('a single pixel, and one too many', async (context) => {
    useCanvas(context, word)
    await expect(drawOn(background(1, 1), scene, 'm.png')).resolves.toBeInstanceOf(Uint8Array)
    const lying = { ...background(4, 4), width: 5 }
    await expect(drawOn(lying, [], 'm.png')).rejects.toMatchObject({ code: 'E_IMAGE_INPUT' })
  })
})
