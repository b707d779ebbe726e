import { resolve } from 'node:path'
import { OcellusError } from '../../../errors.js'
import { fs } from '../builtin.js'
import { Redactor, redactAddresses } from './redact.js'

/** Where frames come from, as `parseSource` understood it. */
export interface SourceAddress {
  readonly kind: 'file' | 'stdin' | 'device' | 'rtsp' | 'http' | 'rpicam' | 'test' | 'recording'
  /** A path, an address, a device or the number of a camera. */
  readonly target: string
  /**
   * A live source is never waited for: the latest frame wins. Of the others every frame counts, and
   * they end.
   */
  readonly live: boolean
  /** Whether it is worth trying again when it has ended. */
  readonly returns: boolean
  /** What may be shown: the address without its password. */
  readonly shown: string
  /** A name for the camera that is made of the address. */
  readonly name: string
  readonly redactor: Redactor
}

const schemes = { rtsp: 'rtsp', rtsps: 'rtsp', http: 'http', https: 'http' } as const

/**
 * Addresses of files that a web server sends faster than they play: each frame counts, and they
 * end.
 */
const videoFile = /\.(?:mp4|m4v|mov|mkv|webm|avi|mpg|mpeg)$/i

/**
 * Understands a source: a file, `-`, a device (`0`, `/dev/video0`), `rtsp(s)://`, `http(s)://`,
 * `rpicam:`, `test:`. Nothing of it is ever an option of a program or seen by a shell. Throws
 * E_CAMERA_SOURCE, E_FILE_MISSING.
 */
export function parseSource(word: string): SourceAddress {
  if (word === '') throw bad('the source is empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(word)) throw bad('the source has control characters in it')
  if (word === '-') return standardInput()
  if (word.startsWith('-'))
    throw bad(`${redactAddresses(word)} begins with a dash: write ./${redactAddresses(word)} for a file`)
  if (/^\d{1,3}$/.test(word)) return device(`/dev/video${Number(word)}`)
  if (word.startsWith('/dev/') && word !== '/dev/stdin') return device(word)
  const camera = /^rpicam:(\d{0,2})$/.exec(word)
  if (camera !== null) return plain('rpicam', camera[1] || '0', word, `rpicam${camera[1]}`, true)
  if (word === 'test:') return plain('test', '', word, 'test', true)
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(word)?.[1].toLowerCase()
  if (scheme === 'file') return file(fileOf(word))
  if (scheme !== undefined && Object.hasOwn(schemes, scheme))
    return address(word, schemes[scheme as keyof typeof schemes])
  if (scheme !== undefined && !fs.existsSync(word)) {
    throw bad(
      `${redactAddresses(word)}: no such kind of source: give a file, -, a device such as /dev/video0, rtsp(s)://, http(s)://, rpicam: or test:`,
    )
  }
  return file(word)
}

const bad = (why: string): OcellusError => new OcellusError('E_CAMERA_SOURCE', why)

const plain = (
  kind: SourceAddress['kind'],
  target: string,
  shown: string,
  name: string,
  live: boolean,
): SourceAddress => ({
  kind,
  target,
  live,
  returns: live,
  shown,
  name: nameOf(name),
  redactor: new Redactor([]),
})

const device = (path: string): SourceAddress => plain('device', path, path, stem(path), true)

/**
 * A file that was redirected is a file; a pipe may be anything, and what writes to it should not be
 * held up.
 */
function standardInput(): SourceAddress {
  let isFile = false
  try {
    isFile = fs.fstatSync(0).isFile()
  } catch {
    // Closed: ffmpeg will say so.
  }
  return { ...plain('stdin', '-', 'standard input', 'stdin', !isFile), returns: false }
}

function fileOf(word: string): string {
  try {
    return decodeURIComponent(new URL(word).pathname)
  } catch (cause) {
    throw new OcellusError('E_CAMERA_SOURCE', `${word} is no address of a file`, { cause })
  }
}

function file(path: string): SourceAddress {
  let isFolder = false
  try {
    isFolder = fs.statSync(path).isDirectory()
  } catch (cause) {
    const denied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
    if (denied) throw new OcellusError('E_FILE_READ', `${path} can't be read: permission denied`, { cause })
    throw new OcellusError('E_FILE_MISSING', `${path}: no such file`, { cause })
  }
  if (isFolder) throw bad(`${path} is a folder, not a video`)
  const kind = /\.(?:jsonl|ndjson)$/i.test(path) ? 'recording' : 'file'
  return plain(kind, resolve(path), path, stem(path), false)
}

function address(word: string, kind: 'rtsp' | 'http'): SourceAddress {
  const shown = redactAddresses(word)
  let url: URL
  try {
    url = new URL(word)
  } catch (cause) {
    // Neither the address nor the cause, which repeats it, may be shown as they are.
    const why = /@/.test(word) ? '; special letters of a password must be written as %XX' : ''
    throw new OcellusError('E_CAMERA_SOURCE', `${shown} is no address${why}`, {
      cause: cause instanceof Error ? cause.name : undefined,
    })
  }
  if (url.hostname === '' || /\s/.test(word)) throw bad(`${shown} is no address`)
  const live = !(kind === 'http' && videoFile.test(url.pathname))
  return {
    kind,
    target: word,
    live,
    returns: live,
    shown,
    name: nameOf(url.hostname),
    redactor: new Redactor([word]),
  }
}

const stem = (path: string): string => (path.split(/[\\/]/).pop() ?? path).replace(/\.[^.]*$/, '')

/** Letters that topics, files and addresses may all have. */
export const nameOf = (text: string): string =>
  text
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 64) || 'camera'
