import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { checkMaxWork, workOf } from '../../src/host/graph/work.js'
import { limits } from '../../src/host/limits.js'
import { Detector, readModel, Session } from '../../src/host/platform/node.js'
import { codeOf, codeOfAsync } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { Builder } from '../helpers/random-model.js'

const total = (model: Model): number =>
  verifyModel(model, Number.POSITIVE_INFINITY).views.reduce((sum, one) => sum + workOf(one), 0)

const pooled = (op: 'maxPool' | 'averagePool', side: number, kernel: number): Model => {
  const b = new Builder(new Random(1), side, side)
  return b.model([b.pool(op, b.tensors[0], kernel, 1).name])
}

describe('the work of a graph', () => {
  it('of a dense convolution is its multiply-accumulates, and a little for its output', () => {
    const b = new Builder(new Random(1), 40, 40)
    const model = b.model([b.conv(b.tensors[0], 32, 1, 3, 1).name])
    const { view, operator } = verifyModel(model).views[0]
    const macs = operator.macs(view)
    expect(total(model)).toBe(macs + 40 * 40 * 32 * 16)
  })

  it('of a pool grows with its window, and an average is dearer than a maximum', () => {
    expect(total(pooled('maxPool', 64, 9)) / total(pooled('maxPool', 64, 3))).toBeGreaterThan(2)
    expect(total(pooled('averagePool', 64, 9))).toBeGreaterThan(3 * total(pooled('maxPool', 64, 9)))
  })

  it('is far below the cap for every model of the package', () => {
    const folder = new URL('../../models/quantized/', import.meta.url)
    const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors'))
    expect(files.length).toBeGreaterThan(3)
    for (const file of files)
      expect(total(readModel(readFileSync(new URL(file, folder)), file))).toBeLessThan(limits.work / 30)
  })
})

describe('the cap', () => {
  // A model of about a thousand bytes that would run for 17 seconds.
  const bomb = pooled('averagePool', 1024, 127)

  it('refuses pools that take long, and says what to do', async () => {
    expect(limits.work).toBe(2 ** 37)
    const advice = /units of work; the most is 1\.4e\+11: .* maxWork \(--max-work\)/
    expect(await codeOfAsync(() => Session.create(bomb), advice)).toBe('E_MODEL_LIMIT')
  })

  it('is what maxWork says', async () => {
    const small = pooled('maxPool', 16, 3)
    const work = total(small)
    expect(await codeOfAsync(() => Session.create(small, { maxWork: work - 1 }))).toBe('E_MODEL_LIMIT')
    const session = await Session.create(small, { maxWork: work })
    session.close()
    expect(codeOf(() => verifyModel(bomb, 2 ** 60))).toBe('none')
    expect(await codeOfAsync(() => Detector.create({ maxWork: 1 }))).toBe('E_MODEL_LIMIT')
  })

  it('is a number of at least 1', () => {
    for (const bad of [0, -1, Number.NaN]) expect(codeOf(() => checkMaxWork(bad), /maxWork/)).toBe('E_OPTION')
    expect(checkMaxWork(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })
})
