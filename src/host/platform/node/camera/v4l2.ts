import { basename, join } from 'node:path'
import { OcellusError } from '../../../errors.js'
import { childProcess, fs } from '../builtin.js'
import type { SourceAddress } from './address.js'
import { lowDelay } from './arguments.js'
import { failureOf } from './failure.js'

/** A format that a USB camera offers. */
export interface VideoFormat {
  /** ffmpeg's name: mjpeg, yuyv422, h264, ... */
  readonly name: string
  readonly compressed: boolean
  readonly sizes: readonly { readonly width: number; readonly height: number }[]
}

/**
 * What the parts of a Raspberry Pi's camera are called. They are video devices too, but give no
 * pictures by themselves.
 */
const raspberryParts = /unicam|rp1-cfe|bcm2835|pispbe|rpivid|rpi-hevc/i

/** What `ffmpeg -list_formats all` writes. */
export function parseFormats(text: string): VideoFormat[] {
  const formats: VideoFormat[] = []
  for (const line of text.split('\n')) {
    const found = /(Raw|Compressed) *: *(\w+) *:.*: *((?:\d+x\d+ *)+)$/.exec(line.trim())
    if (found === null) continue
    const sizes = found[3]
      .trim()
      .split(/ +/)
      .map((size) => size.split('x').map(Number))
      .map(([width, height]) => ({ width, height }))
    formats.push({ name: found[2], compressed: found[1] === 'Compressed', sizes })
  }
  return formats
}

/**
 * The formats of a device. Throws E_CAMERA_CSI, E_CAMERA_NOT_FOUND, E_CAMERA_PERMISSION,
 * E_CAMERA_BUSY.
 */
export function listFormats(
  ffmpeg: string,
  source: SourceAddress,
  system = '/sys/class/video4linux',
): Promise<VideoFormat[]> {
  const why = raspberryPart(source.target, system)
  if (why !== undefined)
    return Promise.reject(
      new OcellusError(
        'E_CAMERA_CSI',
        `${source.shown} is a part of a Raspberry Pi's camera (${why}), which gives no pictures by itself: write rpicam:`,
      ),
    )
  const words = ['-hide_banner', '-nostdin', '-f', 'v4l2', '-list_formats', 'all', '-i', source.target]
  return new Promise((resolve, reject) => {
    childProcess().execFile(ffmpeg, words, { timeout: 10_000 }, (_, __, stderr) => {
      const formats = parseFormats(stderr)
      // It always fails, as it opens nothing: with this text where all is well.
      if (formats.length > 0 || /Immediate exit requested/.test(stderr)) resolve(formats)
      else reject(failureOf(source, stderr.split('\n').filter(Boolean)))
    })
  })
}

function raspberryPart(device: string, system: string): string | undefined {
  try {
    // Names under /dev/v4l lead to the device.
    const path = fs.existsSync(device) ? fs.realpathSync(device) : device
    const name = fs.readFileSync(join(system, basename(path), 'name'), 'utf8').trim()
    return raspberryParts.test(name) ? name : undefined
  } catch {
    return undefined
  }
}

/**
 * How ffmpeg reads a device: MJPEG where it has it, as raw video of the same size needs ten times
 * the bytes of the bus, and the smallest size that is no smaller than the frames wanted.
 */
export function deviceInput(
  device: string,
  formats: readonly VideoFormat[],
  wanted: { readonly width: number; readonly height: number; readonly extra: readonly string[] },
): string[] {
  const format = formats.find(({ name }) => name === 'mjpeg') ?? formats.find(({ compressed }) => !compressed)
  const area = ({ width, height }: { width: number; height: number }): number => width * height
  const sizes = [...(format?.sizes ?? [])].sort((a, b) => area(a) - area(b))
  const enough = sizes.find(({ width, height }) => width >= wanted.width && height >= wanted.height)
  const size = enough ?? sizes.at(-1)
  const words = ['-threads', '1', ...lowDelay, '-f', 'v4l2']
  if (format !== undefined) words.push('-input_format', format.name)
  if (size !== undefined) words.push('-video_size', `${size.width}x${size.height}`)
  return [...words, ...wanted.extra, '-i', device]
}
