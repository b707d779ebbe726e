import { afterEach, describe, expect, test } from 'vitest'
import { type Platform, platform, usePlatform } from '../../src/host/engine/platform.js'
import { stopOf } from '../../src/host/engine/stop.js'
import { type Detection, Detector, decodeImage } from '../../src/host/platform/node.js'
import { codeOf, codeOfAsync } from '../helpers/code-of.js'
import { int8Model, randomInt8Input, tinyModel } from '../helpers/models.js'
import { differing, outputsOf, Session, threaded, variants } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

const node = platform()
afterEach(() => usePlatform(node))

const model = int8Model(tinyModel(everyLayer, 3), 4)
const input = randomInt8Input(model, 5)

/** A signal that is aborted once it was looked at so often. */
function abortedAfter(looks: number) {
  let left = looks
  return {
    get aborted() {
      return left-- <= 0
    },
  }
}

/** A clock that goes on by a millisecond each time that it is read. */
function ticking(parts: Partial<Platform> = {}): void {
  let time = 1000
  usePlatform({ ...node, now: () => time++, ...parts })
}

describe.each(variants)('a run of $build on $threads threads', ({ build, threads }) => {
  test('ends between any two layers, and the next one gives the same', async () => {
    const session = await threaded(model, build, threads)
    const once = (options = {}) => {
      session.setInput(input)
      session.run(undefined, options)
      return outputsOf(session)
    }
    const expected = once()
    const steps = session.plan.steps.length
    for (let looks = 1; looks < steps; looks += 3) {
      const call = () => once({ signal: abortedAfter(looks) })
      expect(codeOf(call)).toBe('E_ABORTED')
      expect(differing(once({ signal: { aborted: false }, timeout: 60_000 }), expected)).toBeUndefined()
    }
    expect(differing(once(), expected)).toBeUndefined()
    session.close()
  })
})

test('a deadline ends a run, by the clock that the platform gives', async () => {
  ticking()
  const session = await Session.create(model, { build: 'simd', threads: 1, tuneMs: 0 })
  const call = (options: object) => () => {
    session.setInput(input)
    session.run(undefined, options)
  }
  expect(codeOf(call({ timeout: 5 }), /deadline/)).toBe('E_DEADLINE')
  expect(codeOf(call({ deadline: 1000 }))).toBe('E_DEADLINE')
  expect(codeOf(call({ timeout: 5, deadline: 1e9 })), 'the earlier one counts').toBe('E_DEADLINE')
  expect(codeOf(call({ timeout: 1e6 }))).toBe('none')
  usePlatform({ ...node, now: undefined })
  expect(codeOf(call({ timeout: 5 }), /clock/)).toBe('E_OPTION')
  expect(codeOf(call({ signal: abortedAfter(3) })), 'a signal needs no clock').toBe('E_ABORTED')
  expect(codeOf(call({}))).toBe('none')
  session.close()
})

test.each([{ timeout: -1 }, { timeout: Number.NaN }, { deadline: Number.NaN }])(
  '%o is no time',
  (options) => {
    expect(codeOf(() => stopOf(options))).toBe('E_OPTION')
  },
)

test('what is no signal is refused, and nothing given costs nothing', () => {
  expect(codeOf(() => stopOf(JSON.parse('{"signal": {}}')))).toBe('E_OPTION')
  expect(stopOf({})).toBeUndefined()
  expect(stopOf(undefined)).toBeUndefined()
})

describe('a detector', async () => {
  const picture = await decodeImage(new URL('../../samples/cat.jpg', import.meta.url))
  const create = () => Detector.create({ threads: 1, build: 'simd', tuneMs: 0 })

  test('ends when its signal says so while it works, and is usable afterwards', async () => {
    ticking()
    const detector = await create()
    const expected = detector.detectPixels(picture)
    const controller = new AbortController()
    let turns = 0
    const pause = async () => {
      await node.pause?.()
      if (++turns === 3) controller.abort()
    }
    ticking({ pause })
    const { signal } = controller
    expect(await codeOfAsync(() => detector.detect(picture, { signal }))).toBe('E_ABORTED')
    expect(turns).toBe(3)
    expect(await detector.detect(picture, { signal: { aborted: false } })).toEqual(expected)
    expect(detector.detectPixels(picture)).toEqual(expected)
    expect(await codeOfAsync(() => detector.detect(picture, { timeout: 3 }))).toBe('E_DEADLINE')
    expect(codeOf(() => detector.detectPixels(picture, { timeout: 3 }))).toBe('E_DEADLINE')
    expect(await detector.detect(picture)).toEqual(expected)
    detector.close()
  })

  test('gives each call its own picture, whatever is called meanwhile', async () => {
    const detector = await create()
    const other = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 4).fill(90) }
    const [expected, nothing] = [detector.detectPixels(picture), detector.detectPixels(other)]
    let between = 0
    const seen: Detection[][] = []
    const pause = async () => {
      await node.pause?.()
      if (++between % 20 === 5 && between < 60) seen.push(detector.detectPixels(other))
    }
    ticking({ pause })
    const signal = { aborted: false }
    const pictures = [picture, other, picture, other, picture]
    const found = await Promise.all(pictures.map((one) => detector.detect(one, { signal })))
    expect(found).toEqual([expected, nothing, expected, nothing, expected])
    expect(seen.length).toBeGreaterThan(0)
    for (const one of seen) expect(one).toEqual(nothing)
    detector.close()
  })

  test('that is closed while it works says so', async () => {
    const detector = await create()
    const pause = async () => detector.close()
    ticking({ pause })
    expect(await codeOfAsync(() => detector.detect(picture, { signal: { aborted: false } }))).toBe(
      'E_SESSION_CLOSED',
    )
  })
})
