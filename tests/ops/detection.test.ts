import { describe, expect, test } from 'vitest'
import { fitImage } from '../../src/host/image/fit.js'
import { listBytes } from '../../src/host/program/candidates.js'
import { readList, suppress } from '../helpers/candidates.js'
import { builds, programStart } from '../helpers/engine.js'
import { Arena, type Random } from '../helpers/kernel.js'
import {
  type Candidate,
  decodeHead,
  exp,
  log,
  rank,
  type SuppressSettings,
  suppressed,
} from '../helpers/reference-detection.js'

const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 88, -88, 710, 1e30]

/**
 * One head in a memory full of chance, all fields chosen by chance; what each build finds, and what
 * is right.
 */
function decodeCase(seed: number) {
  const arena = new Arena(seed, 1 << 19)
  const { random } = arena
  const [rows, columns] = [random.integer(1, 9), random.integer(1, 9)]
  const anchors = Array.from(
    { length: random.integer(1, 3) },
    () => [random.integer(1, 90), random.integer(1, 90)] as const,
  )
  const classes = random.integer(1, 7)
  const newCoords = seed % 3 === 0
  const multiLabel = seed % 2 === 0
  const threshold = random.pick([0, 1e-3, 0.25, 0.5, 0.9, 1])
  const scaleXY = random.pick([1, 1.05, 1.2, 2])
  const mode = random.pick(['letterbox', 'stretch'] as const)
  const geometry = fitImage(
    mode,
    { width: random.integer(1, 900), height: random.integer(1, 900) },
    { width: 32 * columns, height: 32 * rows },
  )
  const view = arena.view(rows * columns, anchors.length * (5 + classes), 4)
  const value = (r: Random) =>
    r.integer(0, 60) === 0 ? r.pick(special) : newCoords ? Math.abs(r.float()) : r.float() * 6
  const data = Float32Array.from(arena.fill(view, rows * columns, value))
  const classMask = seed % 5 === 0 ? Uint8Array.from({ length: classes }, () => random.bits() & 1) : undefined
  const mask = arena.allocate(classes)
  if (classMask) arena.bytes.set(classMask, mask - programStart)
  const parameters = arena.allocate((2 + 2 * anchors.length) * 8)
  new Float64Array(arena.bytes.buffer, parameters - programStart).set([threshold, scaleXY, ...anchors.flat()])
  const capacity = seed % 4 === 0 ? random.integer(1, 20) : rows * columns * anchors.length * classes
  const candidates = arena.scratch(listBytes(capacity))
  new Int32Array(arena.bytes.buffer, candidates - programStart)[0] = 0
  const origin = random.integer(0, 1000)
  const fields = {
    ...geometry,
    input: view.address,
    inputStride: view.stride,
    rows,
    columns,
    anchors: anchors.length,
    classes,
    newCoords: Number(newCoords),
    multiLabel: Number(multiLabel),
    classMask: classMask ? mask : 0,
    parameters,
    candidates,
    capacity,
    origin,
  }
  const head = { anchors, scaleXY, newCoords }
  const settings = { threshold, multiLabel, classMask }
  const expected = decodeHead(
    { data, width: columns, height: rows },
    head,
    classes,
    geometry,
    settings,
    origin,
  )
  return { arena, fields, candidates, capacity, expected }
}

describe('decodeYolo', () => {
  test('gives the reference to the bit, in heads full of NaN and infinity too, and writes its list only', () => {
    let [found, full] = [0, 0]
    for (let seed = 0; seed < 300; seed++) {
      const { arena, fields, candidates, capacity, expected } = decodeCase(seed)
      const best = [...expected].sort(rank).slice(0, capacity)
      for (const build of builds) {
        let list: Candidate[] = []
        const after = arena.run(build, 'decodeYolo', fields, undefined, (bytes) => {
          const copy = bytes.slice()
          const [count] = new Int32Array(copy.buffer, candidates - programStart)
          list = readList(copy.buffer, candidates - programStart, count)
        })
        expect(Buffer.compare(after, arena.bytes), `seed ${seed}, ${build}`).toBe(0)
        // In the order of the boxes, until a full list has made it a heap.
        if (expected.length < capacity) expect(list, `seed ${seed}, ${build}`).toEqual(expected)
        else expect([...list].sort(rank), `seed ${seed}, ${build}`).toEqual(best)
      }
      found += expected.length
      full += Number(expected.length > capacity)
    }
    expect(found).toBeGreaterThan(5000)
    expect(full).toBeGreaterThan(20)
  })
})

describe('suppress', () => {
  test('gives the reference to the bit', () => {
    const { random } = new Arena(9, 128)
    let dropped = 0
    for (let seed = 0; seed < 300; seed++) {
      const length = random.integer(0, 60)
      const candidates = Array.from({ length }, (_, n): Candidate => {
        const [x, y] = [random.integer(-40, 120), random.integer(-40, 120)]
        const [w, h] = [random.integer(0, 40), random.integer(0, 40) + random.float() / 2]
        // Few scores, so that ties are many.
        const score = random.integer(0, 9) / 10
        return { box: [x, y, x + w, y + h], score, classId: random.integer(0, 2), origin: n >> 1 }
      })
      // One box has each class once.
      for (const [n, c] of candidates.entries())
        if (n % 2 === 1)
          candidates[n] = { ...c, box: candidates[n - 1].box, classId: (candidates[n - 1].classId + 1) % 3 }
      const settings: SuppressSettings = {
        kind: random.pick(['greedy', 'diou']),
        iou: random.pick([0, 0.1, 0.45, 1]),
        beta: random.pick([0, 0.6, 1]),
        agnostic: random.bits() % 2 === 0,
        bestOnly: random.bits() % 2 === 0,
        clip: random.bits() % 2 === 0,
        maxResults: random.pick([1, 5, Number.POSITIVE_INFINITY]),
        width: 100,
        height: 80,
      }
      const expected = suppressed(candidates, settings)
      for (const build of builds)
        expect(suppress(build, candidates, settings), `seed ${seed}`).toEqual(expected)
      dropped += length - expected.length
    }
    expect(dropped).toBeGreaterThan(3000)
  })
})

describe('the documented exp and log', () => {
  test.each([-745, -700, -30.5, -1, -1e-9, 0, 1e-9, 0.3, 1, 2.5, 30.5, 700, 709.7])('exp(%d)', (x) => {
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(x < -708 ? 0.5 : 2 * Number.EPSILON)
  })

  test('exp at its ends', () => {
    expect([-1e9, -746, 710, 1e9, Number.NEGATIVE_INFINITY].map(exp)).toEqual([
      0,
      0,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      0,
    ])
  })

  test.each([2 ** -1022, 1e-9, 0.1, 0.5, Math.SQRT1_2, 0.999999, 1, 1.000001, Math.SQRT2, 1.5, 2, 1e300])(
    'log(%d)',
    (x) => {
      const error = Math.abs(log(x) - Math.log(x))
      expect(error).toBeLessThanOrEqual(1e-15 * Math.max(1, Math.abs(Math.log(x))))
    },
  )

  test('many', () => {
    const { random } = new Arena(1, 128)
    for (let n = 0; n < 20_000; n++) {
      const x = random.float() * 700
      expect(Math.abs(exp(x) / Math.exp(x) - 1) <= 2 * Number.EPSILON || `exp(${x})`).toBe(true)
    }
  })
})
