import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builds } from '../helpers/engine.js'
import { Arena, roundEven } from '../helpers/kernel.js'

const f = Math.fround

interface OpencvCase {
  readonly sizes: readonly [number, number, number, number]
  readonly rgb?: string
  readonly sha256?: string
}

const opencv: { opencv: string; cases: OpencvCase[] } = JSON.parse(
  readFileSync(new URL('../fixtures/resize/opencv.json', import.meta.url), 'utf8'),
)

interface Picture {
  readonly width: number
  readonly height: number
  readonly rgba: Uint8Array
}

/** The picture of tests/fixtures/resize/generate.py. */
function picture(width: number, height: number): Picture {
  const rgba = new Uint8Array(width * height * 4)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 4; c++) {
        const mixed = (x * x * 7 + y * y * 5 + x * y * 3 + c * 85) ^ ((x * 37) >> 2) ^ (y * 11)
        rgba[at++] = mixed ^ (mixed >> 5)
      }
    }
  }
  return { width, height, rgba }
}

/**
 * Position and the two weights of output `x` along one side; `edge` is what OpenCV does with
 * columns only.
 */
function tap(x: number, size: number, resized: number, edge: boolean): [number, number, number] {
  const position = f((x + 0.5) * (1 / (resized / size)) - 0.5)
  let first = Math.floor(position)
  let fraction = f(position - first)
  if (edge && (first < 0 || first >= size - 1)) {
    first = first < 0 ? 0 : size - 1
    fraction = 0
  }
  return [first, roundEven(f(f(1 - fraction) * 2048)), roundEven(f(fraction * 2048))]
}

/** OpenCV's resize of uint8, in plain loops; RGB. */
function resize({ width, height, rgba }: Picture, toWidth: number, toHeight: number): Uint8Array {
  const result = new Uint8Array(toWidth * toHeight * 3)
  const row = (y: number) => Math.min(Math.max(y, 0), height - 1)
  for (let y = 0, at = 0; y < toHeight; y++) {
    const [top, v0, v1] = tap(y, height, toHeight, false)
    for (let x = 0; x < toWidth; x++) {
      const [left, h0, h1] = tap(x, width, toWidth, true)
      for (let c = 0; c < 3; c++) {
        const pixel = (line: number, column: number) =>
          rgba[(row(line) * width + Math.min(column, width - 1)) * 4 + c]
        const across = (line: number) => (pixel(line, left) * h0 + pixel(line, left + 1) * h1) >> 4
        result[at++] = (((across(top) * v0) >> 16) + ((across(top + 1) * v1) >> 16) + 2) >> 2
      }
    }
  }
  return result
}

interface Canvas {
  readonly width: number
  readonly height: number
  readonly resized: readonly [number, number]
  readonly offset: readonly [number, number]
  readonly pad: number
  readonly swap: boolean
  readonly float32: boolean
  /** Tables that add a number each, as those of int8 inputs do, or of random entries. */
  readonly adds?: boolean
  /** Bytes from pixel to pixel; random when absent. */
  readonly stride?: number
}

const columnBytes = (width: number) => Math.ceil(width / 4) * 32 + 64

/** Random tables and views; returns the arena, the instruction and the right output. */
function setUp(source: Picture, canvas: Canvas, arenaBytes: number) {
  const { width, height, resized, offset, pad, swap, float32, adds = false } = canvas
  const arena = new Arena(width + height * 7 + source.width, arenaBytes)
  const size = float32 ? 4 : 1
  const rgba = arena.allocate(source.rgba.length)
  arena.bytes.set(source.rgba, rgba - 0x10000)
  const table = { address: arena.allocate(768 * size), stride: 768 * size, channels: 768, size } as const
  const added = [arena.random.int8(), arena.random.int8(), arena.random.int8()]
  let entry = 0
  const entries = arena.fill(table, 1, (random) => {
    const n = entry++
    if (adds) return (((n & 255) + added[n >> 8]) << 24) >> 24
    return float32 ? random.float() : random.int8()
  })
  const output = canvas.stride
    ? ({
        address: arena.allocate(width * height * canvas.stride),
        stride: canvas.stride,
        channels: 3,
        size,
      } as const)
    : arena.view(width * height, 3, size)
  const fields = {
    source: rgba,
    output: output.address,
    sourceWidth: source.width,
    sourceHeight: source.height,
    outputWidth: width,
    outputHeight: height,
    outputStride: output.stride,
    outputType: float32 ? 1 : 0,
    table: table.address,
    resizedWidth: resized[0],
    resizedHeight: resized[1],
    offsetX: offset[0],
    offsetY: offset[1],
    pad,
    scratch: arena.scratch(columnBytes(resized[0])),
    swapRedBlue: swap ? 1 : 0,
  }
  const rgb = resize(source, resized[0], resized[1])
  const values: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const column = x - offset[0]
        const line = y - offset[1]
        const inside = column >= 0 && column < resized[0] && line >= 0 && line < resized[1]
        const u8 = inside ? rgb[(line * resized[0] + column) * 3 + (swap ? 2 - c : c)] : pad
        values.push(entries[c * 256 + u8])
      }
    }
  }
  return { arena, fields, output, values }
}

