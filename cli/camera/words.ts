import { OcellusError } from '../../src/host/errors.js'
import { parseFraction } from '../inputs.js'

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of `500ms`, `5s`, `1.5m` or `2h`; a bare number is seconds. */
export function parseDuration(word: string): number {
  const found = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?$/.exec(word)
  if (found === null) throw new OcellusError('E_OPTION', `${word} is no duration: write 500ms, 5s, 2m or 1h`)
  return Number(found[1]) * units[(found[2] ?? 's') as keyof typeof units]
}

/** `1s,30s`: the first pause and the longest. */
export function parseRetry(word: string): readonly [number, number] {
  const [least, most = least, ...more] = word.split(',').map(parseDuration)
  if (more.length > 0) throw new OcellusError('E_OPTION', `${word}: give two durations, such as 1s,30s`)
  return [least, most]
}

/** `640x360` */
export function parseSize(word: string): { readonly width: number; readonly height: number } {
  const found = /^(\d{1,5})x(\d{1,5})$/.exec(word)
  if (found === null) throw new OcellusError('E_OPTION', `${word} is no size: write 640x360`)
  return { width: Number(found[1]), height: Number(found[2]) }
}

/** Frames a second; `all` for as many as come. */
export function parseRate(word: string): number {
  const value = word === 'all' ? 0 : Number(word)
  if (word.trim() === '' || !(value >= 0 && value <= 1000))
    throw new OcellusError('E_OPTION', `${word} is no rate: give frames a second, or all`)
  return value
}

/** `person=0.5`, into those that were given before. */
export function parseLabelThreshold(
  word: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const at = word.lastIndexOf('=')
  if (at < 1) throw new OcellusError('E_OPTION', `${word}: write a label and its least score: person=0.5`)
  return { ...before, [word.slice(0, at)]: parseFraction(word.slice(at + 1)) }
}

const scales = { '': 1, k: 1e3, m: 1e6, g: 1e9 } as const

/** Bytes of `500MB`, `2GB` or a bare number. */
export function parseBytes(word: string): number {
  const found = /^(\d{1,12}(?:\.\d{1,3})?) ?([kmg]?)b?$/i.exec(word)
  const bytes =
    found === null ? 0 : Math.round(Number(found[1]) * scales[found[2].toLowerCase() as keyof typeof scales])
  if (!(bytes >= 1)) throw new OcellusError('E_OPTION', `${word} is no size in bytes: write 500MB or 2GB`)
  return bytes
}

/** Words of a line as a shell would part them, but nothing is replaced: quotes keep spaces. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [, double, single, plain] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g))
    words.push(double ?? single ?? plain)
  return words
}

/** `8080`, `0.0.0.0:8080` or `[::]:8080`. */
export function parseView(word: string): { readonly host?: string; readonly port: number } {
  const found = /^(?:(\[[\da-f:.]+\]|[^:]+):)?(\d{1,5})$/i.exec(word)
  const port = Number(found?.[2])
  if (found === null || port > 65_535)
    throw new OcellusError('E_OPTION', `${word}: give a port, or an address and a port: 0.0.0.0:8080`)
  return { host: found[1]?.replace(/^\[|\]$/g, ''), port }
}
