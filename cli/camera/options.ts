import { type Command, Option } from 'commander'
import { OcellusError } from '../../src/host/errors.js'
import type { ViewOptions } from '../../src/host/platform/node/camera/view/server.js'
import type { CameraOptions } from '../../src/host/platform/node/camera.js'
import type { Build, LineOptions, ZoneOptions } from '../../src/host/platform/node.js'
import { openModel, parseBuild, parseChoice, parseCount, parseFraction, parseThreads } from '../inputs.js'
import {
  parseBytes,
  parseDuration,
  parseLabelThreshold,
  parseRate,
  parseRetry,
  parseSize,
  parseView,
  splitWords,
} from './words.js'

/** What stands on the command line or in the file of --config. */
export interface Words {
  config?: string
  check?: boolean
  json?: boolean
  model?: string
  build?: Build
  threads?: number
  name?: string
  threshold?: number
  labelThreshold?: Record<string, number>
  labels?: string[]
  rate?: number
  size?: { width: number; height: number }
  zone?: (string | ZoneOptions)[]
  line?: (string | LineOptions)[]
  minHits?: number
  lost?: number
  gate?: boolean
  events?: string
  frames?: boolean
  snapshots?: string
  keep?: number
  keepBytes?: number
  view?: Pick<ViewOptions, 'host' | 'port'>
  viewName?: string[]
  mqtt?: string
  mqttPassword?: string
  mqttTopic?: string
  mqttSpool?: string
  mqttKeep?: number
  discovery?: string | true
  stall?: number
  retry?: readonly [number, number]
  once?: boolean
  duration?: number
  transport?: 'tcp' | 'udp'
  ffmpeg?: string
  ffmpegInput?: string
}

const collect = (word: string, before: string[] = []): string[] => [...before, word]

export function addOptions(command: Command): Command {
  return command
    .option('--config <file>', 'a YAML file with any of these options; those on the command line win')
    .option('--check', 'open the source, show what it gives and what one frame shows, and end')
    .option('--json', 'what --check shows as JSON')
    .option('-m, --model <file>', 'model (.safetensors), or darknet .weights; default: the embedded detector')
    .option('-t, --threshold <score>', 'least score, 0 to 1; default: 0.25', parseFraction)
    .option(
      '--label-threshold <label=score>',
      'another one for a label; may be repeated',
      parseLabelThreshold,
    )
    .option('--labels <name...>', 'only these labels')
    .option('--rate <fps>', 'most frames a second that are looked at, or all; default: 5', parseRate)
    .option('--size <WxH>', 'most pixels of a frame; default: 640x360', parseSize)
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .option('--threads <n>', 'threads that share the work; default: 1', parseThreads)
    .option(
      '--zone <name:points>',
      "a polygon in fractions of the picture: 'door:0.1,0.2 0.5,0.2 0.5,0.9'; may be repeated",
      collect,
    )
    .option('--line <name:points>', "a line to be crossed: 'gate:0,0.5 1,0.5'; may be repeated", collect)
    .option('--min-hits <n>', 'detections in a row that make an object; default: 2', parseCount)
    .option('--lost <time>', 'how long an object may be out of sight; default: 2s', parseDuration)
    .option('--gate', 'look only at frames in which something moves')
    .option('--name <name>', 'name of the camera in events; default: made of the source')
    .option('--events <file>', 'write events as JSON lines to a file, or to - (standard output)')
    .option('--frames', 'write what was found in every frame too: a recording, which this command replays')
    .option('--snapshots <folder>', 'write a picture of every object that appears')
    .option('--keep <n>', 'most snapshots; the oldest go; default: 200', parseCount)
    .option('--keep-bytes <size>', 'most bytes of snapshots; default: 500MB', parseBytes)
    .option(
      '--view <[host:]port>',
      'show a page with the live picture; host: 127.0.0.1 unless told',
      parseView,
    )
    .option('--view-name <name...>', 'names by which the page may be asked for, besides addresses')
    .option('--mqtt <address>', 'report to a broker: mqtt://user@host:1883; needs `npm install mqtt`')
    .addOption(
      new Option('--mqtt-password <password>', "the broker's; other users see it unless it comes by").env(
        'OCELLUS_MQTT_PASSWORD',
      ),
    )
    .option('--mqtt-topic <topic>', 'start of all topics; default: ocellus')
    .option('--mqtt-spool <folder>', 'where events wait while the broker is away')
    .option('--mqtt-keep <size>', 'most bytes of events that wait; the oldest go; default: 8MB', parseBytes)
    .option('--discovery [topic]', 'tell Home Assistant of the camera by MQTT; default topic: homeassistant')
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
}

/** The camera's own options among the words. */
export async function cameraOptions(words: Words): Promise<CameraOptions> {
  if (words.keep !== undefined && words.snapshots === undefined)
    throw new OcellusError('E_OPTION', '--keep is for --snapshots')
  if (words.json && !words.check)
    throw new OcellusError('E_OPTION', '--json is for --check; events are JSON by --events -')
  if (words.discovery !== undefined && words.mqtt === undefined)
    throw new OcellusError('E_OPTION', '--discovery is for --mqtt')
  return {
    model: words.model === undefined ? undefined : await openModel(words.model),
    build: words.build,
    threads: words.threads,
    name: words.name,
    scoreThreshold: words.threshold,
    labelThresholds: words.labelThreshold,
    categoryAllowlist: words.labels,
    rate: words.rate,
    size: words.size,
    zones: words.zone,
    lines: words.line,
    minHits: words.minHits,
    lostMs: words.lost,
    gate: words.gate,
    stallMs: words.stall,
    retryMs: words.retry,
    once: words.once,
    transport: words.transport,
    ffmpeg: words.ffmpeg,
    ffmpegInput: words.ffmpegInput === undefined ? undefined : splitWords(words.ffmpegInput),
  }
}
