import { expect, it } from 'vitest'
import { expectedProbe } from '../../src/host/engine/probe.js'
import { builds, loadEngine, programStart } from '../helpers/engine.js'

/** The computation that assembly/probe.ts describes, written from its description alone. */
function answer(): number {
  const [pixels, channels, stride, outputs] = [11, 10, 12, 9]
  let seed = 1
  const next = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed
  }
  const extreme = (): number => {
    const top = next() >>> 24
    return top < 32 ? -128 : top > 223 ? 127 : top - 128
  }
  const input = Array.from({ length: pixels * stride }, extreme)
  const weights = Array.from({ length: outputs * channels }, () => Math.max(-127, extreme()))
  const bias = Array.from({ length: outputs }, () => (next() | 0) >> 16)
  let hash = 0x811c9dc5
  for (let p = 0; p < pixels; p++) {
    for (let o = 0; o < stride; o++) {
      let byte = 0
      if (o < outputs) {
        let acc = bias[o]
        for (let c = 0; c < channels; c++) acc += (input[p * stride + c] + 3) * weights[o * channels + c]
        let y = Math.fround(Math.fround(acc) * Math.fround((o + 1) / 1024))
        y = Math.max(y, Math.fround(y * Math.fround(0.1)))
        y = Math.min(127 - 5, Math.max(-128 - 5, y))
        byte = (Math.round(y) - (Math.abs(y % 1) === 0.5 && Math.round(y) % 2 !== 0 ? 1 : 0) + 5) & 255
      }
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
    }
  }
  for (let round = 0; round < 64; round++) {
    const pairs = Array.from({ length: 16 }, () => [extreme(), Math.min(next() >>> 24, 127)])
    const two = (n: number): number => pairs[n][0] * pairs[n][1] + pairs[n + 1][0] * pairs[n + 1][1]
    const bytes = new DataView(new ArrayBuffer(32))
    for (let n = 0; n < 16; n += 4) {
      bytes.setInt32(n, Math.imul(round, 0x01234567) + two(n) + two(n + 2), true)
      bytes.setInt16(16 + n, two(n), true)
      bytes.setInt16(18 + n, two(n + 2), true)
    }
    for (const byte of new Uint8Array(bytes.buffer)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  return hash
}

it("has the known answer of the engine's probe", () => {
  expect(answer()).toBe(expectedProbe)
})

it.each(builds)('gives it in the %s build', (build) => {
  const { exports } = loadEngine(build, 4096)
  expect(exports.probe(programStart) >>> 0).toBe(expectedProbe)
})
