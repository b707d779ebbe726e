import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { choices, measureKernels } from '../../src/host/engine/measure.js'
import { platform } from '../../src/host/engine/platform.js'
import { isFine, measuring } from '../../src/host/engine/tuning.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { Detector, loadModel } from '../../src/host/platform/node.js'
import { loadEngine } from '../helpers/engine.js'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const small = path('models/quantized/detector-small.safetensors')

interface Told {
  readonly sessions: number
  readonly peakMiB: number
}

/**
 * Runs scripts/sessions.mjs in a process of its own; one that hangs is killed, and has told
 * nothing.
 */
async function follow(...words: string[]): Promise<Told> {
  const command = [path('scripts/sessions.mjs'), ...words]
  const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: 280_000 })
  return JSON.parse(stdout)
}

describe('sessions one after the other, with nothing else alive', () => {
  it('end: Node 20 waited for ever where all that was awaited was compiled in the background', async () => {
    expect(await follow('300', 'create', '1')).toMatchObject({ sessions: 300 })
  }, 300_000)

  it.each(['create', 'ready'])(
    'stay under 200 MiB with two threads each: %s',
    async (how) => {
      expect((await follow('200', how, '2')).peakMiB).toBeLessThan(200)
    },
    300_000,
  )
})

describe('a clock that stands still', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is too coarse, as one of large steps is', () => {
    let now = 0
    expect(isFine(() => 7)).toBe(false)
    expect(isFine(() => Math.floor(++now / 100))).toBe(false)
    expect(isFine(() => (now += 0.001))).toBe(true)
    expect(isFine(() => performance.now())).toBe(true)
  })

  it('measures nothing, and nothing is noted', async () => {
    const model = verifyModel(await loadModel())
    const kinds = choices(model)
    expect(kinds.size).toBeGreaterThan(3)
    const notes = { read: vi.fn(), write: vi.fn() }
    const wanted = { narrow: false, budgetMs: 10 }
    expect(await measuring(() => 7, notes).fastestKernels(kinds, wanted)).toEqual(new Map())
    expect(notes.write).not.toHaveBeenCalled()
  })

  it('that stops later ends the measuring as well', async () => {
    const kinds = choices(verifyModel(await loadModel()))
    const { exports, memory } = loadEngine('simd')
    expect(measureKernels({ exports, memory }, kinds, 10, () => 7).size).toBe(kinds.size)
  })

  it('does not keep a detector from being made, before the package is imported or after', async () => {
    const program = `
      performance.now = () => 5
      Date.now = () => 5
      const { Detector } = await import('ocellus')
      const detector = await Detector.create()
      const found = await detector.detect({ width: 40, height: 30, data: new Uint8Array(4800) })
      detector.close()
      console.log(found.length)`
    const words = ['--input-type=module', '--eval', program]
    const child = spawnSync(process.execPath, words, { cwd: path(''), encoding: 'utf8', timeout: 60_000 })
    expect([child.status, child.stderr, child.stdout]).toEqual([0, '', '0\n'])
    vi.useFakeTimers()
    const detector = await Detector.create({ model: small, threads: 2 })
    expect(await detector.session.ready()).toBe(2)
    await detector.detect({ width: 40, height: 30, data: new Uint8Array(4800) })
    detector.close()
    expect(platform().now?.()).not.toBe(performance.now())
  })
})