describe(`resizes as OpenCV ${opencv.opencv} does`, () => {
  test.each(opencv.cases)('$sizes', ({ sizes, rgb, sha256 }) => {
    const [sourceWidth, sourceHeight, width, height] = sizes
    const arena = new Arena(
      0,
      1 << Math.ceil(Math.log2(sourceWidth * sourceHeight * 4 + width * height * 3 + 65536)),
    )
    const source = picture(sourceWidth, sourceHeight)
    const address = arena.allocate(source.rgba.length)
    arena.bytes.set(source.rgba, address - 0x10000)
    const table = arena.allocate(768)
    for (let n = 0; n < 768; n++) arena.bytes[table - 0x10000 + n] = n
    const output = arena.allocate(width * height * 3)
    const fields = {
      source: address,
      output,
      sourceWidth,
      sourceHeight,
      outputWidth: width,
      outputHeight: height,
      outputStride: 3,
      outputType: 0,
      table,
      resizedWidth: width,
      resizedHeight: height,
      offsetX: 0,
      offsetY: 0,
      pad: 0,
      scratch: arena.scratch(columnBytes(width)),
      swapRedBlue: 0,
    }
    for (const build of builds) {
      const start = output - 0x10000
      const result = arena.run(build, 'preprocess', fields).subarray(start, start + width * height * 3)
      if (rgb !== undefined) expect(Buffer.from(result).toString('base64')).toBe(rgb)
      else expect(createHash('sha256').update(result).digest('hex')).toBe(sha256)
    }
  })
})

describe('places, normalises and touches nothing else', () => {
  const plain = { offset: [0, 0], pad: 0, swap: false, float32: false } as const
  const letterboxed = {
    ...plain,
    width: 27,
    height: 31,
    resized: [22, 25],
    offset: [3, 2],
    pad: 200,
    adds: true,
  } as const
  const canvases: readonly [string, [number, number], Canvas][] = [
    ['letterbox', [64, 36], { ...plain, width: 32, height: 32, resized: [32, 18], offset: [0, 7], pad: 114 }],
    [
      'letterbox upright',
      [20, 50],
      { ...plain, width: 24, height: 30, resized: [12, 30], offset: [6, 0], pad: 128 },
    ],
    [
      'margins all round',
      [9, 9],
      { ...plain, width: 21, height: 17, resized: [11, 5], offset: [3, 9], pad: 255 },
    ],
    ['stretched', [33, 17], { ...plain, width: 20, height: 20, resized: [20, 20] }],
    ['BGR', [33, 17], { ...plain, width: 20, height: 22, resized: [20, 20], swap: true, pad: 7 }],
    ['float32', [10, 30], { ...plain, width: 20, height: 22, resized: [18, 20], pad: 9, float32: true }],
    ['float32, BGR', [1, 1], { ...plain, width: 5, height: 4, resized: [3, 3], swap: true, float32: true }],
    ['one pixel', [40, 40], { ...plain, width: 1, height: 1, resized: [1, 1] }],
    ['int8 as stored, in words', [50, 40], { ...letterboxed, stride: 4 }],
    ['int8 as stored, packed', [50, 40], { ...letterboxed, stride: 3 }],
    ['int8 as stored, BGR, far apart', [50, 40], { ...letterboxed, stride: 9, swap: true }],
  ]
  test.each(canvases)('%s', (_, [width, height], canvas) => {
    const { arena, fields, output, values } = setUp(picture(width, height), canvas, 1 << 17)
    arena.check('preprocess', fields, output, values)
  })

  test('two hundred random canvases', () => {
    const { random } = new Arena(5, 128)
    for (let n = 0; n < 200; n++) {
      const [width, height] = [random.integer(1, 40), random.integer(1, 40)]
      const resized = [random.integer(1, width), random.integer(1, height)] as const
      const offset = [random.integer(0, width - resized[0]), random.integer(0, height - resized[1])] as const
      const stride = n % 5 === 0 ? 4 : undefined
      const kinds = { swap: n % 2 > 0, float32: n % 3 > 0 && stride === undefined, adds: n % 3 === 0 }
      const canvas = { width, height, resized, offset, pad: n, stride, ...kinds }
      const source = picture(random.integer(1, 60), random.integer(1, 60))
      const { arena, fields, output, values } = setUp(source, canvas, 1 << 18)
      arena.check('preprocess', fields, output, values)
    }
  })
})
