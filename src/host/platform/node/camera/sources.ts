import { join } from 'node:path'
import { packageFolder } from '../package.js'
import type { SourceAddress } from './address.js'
import type { Wanted } from './arguments.js'
import type { Guard } from './guard.js'
import type { CameraOptions, CameraSettings } from './options.js'
import { ffmpegVersion, findProgram } from './programs.js'
import { Reader, type ReaderSink } from './reader.js'
import { rpicamWords } from './rpicam.js'
import { deviceInput, listFormats, type VideoFormat } from './v4l2.js'

/** A source whose programs are found. */
export interface Opened {
  /** Of a device: what it offered when it was last opened. */
  readonly formats: readonly VideoFormat[]
  /** Starts reading, once or again. Throws what a device refuses. */
  start(sink: ReaderSink, guard: Guard): Promise<Reader>
}

/** Finds what a source needs. Throws E_CAMERA_FFMPEG, E_CAMERA_RPICAM. */
export async function openSource(
  source: SourceAddress,
  options: CameraOptions,
  settings: CameraSettings,
): Promise<Opened> {
  const ffmpeg = findProgram('ffmpeg', options.ffmpeg)
  const rpicam = source.kind === 'rpicam' ? findProgram('rpicam') : undefined
  const wanted: Wanted = {
    version: await ffmpegVersion(ffmpeg),
    width: settings.width,
    height: settings.height,
    rate: settings.rate,
    pictures: options.onPicture !== undefined,
    transport: options.transport ?? 'tcp',
    extra: options.ffmpegInput ?? [],
  }
  let formats: readonly VideoFormat[] = []
  return {
    get formats() {
      return formats
    },
    async start(sink, guard) {
      const make = (input?: readonly string[], words?: readonly string[]): Reader => {
        const feeder = rpicam === undefined || words === undefined ? undefined : { program: rpicam, words }
        return new Reader({ ffmpeg, source, wanted: { ...wanted, input }, guard, feeder }, sink)
      }
      switch (source.kind) {
        case 'device':
          formats = await listFormats(ffmpeg, source)
          return make(deviceInput(source.target, formats, wanted))
        case 'rpicam': {
          const { camera, input } = rpicamWords(source.target, settings)
          return make(input, camera)
        }
        default:
          return make(source.kind === 'test' ? testPattern() : undefined)
      }
    },
  }
}

/** A sample photo that moves to and fro, so that there is something to find and to follow. */
function testPattern(): string[] {
  const photo = join(packageFolder, 'samples', 'astronaut.jpg')
  return ['-re', '-loop', '1', '-framerate', '15', '-i', `file:${photo}`]
}
