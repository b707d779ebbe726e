import { expect, test } from 'vitest'
import { drawOn } from '../../src/host/platform/node/canvas.js'
import type { Pixels } from '../../src/host/platform/node.js'
import { chunk, exif, png, stored, withExif } from '../helpers/pictures.js'
import { openPage } from './chromium.js'
import './globals.js'

type Colour = readonly [number, number, number]
const colours: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
]
const rows = [colours.slice(0, 3), colours.slice(3)]

/** RGBA of rows of colours, each a square of this side. */
function rgba(of: readonly (readonly Colour[])[], side = 1): Pixels {
  const width = of[0].length * side
  const height = of.length * side
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
    const x = Math.floor((i / 4) % width)
    const y = Math.floor(i / 4 / width)
    return [...of[Math.floor(y / side)][Math.floor(x / side)], 255][i % 4]
  })
  return { width, height, data }
}

const plainPng = png(3, 2, rows.flat(2), { colourType: 2 })
const list = ({ width, height, data }: Pixels) => ({ width, height, data: [...data] })

test('every kind of picture gives the same pixels', async (context) => {
  const { page } = await openPage(context, { extra: { '/six.png': plainPng } })
  const found = await page.evaluate(async () => {
    const buffer = await (await fetch('/six.png')).arrayBuffer()
    const image = Object.assign(new Image(), { src: '/six.png' })
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = 3
    canvas.height = 2
    canvas.getContext('2d')?.drawImage(image, 0, 0)
    const offscreen = new OffscreenCanvas(3, 2)
    offscreen.getContext('2d')?.drawImage(image, 0, 0)
    const bytes = new Uint8Array(buffer.byteLength + 5)
    bytes.set(new Uint8Array(buffer), 5)
    const sources = {
      address: '/six.png',
      url: new URL('/six.png', location.href),
      buffer,
      bytes: bytes.subarray(5),
      blob: new Blob([buffer]),
      file: new File([buffer], 'six.png'),
      image: Object.assign(new Image(), { src: '/six.png' }),
      canvas,
      offscreen,
      bitmap: await createImageBitmap(image),
      frame: new VideoFrame(canvas, { timestamp: 0 }),
    }
    const all: [string, unknown][] = []
    for (const [name, source] of Object.entries(sources)) {
      const { width, height, data } = await decodePicture(source)
      all.push([name, { width, height, data: [...data] }])
    }
    sources.frame.close()
    return all
  })
  expect(found).toHaveLength(11)
  for (const [name, pixels] of found) expect(pixels, name).toEqual(list(rgba(rows)))
})

test('a video gives its current frame', async (context) => {
  const { page } = await openPage(context)
  const found = await page.evaluate(async () => {
    const video = document.createElement('video')
    const early = await decodePicture(video).catch((error: { code: string }) => error.code)
    const canvas = document.createElement('canvas')
    canvas.width = 64
    canvas.height = 32
    const drawing = canvas.getContext('2d')
    const paint = setInterval(() => {
      drawing!.fillStyle = 'rgb(0, 200, 0)'
      drawing!.fillRect(0, 0, 64, 32)
    }, 20)
    video.muted = true
    video.srcObject = canvas.captureStream()
    await video.play()
    const { width, height, data } = await decodePicture(video)
    clearInterval(paint)
    return { early, width, height, pixel: [...data.subarray(0, 4)] }
  })
  expect(found).toMatchObject({ early: 'E_IMAGE_INPUT', width: 64, height: 32 })
  // Video is stored as brightness and colour, so values come back rounded.
  found.pixel.forEach((value, i) => {
    expect(Math.abs(value - [0, 200, 0, 255][i])).toBeLessThan(8)
  })
})

