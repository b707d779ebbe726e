import { OcellusError } from '../../../errors.js'
import type { DetectorOptions } from '../../../tasks/detector.js'
import type { LineOptions, TrackerOptions, ZoneOptions } from '../../../video/types.js'

export interface CameraOptions
  extends Omit<DetectorOptions, 'scoreThreshold' | 'multiLabel' | 'clip'>,
    Omit<TrackerOptions, 'threshold'> {
  /** Name of the camera in events. Default: made of the source. */
  readonly name?: string
  /** Least score of an object, 0 to 1. Default 0.25. */
  readonly scoreThreshold?: number
  /** Most frames a second that are looked at; 0 for as many as come. Default 5. */
  readonly rate?: number
  /** Most pixels of a frame in each direction. Frames keep their shape, and are never enlarged. Default 640 x 360. */
  readonly size?: { readonly width: number; readonly height: number }
  /** Polygons and lines: objects, or text such as `door:0.1,0.2 0.5,0.2 0.5,0.9`. */
  readonly zones?: readonly (ZoneOptions | string)[]
  readonly lines?: readonly (LineOptions | string)[]
  /** Least time between two `update` events of an object, in milliseconds. Default 5000. */
  readonly updateMs?: number
  /** A live source without a frame for so long is stalled, in milliseconds. Default 5000. */
  readonly stallMs?: number
  /** The first and the longest pause between two attempts to connect, in milliseconds. Default 1000 and 30000. */
  readonly retryMs?: readonly [number, number]
  /** End, with an error where there was no frame, instead of trying again. Default false. */
  readonly once?: boolean
  /** How RTSP carries the video. Default tcp. */
  readonly transport?: 'tcp' | 'udp'
  /** Path of ffmpeg. Default: found on PATH. */
  readonly ffmpeg?: string
  /** Options that ffmpeg gets before its input, such as `['-hwaccel', 'drm']`. */
  readonly ffmpegInput?: readonly string[]
  /** Called with the JPEG of every frame, for a view or for snapshots; that costs ffmpeg 1.5 ms a frame. */
  readonly onPicture?: (jpeg: Uint8Array) => void
  /** Ends the camera; the iteration then ends after the last events. */
  readonly signal?: AbortSignal
}

export interface CameraSettings {
  readonly rate: number
  readonly width: number
  readonly height: number
  readonly stallMs: number
  readonly retryMs: readonly [number, number]
}

/** Throws E_OPTION. */
export function cameraSettings(options: CameraOptions): CameraSettings {
  const { rate = 5, size, stallMs = 5000, retryMs = [1000, 30_000] } = options
  const bad = (why: string): OcellusError => new OcellusError('E_OPTION', why)
  if (!(rate >= 0 && rate <= 1000)) throw bad(`rate is ${rate}; give frames a second from 0 (all) to 1000`)
  const { width, height } = size ?? { width: 640, height: 360 }
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 16 || side > 4096)
      throw bad(`size is ${width}x${height}; give whole numbers from 16 to 4096`)
  if (!(stallMs >= 100 && stallMs <= day)) throw bad(`stallMs is ${stallMs}; give 100 ms to a day`)
  const [least, most] = retryMs
  if (!(least >= 100 && most >= least && most <= day))
    throw bad(`retryMs is ${least} to ${most}; give a pause of at least 100 ms and one that is no shorter`)
  return { rate, width, height, stallMs, retryMs }
}

const day = 24 * 3600 * 1000
