import type { SourceAddress } from './address.js'

/** The descriptors that ffmpeg gets besides the usual three. */
export const descriptors = { positions: 3, pictures: 4, secret: 5 } as const

export interface Wanted {
  /** ffmpeg's version, 501 for 5.1. */
  readonly version: number
  /** Most pixels of a frame in each direction; the shape stays, and nothing is enlarged. */
  readonly width: number
  readonly height: number
  /** Frames a second of a file; 0 for all. */
  readonly rate: number
  /** Whether JPEGs are wanted too, for the view and for snapshots. */
  readonly pictures: boolean
  readonly transport: 'tcp' | 'udp'
  /** Further options of the input, such as a hardware decoder. */
  readonly extra: readonly string[]
  /** The input as its own module knows it: of a device, of rpicam's pipe, of the test pattern. */
  readonly input?: readonly string[]
}

/** Where the boundaries of the JPEGs are. */
export const boundary = 'ocellus'

/** Protocols that a source may use: a playlist of a server never opens a file of this machine. */
const protocols = {
  file: 'file,crypto,data',
  stdin: 'pipe,fd',
  rtsp: 'rtsp,rtp,srtp,rtcp,udp,tcp,tls,crypto,http,https',
  http: 'http,https,httpproxy,tcp,tls,crypto,data',
} as const

/**
 * Measured: 159 ms from capture to result in place of 293. `-fflags nobuffer`, which stands beside
 * these in much advice, gains nothing more: it throws away what ffmpeg has read to know the stream,
 * and so makes the first picture wait for another key frame.
 */
export const lowDelay = ['-flags', 'low_delay', '-probesize', '32768', '-analyzeduration', '0']

/**
 * What ffmpeg is started with: frames as PAM (RGBA, each tells its size) on standard output, and on
 * descriptors of their own the positions of a file's frames and JPEGs. An address is always the
 * value of an option, never an option itself.
 */
export function ffmpegArguments(source: SourceAddress, wanted: Wanted): string[] {
  const passthrough = wanted.version >= 501 ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough']
  const timing = source.live ? passthrough : []
  const rate = !source.live && wanted.rate > 0 ? [`fps=fps=min(${wanted.rate}\\,source_fps)`] : []
  const positions = source.live
    ? []
    : [
        'metadata=mode=add:key=o:value=1',
        `metadata=mode=print:direct=1:file=pipe\\\\:${descriptors.positions}`,
      ]
  const motion = source.kind === 'test' ? [toAndFro] : []
  const frames = [...rate, ...positions, ...motion, scale(wanted, 'bilinear')].join(',')
  const plain = ['-map', '0:v:0', '-an', '-sn', '-dn']
  const outputs = [...plain, '-vf', frames, ...timing, '-pix_fmt', 'rgba', '-c:v', 'pam']
  outputs.push('-flush_packets', '1', '-f', 'image2pipe', 'pipe:1')
  if (wanted.pictures) {
    const pictures = [...rate, ...motion, scale(wanted, 'fast_bilinear')].join(',')
    outputs.push(...plain, '-vf', pictures, ...timing, '-pix_fmt', 'yuvj420p', '-c:v', 'mjpeg', '-q:v', '5')
    outputs.push('-flush_packets', '1', '-boundary_tag', boundary, '-f', 'mpjpeg')
    outputs.push(`pipe:${descriptors.pictures}`)
  }
  return [
    '-hide_banner',
    '-nostdin',
    '-nostats',
    '-v',
    'level+verbose',
    ...(wanted.input ?? inputOf(source, wanted)),
    ...outputs,
  ]
}

/** What the test pattern shows of its photo. */
const toAndFro = 'crop=w=iw*0.8:h=ih*0.6:x=(iw-ow)*(0.5+0.5*sin(t)):y=0'

const scale = ({ width, height }: Wanted, flags: string): string =>
  `scale=w=min(${width}\\,iw):h=min(${height}\\,ih):force_original_aspect_ratio=decrease:force_divisible_by=2:flags=${flags}`

function inputOf(source: SourceAddress, wanted: Wanted): string[] {
  const { kind, target } = source
  // One thread decodes a live stream: several would each hold a frame back.
  const threads = source.live ? ['-threads', '1'] : []
  switch (kind) {
    case 'rtsp': {
      if (isSecret(source, wanted)) return secretInput(wanted)
      const timeout = wanted.version >= 500 ? '-timeout' : '-stimeout'
      return [
        ...threads,
        ...lowDelay,
        '-protocol_whitelist',
        protocols.rtsp,
        '-rtsp_transport',
        wanted.transport,
        '-allowed_media_types',
        'video',
        timeout,
        socketTimeout,
        ...wanted.extra,
        '-i',
        target,
      ]
    }
    case 'http': {
      const timing = playlist(target) ? ['-live_start_index', '-1', '-re'] : source.live ? lowDelay : []
      if (isSecret(source, wanted) && !playlist(target)) return secretInput(wanted)
      return [
        ...threads,
        ...timing,
        '-protocol_whitelist',
        protocols.http,
        '-rw_timeout',
        socketTimeout,
        ...wanted.extra,
        '-i',
        target,
      ]
    }
    case 'stdin':
      return [
        ...threads,
        ...(source.live ? lowDelay : []),
        '-protocol_whitelist',
        protocols.stdin,
        ...wanted.extra,
        '-i',
        'pipe:0',
      ]
    default:
      return [...threads, '-protocol_whitelist', protocols.file, ...wanted.extra, '-i', `file:${target}`]
  }
}

/**
 * Microseconds after which ffmpeg itself gives a dead socket up. The watchdog, which users set, is
 * sooner or later.
 */
const socketTimeout = '60000000'

/** Segments of a playlist come in bursts: they are played at their own speed. */
const playlist = (address: string): boolean => /\.m3u8(?:[?#]|$)/i.test(address)

/**
 * Every user of a machine sees the arguments of all programs, and so would see a password in an
 * address.
 */
export const isSecret = ({ kind, target, shown }: SourceAddress, { version, extra }: Wanted): boolean =>
  (kind === 'rtsp' || (kind === 'http' && !playlist(target))) &&
  target !== shown &&
  version >= 500 &&
  extra.length === 0

/** Reads the address from a descriptor, as a list of files that has one entry. */
const secretInput = ({ version: _ }: Wanted): string[] => [
  '-threads',
  '1',
  ...lowDelay,
  '-f',
  'concat',
  '-safe',
  '0',
  '-protocol_whitelist',
  `pipe,fd,${protocols.rtsp},httpproxy`,
  '-i',
  `pipe:${descriptors.secret}`,
]

/** The list that `secretInput` reads. */
export function secretList({ kind, target, live }: SourceAddress, { transport }: Wanted): string {
  const options: [string, string][] =
    kind === 'rtsp'
      ? [
          ['rtsp_transport', transport],
          ['allowed_media_types', 'video'],
          ['timeout', socketTimeout],
        ]
      : [['rw_timeout', socketTimeout]]
  if (live) options.push(['probesize', '32768'], ['analyzeduration', '0'])
  const lines = options.map(([name, value]) => `option ${name} ${value}`)
  return ['ffconcat version 1.0', `file '${target.replaceAll("'", "'\\''")}'`, ...lines, ''].join('\n')
}
