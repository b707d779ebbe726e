import { expect, test } from 'vitest'
import { RandomStream } from '../../src/host/tasks/random.js'
import { BoxFilter } from '../../src/host/video/kalman.js'

type Matrix = number[][]

const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)))
const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]))
const plus = (a: Matrix, b: Matrix, factor = 1): Matrix =>
  a.map((row, i) => row.map((value, j) => value + factor * b[i][j]))

/**
 * One coordinate by the book: x = F x, P = F P F' + Q; K = P H' / (H P H' + R), x += K (z - H x), P
 * = (I - K H) P.
 */
class Reference {
  x: Matrix
  p: Matrix
  constructor(z: number, position: number, velocity: number) {
    this.x = [[z], [0]]
    this.p = [
      [position ** 2, 0],
      [0, velocity ** 2],
    ]
  }
  predict(t: number, walk: number, acceleration: number): void {
    const f = [
      [1, t],
      [0, 1],
    ]
    const q = [
      [walk * t + (acceleration * t ** 3) / 3, (acceleration * t ** 2) / 2],
      [(acceleration * t ** 2) / 2, acceleration * t],
    ]
    this.x = times(f, this.x)
    this.p = plus(times(times(f, this.p), transposed(f)), q)
  }
  update(z: number, variance: number): void {
    const h = [[1, 0]]
    const s = times(times(h, this.p), transposed(h))[0][0] + variance
    const k = times(this.p, transposed(h)).map(([value]) => [value / s])
    this.x = plus(this.x, k, z - this.x[0][0])
    this.p = plus(this.p, times(times(k, h), this.p), -1)
  }
}

const corners = (x: number, y: number, a: number, h: number) => ({
  xmin: x - (a * h) / 2,
  ymin: y - h / 2,
  xmax: x + (a * h) / 2,
  ymax: y + h / 2,
})

test('four filters by matrices give the same boxes', () => {
  const random = new RandomStream(5)
  const first = [200, 150, 0.4, 100]
  const filter = new BoxFilter(corners(200, 150, 0.4, 100))
  const references = first.map((z, i) =>
    i === 2 ? new Reference(z, 0.01, 3e-4) : new Reference(z, 0.1 * first[3], 2 * first[3]),
  )
  for (let n = 0; n < 200; n++) {
    const t = random.fraction()
    const h = references[3].x[0][0]
    for (const [i, one] of references.entries())
      one.predict(t, i === 2 ? 0.003 : 0.01 * h * h, i === 2 ? 3e-6 : 0.1 * h * h)
    filter.predict(t)
    const z = first.map((value) => value * (0.95 + 0.1 * random.fraction()))
    const height = references[3].x[0][0]
    for (const [i, one] of references.entries()) one.update(z[i], i === 2 ? 0.01 : 0.005 * height * height)
    filter.update(corners(z[0], z[1], z[2], z[3]))
    const [x, y, a, now] = references.map((one) => one.x[0][0])
    const [expected, box] = [corners(x, y, a, now), filter.box()]
    for (const side of ['xmin', 'ymin', 'xmax', 'ymax'] as const)
      expect(Math.abs(box[side] - expected[side])).toBeLessThan(1e-8)
  }
})

test('one long step is as good as many short ones: time counts, not frames', () => {
  const [once, often] = [new BoxFilter(corners(100, 100, 0.5, 80)), new BoxFilter(corners(100, 100, 0.5, 80))]
  const next = corners(120, 100, 0.5, 80)
  for (const filter of [once, often]) {
    filter.predict(0.2)
    filter.update(next)
  }
  // The height's estimate scales the noise and does not change here.
  once.predict(1)
  for (let n = 0; n < 10; n++) often.predict(0.1)
  for (const filter of [once, often]) filter.update(corners(190, 100, 0.5, 80))
  expect(once.box().xmin).toBeCloseTo(often.box().xmin, 9)
  expect(once.velocityX).toBeCloseTo(often.velocityX, 9)
})

test('a shrinking box never turns inside out', () => {
  const filter = new BoxFilter(corners(100, 100, 0.5, 80))
  for (const h of [60, 40, 20]) {
    filter.predict(0.1)
    filter.update(corners(100, 100, 0.5, h))
  }
  filter.predict(60)
  const { xmin, ymin, xmax, ymax } = filter.box()
  expect(xmax).toBeGreaterThan(xmin)
  expect(ymax).toBeGreaterThan(ymin)
})
