import type { Command } from 'commander'
import { Camera, type CameraOptions, type CameraResult } from '../src/host/platform/node/camera.js'
import type { Build } from '../src/host/platform/node.js'
import { fileLines, printedLines } from './camera/lines.js'
import { eventText } from './camera/text.js'
import {
  parseDuration,
  parseLabelThreshold,
  parseRate,
  parseRetry,
  parseSize,
  splitWords,
} from './camera/words.js'
import { openModel, parseBuild, parseChoice, parseCount, parseFraction, parseThreads } from './inputs.js'
import { warn } from './output.js'

type AnyEvent = CameraResult['events'][number]

interface Options {
  model?: string
  build?: Build
  threads?: number
  name?: string
  threshold?: number
  labelThreshold?: Record<string, number>
  labels?: string[]
  rate?: number
  size?: { width: number; height: number }
  zone?: string[]
  line?: string[]
  minHits?: number
  lost?: number
  events?: string
  stall?: number
  retry?: readonly [number, number]
  once?: boolean
  duration?: number
  transport?: 'tcp' | 'udp'
  ffmpeg?: string
  ffmpegInput?: string
}

export function addCamera(program: Command): void {
  program
    .command('camera')
    .description('follow objects in a camera or a video, and tell what happens')
    .argument('<source>', 'a file, -, /dev/video0 or 0, rtsp(s)://, http(s)://, rpicam:, test:')
    .option('-m, --model <file>', 'model (.safetensors), or darknet .weights; default: the embedded detector')
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .option('--threads <n>', 'threads that share the work; default: 1', parseThreads)
    .option('--name <name>', 'name of the camera in events; default: made of the source')
    .option('-t, --threshold <score>', 'least score, 0 to 1; default: 0.25', parseFraction)
    .option(
      '--label-threshold <label=score>',
      'another one for a label; may be repeated',
      parseLabelThreshold,
    )
    .option('--labels <name...>', 'only these labels')
    .option('--rate <fps>', 'most frames a second that are looked at, or all; default: 5', parseRate)
    .option('--size <WxH>', 'most pixels of a frame; default: 640x360', parseSize)
    .option(
      '--zone <name:points>',
      "a polygon in fractions of the picture: 'door:0.1,0.2 0.5,0.2 0.5,0.9'; may be repeated",
      collect,
    )
    .option('--line <name:points>', "a line to be crossed: 'gate:0,0.5 1,0.5'; may be repeated", collect)
    .option('--min-hits <n>', 'detections in a row that make an object; default: 2', parseCount)
    .option('--lost <time>', 'how long an object may be out of sight; default: 2s', parseDuration)
    .option('--events <file>', 'write events as JSON lines to a file, or to - (standard output)')
    .option(
      '--stall <time>',
      'a live source without a frame for so long is stalled; default: 5s',
      parseDuration,
    )
    .option('--retry <least,most>', 'pauses between attempts to connect; default: 1s,30s', parseRetry)
    .option('--once', 'end where it would connect again')
    .option('--duration <time>', 'end after so long', parseDuration)
    .option('--transport <kind>', 'tcp or udp, of RTSP; default: tcp', parseChoice(['tcp', 'udp'] as const))
    .option('--ffmpeg <path>', 'where ffmpeg is; default: found on PATH')
    .option('--ffmpeg-input <options>', "options of ffmpeg before its input: '-hwaccel drm'")
    .action(camera)
}

const collect = (word: string, before: string[] = []): string[] => [...before, word]

async function camera(source: string, options: Options): Promise<void> {
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.on('SIGINT', end).on('SIGTERM', end)
  const camera = await Camera.open(source, { ...(await cameraOptions(options)), signal: stop.signal })
  const output = await outputOf(options, camera.live)
  const { duration = Number.POSITIVE_INFINITY } = options
  const timer = camera.live && Number.isFinite(duration) ? setTimeout(end, duration) : undefined
  try {
    for await (const { time, frame, events } of camera) {
      for (const event of events) await output.event(event)
      // A file's own time tells: the same lines on a slow machine.
      if (!camera.live && frame !== undefined && time >= duration) end()
    }
  } finally {
    clearTimeout(timer)
    await camera.close()
    await output.close()
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

async function cameraOptions(options: Options): Promise<CameraOptions> {
  const { model } = options
  return {
    model: model === undefined ? undefined : await openModel(model),
    build: options.build,
    threads: options.threads,
    name: options.name,
    scoreThreshold: options.threshold,
    labelThresholds: options.labelThreshold,
    categoryAllowlist: options.labels,
    rate: options.rate,
    size: options.size,
    zones: options.zone,
    lines: options.line,
    minHits: options.minHits,
    lostMs: options.lost,
    stallMs: options.stall,
    retryMs: options.retry,
    once: options.once,
    transport: options.transport,
    ffmpeg: options.ffmpeg,
    ffmpegInput: options.ffmpegInput === undefined ? undefined : splitWords(options.ffmpegInput),
  }
}

interface Output {
  event(event: AnyEvent): Promise<void>
  close(): Promise<void>
}

/** JSON lines where they are asked for; else lines for people. What went wrong stands on stderr as well. */
async function outputOf({ events }: Options, live: boolean): Promise<Output> {
  const lines = events === undefined || events === '-' ? printedLines() : await fileLines(events, live)
  return {
    async event(event) {
      if (event.type === 'camera' && event.code !== undefined) warn(`${event.code}: ${event.message}`)
      else if (event.type === 'camera' && live) warn(eventText(event))
      if (events !== undefined) await lines.write(JSON.stringify(event))
      else if (event.type !== 'camera') await lines.write(eventText(event))
    },
    close: () => lines.close(),
  }
}
