import { join } from 'node:path'
import { packageFolder } from '../package.js'
import type { SourceAddress } from './address.js'
import type { Wanted } from './arguments.js'
import type { Guard } from './guard.js'
import type { CameraOptions, CameraSettings } from './options.js'
import { ffmpegVersion, findProgram } from './programs.js'
import { Reader, type ReaderSink } from './reader.js'

/** A source whose programs are found. */
export interface Opened {
  /** Starts reading, once or again. */
  start(sink: ReaderSink, guard: Guard): Reader
}

/** Finds what a source needs. Throws E_CAMERA_FFMPEG, E_CAMERA_RPICAM. */
export async function openSource(
  source: SourceAddress,
  options: CameraOptions,
  settings: CameraSettings,
): Promise<Opened> {
  const ffmpeg = findProgram('ffmpeg', options.ffmpeg)
  const wanted: Wanted = {
    version: await ffmpegVersion(ffmpeg),
    width: settings.width,
    height: settings.height,
    rate: settings.rate,
    pictures: options.onPicture !== undefined,
    transport: options.transport ?? 'tcp',
    extra: options.ffmpegInput ?? [],
  }
  const input = source.kind === 'test' ? testPattern() : undefined
  return {
    start: (sink, guard) => new Reader({ ffmpeg, source, wanted: { ...wanted, input }, guard }, sink),
  }
}

/** A sample photo, seen by a camera that turns to and fro: there is something to find in it. */
function testPattern(): string[] {
  const photo = join(packageFolder, 'samples', 'astronaut.jpg')
  return ['-re', '-loop', '1', '-framerate', '15', '-i', `file:${photo}`]
}
