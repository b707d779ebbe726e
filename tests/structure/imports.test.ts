import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { arrowsOf, circlesOf, sourcesOf } from './circles.js'
import { foreignNames } from './globals.js'
import { importsOf, isCore, violations } from './imports.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

function sources(): string[] {
  return ['assembly', 'cli', 'src', 'tools', 'bench']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        `${folder}/${name}`.replaceAll('\\', '/'),
      ),
    )
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.includes('node_modules'))
}

test('imports go in one direction only', () => {
  const found = sources().flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8')))
  expect(found).toEqual([])
})

test('no files import each other in a circle', () => {
  expect(circlesOf(arrowsOf(root, sources()))).toEqual([])
})

test('the core uses the language alone', () => {
  const found = sources()
    .filter(isCore)
    .flatMap((path) => foreignNames(readFileSync(join(root, path), 'utf8')).map((name) => `${path}: ${name}`))
  expect(found).toEqual([])
})

describe('the checker', () => {
  test.each([
    ['src/host/format/read.ts', "import { infer } from '../graph/infer.js'"],
    ['src/host/errors.ts', "import type { Model } from './graph/file.js'"],
    ['src/host/engine/session.ts', "export { Detector } from '../tasks/detector.js'"],
    ['src/host/plan/arena.ts', "const cli = await import('../../../cli/main.js')"],
    ['src/host/tasks/detector.ts', "import { quantize } from '../../../tools/quantize/index.js'"],
    ['src/host/tasks/detector.ts', "import { now } from '../../../bench/clock.js'"],
    ['src/host/tasks/detector.ts', "import '../platform/node.js'"],
    ['src/host/index.ts', "import { readFile } from './platform/node.js'"],
    ['src/host/image/decode.ts', "import { readFile } from 'node:fs/promises'"],
    ['src/host/platform/browser.ts', "import {\n  readFile,\n} from 'fs/promises'"],
    ['src/host/plan/arena.ts', "import { letterbox } from '../image/letterbox.js'"],
    ['src/host/image/draw.ts', "import type { Session } from '../engine/session.js'"],
    ['src/host/util/misc.ts', ''],
    ['tools/quantize/index.ts', "import { main } from '../../cli/main.js'"],
    ['tools/quantize/index.ts', "import { table } from '../../bench/table.js'"],
    ['bench/run.ts', "import { print } from '../cli/output.js'"],
    ['assembly/program.ts', "import { limit } from '../src/host/limits'"],
    ['assembly/program.ts', "import { x } from 'somewhere'"],
  ])('%s may not: %s', (path, source) => {
    expect(violations(path, source)).toHaveLength(1)
  })

  test.each([
    ['src/host/format/read.ts', "import { fail } from '../errors.js'\nimport { caps } from '../limits.js'"],
    ['src/host/limits.ts', "import { fail } from './errors.js'"],
    ['src/host/engine/session.ts', "import { plan } from '../plan/plan.js'\nimport { x } from './x.js'"],
    ['src/host/tasks/detector.ts', "import { draw } from '../image/draw.js'"],
    ['src/host/engine/session.ts', "import type { Pixels } from '../image/pixels.js'"],
    ['src/host/image/pixels.ts', "import { OcellusError } from '../errors.js'"],
    ['src/host/index.ts', "export { Detector } from './tasks/detector.js'"],
    ['src/host/platform/node.ts', "import { readFile } from 'node:fs/promises'\nexport * from '../index.js'"],
    ['src/host/engine/load.ts', "import { instantiate } from '@assemblyscript/loader'"],
    ['tools/quantize/index.ts', "import { read } from '../../src/host/format/read.js'\nimport 'node:fs'"],
    ['cli/main.ts', "import { quantize } from '../tools/quantize/index.js'"],
    ['cli/bench.ts', "import { run } from '../bench/run.js'"],
    ['assembly/program.ts', "import { dot } from './isa'"],
  ])('%s may: %s', (path, source) => {
    expect(violations(path, source)).toEqual([])
  })

  test('sees every form of import', () => {
    const source = [
      "import a from './a.js'",
      "import type { B } from './b.js'",
      "import {\n  c,\n  d,\n} from './c.js'",
      "export * from './e.js'",
      "import './f.js'",
      "const g = await import('./g.js')",
    ].join('\n')
    expect(importsOf(source)).toEqual(
      expect.arrayContaining(['./a.js', './b.js', './c.js', './e.js', './f.js', './g.js']),
    )
  })

  test.each([
    ['Buffer', 'const bytes = Buffer.from([1])'],
    ['process', 'export const here = process.env.HOME'],
    ['document', "function make() {\n  return document.createElement('canvas')\n}"],
    ['window', 'if (typeof window === "object") throw new Error()'],
    ['navigator', 'const cores = { n: navigator.hardwareConcurrency }'],
    ['performance', 'const now = () => performance.now()'],
    ['setTimeout', 'await new Promise((done) => setTimeout(done, 1))'],
    ['console', 'console.warn(1)'],
    ['TextDecoder', 'const text = new TextDecoder().decode(bytes)\nvar bytes'],
    ['BigInt', 'const size = BigInt(1)'],
    ['Worker', 'class A extends Worker {}'],
    ['WebAssembly', 'function load(module: WebAssembly.Module) {}'],
    ['FinalizationRegistry', 'const gone = new FinalizationRegistry(() => {})'],
    ['SharedArrayBuffer', 'const shared = x instanceof SharedArrayBuffer\nvar x'],
    ['Atomics', 'Atomics.wait(w, 0, 0)\nvar w'],
    ['crossOriginIsolated', 'if (crossOriginIsolated) {}'],
    ['globalThis', 'globalThis.process.exit()'],
    ['AbortSignal', 'interface Options { readonly signal?: AbortSignal }'],
    ['URL', 'type Source = string | URL'],
    ['fetch', 'export const get = async (at: string) => await fetch(at)'],
    ['structuredClone', 'const copy = { ...structuredClone({}) }'],
    ['Response', 'class A {\n  body: Response\n}'],
  ])('sees that %s is not of the language', (name, source) => {
    expect(foreignNames(source)).toEqual([name])
  })

  test('takes no part, label or local name for a global', () => {
    const source = `
      import { fetch as get, type Worker } from './x.js'
      import * as window from './y.js'
      export { process } from './z.js'
      const { performance: now, ...rest } = thing()
      function thing(this: Worker): { readonly performance: number; console(): void } { return get(now, rest) }
      document: for (const Buffer of window.document.process) { if (Buffer) continue document }
      export const made = { setTimeout: 1, fetch() {}, get navigator() { return made.setTimeout } }
      class A<URL> { #a = 1; readonly location: URL; console(x: [process: number]) { return x } }
      // Buffer and process in words, and 'console' in text.
    `
    expect(foreignNames(source)).toEqual([])
  })

  test('knows which imports are of types', () => {
    const source = [
      "import type { A } from './a.js'",
      "import { type B, c } from './b.js'",
      "export type { D } from './d.js'",
      "export * from './e.js'",
      "import './f.js'",
      "const g = async () => import('./g.js')",
    ].join('\n')
    expect(sourcesOf(source, 'values')).toEqual(['./b.js', './e.js', './f.js', './g.js'])
    expect(sourcesOf(source, 'all')).toHaveLength(6)
  })

  test('sees circles, each as one', () => {
    const arrows = { a: ['b', 'e'], b: ['c'], c: ['a', 'd'], d: [], e: ['f'], f: ['e'], g: ['g'], h: ['a'] }
    const found = circlesOf(new Map(Object.entries(arrows)))
    expect(found.map((circle) => circle.sort().join(' ')).sort()).toEqual(['a b c', 'e f', 'g'])
  })
})
