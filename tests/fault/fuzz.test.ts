import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageFolder } from '../../src/host/platform/node/package.js'
import { caseBytes, tryCase } from '../../tools/fuzz/case.js'
import { fuzz } from '../../tools/fuzz/fuzz.js'
import { corpusOf } from '../../tools/fuzz/seeds.js'
import { targets } from '../../tools/fuzz/targets.js'

/** As many as take about two seconds; `npm run fuzz` goes on for as long as it is told. */
const cases: Readonly<Record<string, number>> = {
  run: 60,
  pictures: 1000,
  model: 400,
  checkpoint: 400,
  torch: 400,
  onnx: 400,
}
const usual = 4000

describe.each(Object.entries(targets))('%s', (name, target) => {
  test('takes its seeds', async () => {
    for (const seed of target.seeds()) expect(await tryCase(target, seed)).toBe(true)
  })

  test.skipIf(target.native)('takes or refuses each file of the corpus with a code', async () => {
    for (const bytes of corpusOf(name)) expect(typeof (await tryCase(target, bytes))).toBe('boolean')
  })

  test('refuses damaged files with a code, and writes to none', async () => {
    const count = cases[name] ?? usual
    if (target.native) {
      // In a process of its own: what native code does to it would end the tests as well.
      const result = await fuzz({ target: name, seed: 1, seconds: 100, cases: count })
      expect(result).toMatchObject({ cases: count, faults: [] })
      expect(result.accepted).toBeGreaterThan(0)
      return
    }
    const seeds = target.seeds()
    const faults: unknown[] = []
    for (let index = 0; index < count; index++) {
      const outcome = await tryCase(target, caseBytes(seeds, 1, index))
      if (typeof outcome !== 'boolean') faults.push({ index, ...outcome })
    }
    expect(faults).toEqual([])
  })
})

test('the corpus is small, and each of its folders is a target', () => {
  const folder = join(packageFolder, 'tests', 'fault', 'corpus')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  const bytes = files.map((file) => statSync(join(file.parentPath, file.name)).size)
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000)
  const folders = readdirSync(folder).filter((name) => name !== 'README.md')
  expect(Object.keys(targets)).toEqual(expect.arrayContaining(folders))
  expect(folders.length).toBeGreaterThan(10)
})

describe('the harness tells', () => {
  const target = (read: (bytes: Uint8Array) => unknown) => ({ about: '', seeds: () => [], read })
  const bytes = Uint8Array.of(1, 2, 3)

  test('errors without a code', async () => {
    const broken = target(() => (undefined as unknown as { a: number }).a)
    expect(await tryCase(broken, bytes)).toMatchObject({ kind: 'uncoded error' })
  })

  test('writes to the input and beside it', async () => {
    const inside = target((given) => given.fill(9))
    const beside = target((given) => {
      new Uint8Array(given.buffer)[given.byteOffset + given.length] = 9
    })
    for (const broken of [inside, beside])
      expect(await tryCase(broken, bytes)).toMatchObject({ kind: 'written canary' })
  })

  test('the same case for the same numbers', () => {
    const seeds = targets.cfg.seeds()
    expect(caseBytes(seeds, 1, 7)).toEqual(caseBytes(seeds, 1, 7))
    expect(caseBytes(seeds, 1, 7)).not.toEqual(caseBytes(seeds, 2, 7))
  })
})
