/** The same numbers on every machine: a linear congruential generator, 0 <= x < 1. */
export function randomizer(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x2d, 0x30, 0x39, 0x5b, 0x5c, 0x7b, 0x7d]

/**
 * Damaged copies of a file: bits flipped, bytes set, stretches cut out, doubled, swapped or made
 * alike, digits changed, the end cut off.
 */
export function* mutations(file: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const random = randomizer(seed)
  const below = (n: number): number => Math.floor(random() * n)
  for (let i = 0; i < count; i++) {
    let bytes = Uint8Array.from(file)
    for (let times = 1 + below(3); times > 0; times--) bytes = mutate(bytes, below)
    yield bytes
  }
}

function mutate(bytes: Uint8Array, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  if (copy.length === 0) return copy
  const at = below(copy.length)
  const length = 1 + below(Math.min(24, copy.length - at))
  switch (below(8)) {
    case 0:
      copy[at] ^= 1 << below(8)
      return copy
    case 1:
      copy[at] = below(256)
      return copy
    case 2:
      copy[at] = interesting[below(interesting.length)]
      return copy
    case 3: {
      const digits = [...copy.keys()].filter((i) => copy[i] >= 0x30 && copy[i] <= 0x39)
      if (digits.length > 0) copy[digits[below(digits.length)]] = 0x30 + below(10)
      return copy
    }
    case 4:
      return joined(copy.subarray(0, at), copy.subarray(at + length))
    case 5:
      return joined(copy.subarray(0, at + length), copy.subarray(at))
    case 6: {
      const to = below(copy.length - length + 1)
      copy.copyWithin(to, at, at + length)
      return copy
    }
    default:
      return copy.slice(0, at)
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
