import { OcellusError } from '../errors.js'

/**
 * Numbers that depend on a seed alone, the same on every platform: xoshiro128** 1.1 (Blackman and
 * Vigna, 2018), its state the first four values of murmur3's finaliser on seed + n * 0x9e3779b9, n
 * = 1, 2, 3, 4, in 32-bit integers.
 */
export class RandomStream {
  readonly #state: Uint32Array

  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new OcellusError('E_OPTION', `the seed is ${seed}; give a whole number from 0 to 4294967295`)
    this.#state = Uint32Array.from({ length: 4 }, (_, n) => mix(seed + Math.imul(n + 1, 0x9e3779b9)))
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.#state
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotate(s[3], 11)
    return result
  }

  /** A number from 0 up to, but not including, 1: 24 bits, so that float32 holds it exactly. */
  fraction(): number {
    return (this.bits() >>> 8) / 2 ** 24
  }

  /**
   * A whole number from 0 to count - 1, each as likely: bits beyond the last whole multiple of
   * count are drawn again.
   */
  below(count: number): number {
    const end = 2 ** 32 - (2 ** 32 % count)
    let bits = this.bits()
    while (bits >= end) bits = this.bits()
    return bits % count
  }

  /** 0 to count - 1 in random order (Fisher and Yates, from the front). */
  shuffle(count: number): number[] {
    const order = Array.from({ length: count }, (_, n) => n)
    for (let n = 0; n < count - 1; n++) {
      const other = n + this.below(count - n)
      const kept = order[n]
      order[n] = order[other]
      order[other] = kept
    }
    return order
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

/** murmur3's finaliser. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
