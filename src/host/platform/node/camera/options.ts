import { OcellusError } from '../../../errors.js'
import { checkChoice, checkOptions, type OptionNames } from '../../../options.js'
import type { DetectorOptions } from '../../../tasks/detector.js'
import type { MotionOptions } from '../../../video/motion.js'
import { type SceneOptions, sceneNames } from '../../../video/scene.js'
import type { EventOptions, TrackerOptions } from '../../../video/types.js'

type OfDetector = Omit<
  DetectorOptions,
  'scoreThreshold' | 'multiLabel' | 'clip' | 'frozenModel' | 'maxPixels'
>
type OfTracker = Omit<TrackerOptions, 'threshold'>
type OfEvents = Omit<EventOptions, 'camera' | 'prefix'>

export interface CameraOptions extends OfDetector, OfTracker, OfEvents {
  /** Name of the camera in events. Default: made of the source. */
  readonly name?: string
  /** Least score of an object, 0 to 1. Default 0.25. */
  readonly scoreThreshold?: number
  /** Most frames a second that are looked at; 0 for as many as come. Default 5. */
  readonly rate?: number
  /**
   * Most pixels of a frame in each direction. Frames keep their shape, and are never enlarged.
   * Default 640 x 360.
   */
  readonly size?: { readonly width: number; readonly height: number }
  /** Look only at frames in which something moves. Default false. */
  readonly gate?: boolean | MotionOptions
  /** A live source without a frame for so long is stalled, in milliseconds. Default 5000. */
  readonly stallMs?: number
  /**
   * The first and the longest pause between two attempts to connect, in milliseconds. Default 1000
   * and 30000.
   */
  readonly retryMs?: readonly [number, number]
  /** End, with an error where there was no frame, instead of trying again. Default false. */
  readonly once?: boolean
  /** How RTSP carries the video. Default tcp. */
  readonly transport?: 'tcp' | 'udp'
  /** Path of ffmpeg. Default: found on PATH. */
  readonly ffmpeg?: string
  /** Options that ffmpeg gets before its input, such as `['-hwaccel', 'drm']`. */
  readonly ffmpegInput?: readonly string[]
  /**
   * Called with the JPEG of every frame, for a view or for snapshots, and with the frame's number,
   * which its result has too: the picture comes a little before or after it. That costs ffmpeg 1.5
   * ms a frame.
   */
  readonly onPicture?: (jpeg: Uint8Array, number: number) => void
  /** Ends the camera; the iteration then ends after the last events. */
  readonly signal?: AbortSignal
}

const ofDetector = {
  model: true,
  fit: true,
  build: 'string',
  threads: 'number',
  threadTimeoutMs: 'number',
  kernel: 'string',
  tuneMs: 'number',
  maxMemory: 'number',
  maxWork: 'number',
  iouThreshold: 'number',
  maxResults: 'number',
  categoryAllowlist: 'strings',
  categoryDenylist: 'strings',
  agnostic: 'boolean',
  order: true,
} satisfies OptionNames<OfDetector>

/**
 * What users may set of a scene: its camera and its prefix are ours, its threshold has another
 * name.
 */
const { camera: _, prefix: __, threshold: ___, ...ofScene } = sceneNames

const names = {
  ...ofDetector,
  ...ofScene,
  name: 'string',
  scoreThreshold: 'number',
  rate: 'number',
  size: 'object',
  gate: true,
  stallMs: 'number',
  retryMs: 'list',
  once: true,
  transport: true,
  ffmpeg: true,
  ffmpegInput: true,
  onPicture: true,
  signal: 'object',
} satisfies OptionNames<CameraOptions>

/** Options checked, and with their defaults. */
export interface CameraSettings {
  readonly rate: number
  readonly width: number
  readonly height: number
  readonly stallMs: number
  readonly retryMs: readonly [number, number]
  readonly threshold: number
  readonly labelThresholds: Readonly<Record<string, number>>
}

const defaultThreshold = 0.25
/** What the tracker takes as its weakest. */
const defaultLow = 0.1
const day = 24 * 3600 * 1000

/** Throws E_OPTION. */
export function cameraSettings(options: CameraOptions): CameraSettings {
  checkOptions(options, names, 'Camera.open')
  checkChoice('transport', options.transport, ['tcp', 'udp'])
  const { rate = 5, size, stallMs = 5000, retryMs = [1000, 30_000], name } = options
  const bad = (why: string): OcellusError => new OcellusError('E_OPTION', why)
  if (name !== undefined && !/^[\w.-]{1,64}$/.test(name))
    throw bad(`name is ${JSON.stringify(name)}; give 1 to 64 letters, digits, _, - or .`)
  if (!(rate >= 0 && rate <= 1000)) throw bad(`rate is ${rate}; give frames a second from 0 (all) to 1000`)
  const { width, height } = size ?? { width: 640, height: 360 }
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 16 || side > 4096)
      throw bad(`size is ${width}x${height}; give whole numbers from 16 to 4096`)
  if (!(stallMs >= 100 && stallMs <= day)) throw bad(`stallMs is ${stallMs}; give 100 ms to a day`)
  const [least, most] = retryMs
  if (!(least >= 100 && most >= least && most <= day))
    throw bad(`retryMs is ${least} to ${most}; give a pause of at least 100 ms and one that is no shorter`)
  const { scoreThreshold = defaultThreshold, labelThresholds = {} } = options
  return { rate, width, height, stallMs, retryMs, threshold: scoreThreshold, labelThresholds }
}

/** What the detector is made with: it also finds the weak objects that only continue tracks. */
export function detectorOptions(
  options: CameraOptions,
  { threshold, labelThresholds }: CameraSettings,
): DetectorOptions {
  const weakest = Math.min(threshold, options.lowThreshold ?? defaultLow, ...Object.values(labelThresholds))
  // One thread is enough for most cameras, and leaves the other cores to other cameras.
  return { ...picked(options, ofDetector), threads: options.threads ?? 1, scoreThreshold: weakest }
}

/** What the tracker and the events are made with. */
export const sceneOptions = (
  options: CameraOptions,
  { threshold }: CameraSettings,
  camera: string,
  prefix: string,
): SceneOptions => ({ camera, prefix, threshold, ...picked(options, ofScene) })

function picked<K extends keyof CameraOptions>(
  options: CameraOptions,
  wanted: Readonly<Record<K, unknown>>,
): Pick<CameraOptions, K> {
  const found = Object.entries(options).filter(
    ([name, value]) => Object.hasOwn(wanted, name) && value !== undefined,
  )
  return Object.fromEntries(found) as Pick<CameraOptions, K>
}