test('cameras held in all eight ways: upright, as a file and as an element', async (context) => {
  const extra: Record<string, Uint8Array> = {}
  for (let o = 1; o <= 8; o++) {
    const turned = stored(rows, o)
    extra[`/${o}.jpg`] = withExif(await drawOn(rgba(turned, 16), [], 'a.jpg'), o, o % 2 ? 'II' : 'MM')
    const block = chunk('eXIf', exif(o))
    extra[`/${o}.png`] = png(turned[0].length, turned.length, turned.flat(2), {
      colourType: 2,
      before: [block],
    })
  }
  const { page } = await openPage(context, { extra })
  const found = await page.evaluate(async () => {
    const centre = async (source: unknown, side: number) => {
      const { width, height, data } = await decodePicture(source)
      const cells: number[][] = []
      for (let y = side >> 1; y < height; y += side) {
        for (let x = side >> 1; x < width; x += side) {
          const at = 4 * (y * width + x)
          cells.push([...data.subarray(at, at + 3)])
        }
      }
      return { width: width / side, height: height / side, cells }
    }
    const all: [string, Awaited<ReturnType<typeof centre>>][] = []
    for (let o = 1; o <= 8; o++) {
      all.push([`file ${o}`, await centre(`/${o}.jpg`, 16)])
      all.push([`element ${o}`, await centre(Object.assign(new Image(), { src: `/${o}.jpg` }), 16)])
      all.push([`PNG ${o}`, await centre(`/${o}.png`, 1)])
    }
    return all
  })
  expect(found).toHaveLength(24)
  for (const [name, { width, height, cells }] of found) {
    expect([name, width, height]).toEqual([name, 3, 2])
    cells.flat().forEach((value, i) => {
      expect(Math.abs(value - colours.flat()[i]), name).toBeLessThan(12)
    })
  }
})

test('bad pictures are refused with their codes', async (context) => {
  const jpeg = await drawOn(rgba(rows, 40), [], 'a.jpg')
  const cutInside = png(3, 2, rows.flat(2), { colourType: 2, missing: 9 })
  const foreign = await openPage(context, { extra: { '/six.png': plainPng } })
  const { page } = await openPage(context, {
    extra: {
      '/empty.jpg': new Uint8Array(),
      '/half.jpg': jpeg.subarray(0, jpeg.length >> 1),
      '/half.png': plainPng.subarray(0, plainPng.length - 20),
      '/inside.png': cutInside,
      '/bomb.png': png(20_000, 20_000, [], { colourType: 2 }),
    },
  })
  const found = await page.evaluate(async (foreignImage) => {
    const closed = await createImageBitmap(new ImageData(2, 2))
    closed.close()
    const sources = {
      empty: '/empty.jpg',
      jpeg: '/half.jpg',
      png: '/half.png',
      inside: '/inside.png',
      bomb: '/bomb.png',
      closed,
      canvas: Object.assign(document.createElement('canvas'), { width: 0 }),
      broken: Object.assign(new Image(), { src: '/nothing.jpg' }),
      foreign: Object.assign(new Image(), { src: foreignImage }),
      number: 5,
      nothing: undefined,
    }
    const codes: Record<string, string> = {}
    for (const [name, source] of Object.entries(sources)) {
      codes[name] = await decodePicture(source).then(
        () => 'none',
        (error: { code?: string; message: string }) => error.code ?? error.message,
      )
    }
    // A foreign picture does not spoil what comes after it in the same size.
    const { width } = await decodePicture(new OffscreenCanvas(3, 2))
    return { codes, width }
  }, `${foreign.server.origin}/six.png`)
  expect(found).toEqual({
    codes: {
      empty: 'E_IMAGE_EMPTY',
      jpeg: 'E_IMAGE_TRUNCATED',
      png: 'E_IMAGE_TRUNCATED',
      inside: expect.stringMatching(/^E_IMAGE_(TRUNCATED|FORMAT)$/),
      bomb: 'E_IMAGE_TOO_LARGE',
      closed: 'E_IMAGE_EMPTY',
      canvas: 'E_IMAGE_EMPTY',
      broken: 'E_IMAGE_FORMAT',
      foreign: 'E_IMAGE_INPUT',
      number: 'E_IMAGE_INPUT',
      nothing: 'E_IMAGE_INPUT',
    },
    width: 3,
  })
})

test('boxes are drawn pixel for pixel as in Node', async (context) => {
  const mark = {
    label: 'chat botté',
    classId: 3,
    score: 0.87,
    box: { xmin: 10, ymin: 4, xmax: 90, ymax: 70 },
  }
  const white = rgba([[[255, 255, 255]]], 96)
  const { page } = await openPage(context, { extra: { '/node.png': await drawOn(white, [mark], 'a.png') } })
  const [here, node] = await page.evaluate(async (mark) => {
    const canvas = new OffscreenCanvas(96, 96)
    const drawing = canvas.getContext('2d')!
    drawing.fillStyle = 'white'
    drawing.fillRect(0, 0, 96, 96)
    ocellus.drawDetections(drawing, canvas, [mark])
    const pixels = [await decodePicture(canvas), await decodePicture('/node.png')]
    return pixels.map(({ data }) => [...data])
  }, mark)
  expect(here.some((value) => value !== 255)).toBe(true)
  expect(here).toEqual(node)
})
