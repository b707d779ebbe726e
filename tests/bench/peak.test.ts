import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fasterOf, measurePeaks, peakFor } from '../../bench/peak.js'

type Loop = (products: number, seed: number) => number
const bytes = readFileSync(new URL('../../build/ocellus.peak.wasm', import.meta.url))
const loops = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, Loop>

/** A vector of one byte throughout, as lanes of int16 or of float32. */
const int16 = (byte: number): number => (((byte << 8) | byte) << 16) >> 16
const float = (byte: number): number => new Float32Array(Uint8Array.of(byte, byte, byte, byte).buffer)[0]
const floatOf = (bits: number): number => new Float32Array(Int32Array.of(bits).buffer)[0]
const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]

/** The first lane of sum + x * y, by the bits of the sum. */
const products: Readonly<Record<string, (sum: number, x: number, y: number) => number>> = {
  i16_dot: (sum, x, y) => (sum + 2 * int16(x) * int16(y)) | 0,
  i16_extend: (sum, x, y) => (sum + int16(x) * int16(y)) | 0,
  f32: (sum, x, y) => bitsOf(floatOf(sum) + Math.fround(float(x) * float(y))),
}

/** How many factors pass from variable to variable, and how many stay. */
const forms: Readonly<Record<string, readonly [moving: number, constant: number]>> = {
  five: [5, 1],
  six: [3, 2],
  eight: [4, 2],
}

function expected(name: string, count: number, seed: number): number {
  const [kind, form] = [name.replace(/_[a-z]+$/, ''), name.replace(/^.*_/, '')]
  const [moving, constant] = forms[form]
  const x = Array.from({ length: moving }, (_, i) => seed + 1 + i)
  const y = Array.from({ length: constant }, (_, i) => (seed - i) & 63)
  const sums = new Array<number>(moving * constant).fill(seed)
  for (let done = 0; done < count; done += sums.length) {
    sums.forEach((sum, i) => {
      sums[i] = products[kind](sum, x[Math.floor(i / constant)], y[i % constant])
    })
    x.push(x.shift()!)
  }
  return sums.reduce((a, b) => a ^ b, 0)
}

describe('the loops of the roofline', () => {
  it.each(Object.keys(loops).filter((name) => name !== 'memory'))(
    '%s does as many products as it says',
    (name) => {
      for (const count of [120, 240, 120 * 7]) expect(loops[name](count, 63)).toBe(expected(name, count, 63))
    },
  )
})

describe('measurePeaks', () => {
  it('measures what this runtime can run', async () => {
    const peaks = await measurePeaks(2)
    const kinds = peaks.map(({ kind }) => kind)
    expect(kinds.slice(0, 3)).toEqual(['i16_dot', 'i16_extend', 'f32'])
    const relaxed = WebAssembly.validate(
      readFileSync(new URL('../../build/ocellus.peak-relaxed.wasm', import.meta.url)),
    )
    expect(kinds).toHaveLength(relaxed ? 6 : 3)
    for (const { gmacs } of peaks) expect(gmacs).toBeGreaterThan(0)
  })

  it('holds each type to its own', () => {
    const peaks = [
      { kind: 'i16_dot', gmacs: 50 },
      { kind: 'f32', gmacs: 20 },
    ] as const
    expect(peakFor(peaks, 'int8')?.gmacs).toBe(50)
    expect(peakFor(peaks, 'float32')?.gmacs).toBe(20)
    expect(fasterOf(peaks, [{ kind: 'f32', gmacs: 25 }])).toEqual([peaks[0], { kind: 'f32', gmacs: 25 }])
  })
})
