import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from '../../src/host/platform/node/crc32.js'
import { Detector, decodeImage } from '../../src/host/platform/node.js'
import { type FrameFormat, pixelBytes, rgbaOf } from '../../tools/firmware/frames.js'

export const board = fileURLToPath(new URL('board', import.meta.url))
const samples = ['astronaut.jpg', 'cat.jpg', 'coffee.jpg']

interface Size {
  readonly width: number
  readonly height: number
}

/** Each sample as a frame of a format: the nearest pixels, and what the format keeps of them. */
export async function sampleFrames(format: FrameFormat, { width, height }: Size): Promise<Uint8Array[]> {
  return Promise.all(
    samples.map(async (name) => {
      const photo = await decodeImage(fileURLToPath(new URL(`../../samples/${name}`, import.meta.url)))
      const bytes = new Uint8Array(width * height * pixelBytes[format])
      for (let n = 0; n < width * height; n++) {
        const x = Math.floor(((n % width) * photo.width) / width)
        const y = Math.floor((Math.floor(n / width) * photo.height) / height)
        const at = (y * photo.width + x) * 4
        write(format, bytes, n, photo.data[at], photo.data[at + 1], photo.data[at + 2])
      }
      return bytes
    }),
  )
}

function write(format: FrameFormat, to: Uint8Array, n: number, r: number, g: number, b: number): void {
  const grey = Math.round(0.299 * r + 0.587 * g + 0.114 * b)
  if (format === 'rgba') to.set([r, g, b, 77], 4 * n)
  if (format === 'rgb') to.set([r, g, b], 3 * n)
  if (format === 'grey') to[n] = grey
  if (format === 'rgb565') {
    const word = ((r >> 3) << 11) | ((g >> 2) << 5) | (b >> 3)
    to.set([word & 255, word >> 8], 2 * n)
  }
  if (format === 'yuv422') {
    const chroma = n % 2 === 0 ? 128 + 0.564 * (b - grey) : 128 + 0.713 * (r - grey)
    to.set([grey, Math.max(0, Math.min(255, Math.round(chroma)))], 2 * n)
  }
}

/** Writes the files of firmware, and the frames for board/harness.c. */
export function writeFirmware(
  folder: string,
  files: ReadonlyMap<string, string>,
  frames: readonly Uint8Array[],
): void {
  const all = new Map(files)
  const rows = frames.map((frame) => `{${[...frame].join(',')}}`)
  all.set(
    'frames.h',
    `#include <stdint.h>\n#define FRAMES ${frames.length}\nextern const uint8_t frames[FRAMES][${frames[0].length}];\n`,
  )
  all.set(
    'frames.c',
    `#include "frames.h"\nconst uint8_t frames[FRAMES][${frames[0].length}] __attribute__((aligned(4))) = {${rows.join(',\n')}};\n`,
  )
  for (const [name, content] of all) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

export const modelSources = ['ocellus_model.c', 'ocellus_engine.c', 'ocellus_weights.c']

/** Runs a program and gives what it prints; its errors are the test's. */
export const output = (program: string, words: readonly string[], cwd?: string): string =>
  execFileSync(program, words, { encoding: 'utf8', cwd, maxBuffer: 1 << 24, timeout: 240_000 })

/** The lines that board/harness.c prints for frames, as the host's own detector has them. */
export async function expectedLines(
  model: string,
  format: FrameFormat,
  size: Size,
  frames: readonly Uint8Array[],
): Promise<string[]> {
  const detector = await Detector.create({ model, threads: 1, tuneMs: 0 })
  try {
    return frames.map((frame) => {
      const found = detector.detectPixels({ ...size, data: rgbaOf(format, frame) })
      const outputs = detector.session.outputs.map(({ name }) => {
        const values = detector.session.output(name)
        return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      })
      const detections = found.map(({ box, score, classId }) => {
        const bytes = new DataView(new ArrayBuffer(44))
        const corners = [box.xmin, box.ymin, box.xmax, box.ymax, score]
        for (const [n, value] of corners.entries()) bytes.setFloat64(8 * n, value, true)
        bytes.setInt32(40, classId, true)
        return new Uint8Array(bytes.buffer)
      })
      const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
      return `outputs ${hex(crc32(Buffer.concat(outputs)))} count ${hex(found.length)} found ${hex(crc32(Buffer.concat(detections)))}`
    })
  } finally {
    detector.close()
  }
}

/** What the harness printed of frames, without the times. */
export const printedLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('outputs'))
    .map((line) => line.replace(/ took .*/, ''))

/** Whether a program can be run. */
export function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
