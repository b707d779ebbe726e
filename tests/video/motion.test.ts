import { describe, expect, test } from 'vitest'
import { MotionGate, type MotionOptions, type Pixels } from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { codeOf } from '../helpers/code-of.js'

const [width, height] = [160, 90]

/** A grey picture with noise, all of it brighter by `light`, and a square of brightness 200. */
function picture(
  random: RandomStream,
  light = 0,
  square?: readonly [x: number, y: number, side: number],
): Pixels {
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [left, top, side] = square ?? [0, 0, 0]
      const inside = x >= left && x < left + side && y >= top && y < top + side
      const value = (inside ? 200 : 60 + ((x + y) % 40)) + light + random.below(13) - 6
      data.fill(value, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return { width, height, data }
}

/** Frames at five a second; when each was let through. */
function run(
  at: (seconds: number, random: RandomStream) => Pixels,
  seconds: number,
  options?: MotionOptions,
): boolean[] {
  const random = new RandomStream(1)
  const gate = new MotionGate(options)
  return Array.from({ length: seconds * 5 }, (_, n) => gate.update(at(n / 5, random), n * 200))
}

const times = (open: readonly boolean[]): number[] => open.flatMap((is, n) => (is ? [n / 5] : []))

test('open at first, then only at times while nothing moves, noise or not', () => {
  const open = times(run((_, random) => picture(random), 30))
  expect(open.filter((t) => t <= 3)).toHaveLength(16)
  expect(open.filter((t) => t > 3)).toEqual([13, 23])
})

test('open while a small thing moves, and for the hold time after it', () => {
  const open = run(
    (t, random) => picture(random, 0, t >= 8 && t < 12 ? [10 + 10 * (t - 8), 45, 6] : undefined),
    25,
  )
  const from = open.indexOf(true, 16)
  expect(from / 5).toBe(8)
  expect(open.slice(40, 75).every((is) => is)).toBe(true)
  expect(open.slice(100).filter((is) => is).length).toBeLessThan(5)
})

test('light that changes is no motion', () => {
  const lit = (t: number) => (t < 8 ? 0 : t < 16 ? 40 : 8 * Math.floor(t - 16))
  const open = times(run((t, random) => picture(random, lit(t)), 24))
  expect(open.filter((t) => t > 3)).toEqual([13, 23])
})

test('what stays becomes background', () => {
  const open = run((t, random) => picture(random, 0, t >= 8 ? [50, 30, 20] : undefined), 60)
  expect(open[40]).toBe(true)
  expect(open.slice(250).filter((is) => is).length).toBeLessThan(4)
})

test('hold keeps it open', () => {
  const random = new RandomStream(1)
  const gate = new MotionGate()
  for (let n = 0; n < 50; n++) gate.update(picture(random), n * 200)
  expect(gate.update(picture(random), 10_000)).toBe(false)
  gate.hold()
  expect(gate.update(picture(random), 10_200)).toBe(true)
  expect(gate.motion).toBe(0)
})

test('another size is another picture', () => {
  const gate = new MotionGate({ everyMs: 1e6 })
  const grey = (w: number, h: number) => ({ width: w, height: h, data: new Uint8Array(w * h * 4).fill(90) })
  for (let n = 0; n < 50; n++) gate.update(grey(320, 180), n * 200)
  expect(gate.update(grey(320, 180), 10_000)).toBe(false)
  expect(gate.update(grey(640, 360), 10_200)).toBe(true)
  // Fewer pixels than cells, or the other way up.
  for (const [w, h] of [
    [1, 1],
    [5, 2],
    [1, 4000],
    [4000, 1],
  ])
    expect(gate.update(grey(w, h), 11_000)).toBe(true)
})

describe('refused', () => {
  test.each([
    [{ columns: 0 }, /columns is 0/],
    [{ change: 2 }, /change is 2/],
    [{ area: -1 }, /area is -1/],
    [{ holdMs: Number.NaN }, /holdMs is NaN/],
  ])('%o', (options, message) => {
    expect(codeOf(() => new MotionGate(options), message)).toBe('E_OPTION')
  })

  test('pixels and times', () => {
    const gate = new MotionGate()
    expect(codeOf(() => gate.update({ width: 2, height: 2, data: new Uint8Array(3) }, 0))).toBe(
      'E_IMAGE_INPUT',
    )
    expect(codeOf(() => gate.update({ width: 1, height: 1, data: new Uint8Array(4) }, Number.NaN))).toBe(
      'E_OPTION',
    )
  })
})
