import { type ErrorCode, OcellusError } from '../../../errors.js'
import type { SourceAddress } from './address.js'
import { descriptors } from './arguments.js'

interface Reason {
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly text: string
}

/** What ffmpeg and rpicam write when a source can't be opened, the most telling first. */
const reasons: readonly Reason[] = [
  {
    pattern: /401 unauthorized|403 forbidden|authorization failed|access denied/i,
    code: 'E_CAMERA_AUTH',
    text: 'the user or the password is wrong',
  },
  {
    pattern: /404 not found|stream not found|\b454 session/i,
    code: 'E_CAMERA_NOT_FOUND',
    text: 'the camera is there, but not this path: see its manual for the address of its streams',
  },
  {
    pattern:
      /device or resource busy|resource temporarily unavailable|in use by another process|failed to acquire camera/i,
    code: 'E_CAMERA_BUSY',
    text: 'another program uses the camera',
  },
  {
    // Decoders say so, too, of what they can't decode.
    pattern: /permission denied|(?<!decoding stream #\d+:\d+: )operation not permitted/i,
    code: 'E_CAMERA_PERMISSION',
    text: 'this user may not open it',
  },
  {
    pattern: /no cameras available|no such device|cannot open video device.*no such file/i,
    code: 'E_CAMERA_NOT_FOUND',
    text: 'there is no such camera',
  },
  {
    pattern:
      /not a video capture device|inappropriate ioctl|ioctl\(VIDIOC_(?:G_INPUT|ENUMINPUT|G_FMT|S_FMT)\)/i,
    code: 'E_CAMERA_CSI',
    text: "this device gives no pictures by itself: for a Raspberry Pi's camera write rpicam:",
  },
  {
    pattern: /matches no streams|does not contain any stream|no video stream/i,
    code: 'E_CAMERA_NO_VIDEO',
    text: 'it has no video stream',
  },
  {
    pattern:
      /unrecognized option|option .* not found|error (?:splitting|parsing|opening).*option|unknown (?:decoder|hwaccel)/i,
    code: 'E_CAMERA_FFMPEG',
    text: 'ffmpeg does not understand its options',
  },
  {
    pattern:
      /connection (?:refused|timed out|reset)|no route to host|network is unreachable|host is down|failed to resolve|name or service not known|temporary failure in name/i,
    code: 'E_CAMERA_OPEN',
    text: 'it does not answer',
  },
  {
    pattern:
      /5\d\d (?:internal server error|bad gateway|service unavailable|server error)|server returned [45]/i,
    code: 'E_CAMERA_OPEN',
    text: 'it answers with an error',
  },
  {
    pattern: /no such file or directory/i,
    code: 'E_CAMERA_NOT_FOUND',
    text: 'there is no such source',
  },
  {
    pattern:
      /invalid data found|moov atom not found|could not find codec|unknown input format|unable to parse|unspecified size|protocol not (?:found|on whitelist)|nothing was encoded/i,
    code: 'E_CAMERA_FORMAT',
    text: 'it is no video that ffmpeg understands',
  },
]

/**
 * Why a source gave no frame, by what its programs wrote: one code for each kind of failure, a line
 * that says what to do, and the program's own words without passwords.
 */
export function failureOf(source: SourceAddress, lines: readonly string[]): OcellusError {
  const clean = lines.map((line) => plain(source.redactor.redact(line), source))
  const all = clean.join('\n')
  const reason = reasons.find(({ pattern }) => pattern.test(all))
  const words = [...clean].reverse().find((line) => reason?.pattern.test(line)) ?? clean.at(-1)
  const said = words === undefined ? '' : ` (${shortened(words)})`
  if (reason === undefined)
    return new OcellusError('E_CAMERA_OPEN', `${source.shown} can't be opened${said || ': no reason told'}`)
  const advice = reason.code === 'E_CAMERA_PERMISSION' ? permission(source) : ''
  return new OcellusError(reason.code, `${source.shown}: ${reason.text}${advice}${said}`)
}

/**
 * Without the marks of the part of ffmpeg that speaks, and of the descriptor by which it got the
 * address.
 */
const plain = (line: string, { shown }: SourceAddress): string =>
  line
    .replace(/^(?:\s*\[[^\]]*\])+/, '')
    .replaceAll(`pipe:${descriptors.secret}`, shown)
    .trim()
    .replace(/^(?:file:)?/, '')
    .replace(`${shown}: `, '')

const permission = ({ kind }: SourceAddress): string =>
  kind === 'device' || kind === 'rpicam'
    ? ': add it to the group (`sudo usermod -aG video $USER`) and log in anew'
    : ''

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text)
