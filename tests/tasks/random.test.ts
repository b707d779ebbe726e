import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../src/host/tasks/random.js'

/** xoshiro128** 1.1 and the seeding in BigInt, modulo 2^32 by hand. */
function* reference(seed: number): Generator<number> {
  const wrap = (x: bigint): bigint => BigInt.asUintN(32, x)
  const rotate = (x: bigint, by: bigint): bigint => wrap((x << by) | (x >> (32n - by)))
  const s = [1n, 2n, 3n, 4n].map((n) => {
    let x = wrap(BigInt(seed) + n * 0x9e3779b9n)
    x = wrap((x ^ (x >> 16n)) * 0x85ebca6bn)
    x = wrap((x ^ (x >> 13n)) * 0xc2b2ae35n)
    return x ^ (x >> 16n)
  })
  for (;;) {
    yield Number(wrap(rotate(wrap(s[1] * 5n), 7n) * 9n))
    const t = wrap(s[1] << 9n)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3], 11n)
  }
}

describe('RandomStream', () => {
  it.each([0, 1, 7, 123456789, 0xffffffff])('seed %i gives the numbers of the definition', (seed) => {
    const stream = new RandomStream(seed)
    const expected = reference(seed)
    for (let n = 0; n < 1000; n++) expect(stream.bits()).toBe(expected.next().value)
  })

  it('gives these numbers, for ever', () => {
    const stream = new RandomStream(1)
    expect([stream.bits(), stream.bits(), stream.below(10), stream.fraction()]).toMatchInlineSnapshot(`
      [
        2442144158,
        3238099751,
        1,
        0.4900204539299011,
      ]
    `)
    expect(new RandomStream(2).shuffle(8)).toMatchInlineSnapshot(`
      [
        1,
        0,
        7,
        3,
        2,
        4,
        6,
        5,
      ]
    `)
  })

  it('shuffles fairly', () => {
    const stream = new RandomStream(3)
    const counts = Array.from({ length: 25 }, () => 0)
    for (let n = 0; n < 5000; n++) {
      const order = stream.shuffle(5)
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4])
      order.forEach((value, at) => {
        counts[at * 5 + value]++
      })
    }
    // Each 1000 times on average, with a deviation of 28.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(140)
  })

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses the seed %d', (seed) => {
    expect(() => new RandomStream(seed)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})
