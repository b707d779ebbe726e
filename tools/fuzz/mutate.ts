import type { RandomStream } from '../../src/host/tasks/random.js'

/** Values at the edges of what a count, an offset or a size can be. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
/** What a number in a text is changed to. */
const words = ['-1', '0', '1e999', '-0', '4294967296', '9007199254740993', 'nan', '0.0000001', '99999', '']
const longestRun = 24

/**
 * A damaged copy of one of `seeds`, the same for the same numbers: bits flipped, bytes and words of
 * 16, 32 or 64 bits set to values at the edges, runs cut out, doubled or moved, numbers and
 * digits of a text changed, lines doubled or dropped, a piece of another seed put in, the end cut off.
 */
export function mutant(seeds: readonly Uint8Array[], random: RandomStream): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seeds[random.below(seeds.length)])
  for (let times = 1 + random.below(4); times > 0 && bytes.length > 0; times--)
    bytes = changes[random.below(changes.length)](bytes, random, seeds)
  return bytes
}

type Change = (bytes: Uint8Array, random: RandomStream, seeds: readonly Uint8Array[]) => Uint8Array

/**
 * Half of all places lie in the first KiB, where most formats have their headers, however long the
 * data after them is.
 */
const place = (bytes: Uint8Array, random: RandomStream): number =>
  random.below(random.below(2) === 0 ? Math.min(1024, bytes.length) : bytes.length)

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

const latin = new TextDecoder('latin1')
const fromLatin = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0))

const changes: readonly Change[] = [
  (bytes, random) => {
    bytes[place(bytes, random)] ^= 1 << random.below(8)
    return bytes
  },
  (bytes, random) => {
    bytes[place(bytes, random)] = random.below(256)
    return bytes
  },
  (bytes, random) => {
    const size = [1, 2, 4, 8][random.below(4)]
    const at = place(bytes, random)
    const value = BigInt(edges[random.below(edges.length)])
    for (let n = 0; n < size && at + n < bytes.length; n++)
      bytes[at + n] = Number((value >> BigInt(8 * n)) & 0xffn)
    return bytes
  },
  (bytes, random) => {
    const at = place(bytes, random)
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(longestRun)))
  },
  (bytes, random) => {
    const at = place(bytes, random)
    return joined(bytes.subarray(0, at + 1 + random.below(longestRun)), bytes.subarray(at))
  },
  (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)]
    bytes.copyWithin(to, from, from + 1 + random.below(longestRun))
    return bytes
  },
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random, seeds) => {
    const other = seeds[random.below(seeds.length)]
    if (other.length === 0) return bytes
    const from = place(other, random)
    const piece = other.subarray(from, from + 1 + random.below(256))
    const at = place(bytes, random)
    return joined(bytes.subarray(0, at), piece, bytes.subarray(at))
  },
  (bytes, random) => {
    // One digit, so that a text stays as long as it says.
    const from = place(bytes, random)
    const at = bytes.findIndex((byte, n) => n >= from && byte >= 0x30 && byte <= 0x39)
    if (at >= 0) bytes[at] = 0x30 + random.below(10)
    return bytes
  },
  (bytes, random) => {
    // A window, so that a long file costs no more than a short one.
    const at = place(bytes, random)
    const window = bytes.subarray(at, at + 512)
    const text = latin.decode(window)
    const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)]
    if (numbers.length === 0) return bytes
    const found = numbers[random.below(numbers.length)]
    const changed = fromLatin(
      text.slice(0, found.index) +
        words[random.below(words.length)] +
        text.slice(found.index + found[0].length),
    )
    return joined(bytes.subarray(0, at), changed, bytes.subarray(at + window.length))
  },
  (bytes, random) => {
    const at = place(bytes, random)
    const start = bytes.lastIndexOf(0x0a, at) + 1
    const next = bytes.indexOf(0x0a, at)
    const end = next < 0 ? bytes.length : next + 1
    const twice = random.below(2) === 0
    return joined(bytes.subarray(0, twice ? end : start), bytes.subarray(twice ? start : end))
  },
]
