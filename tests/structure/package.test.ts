import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as api from '../../src/host/platform/node.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('what a program imports as ocellus is one file, and all that the sources export', () => {
  const script = `
import * as api from 'ocellus'
const detector = await api.Detector.create({ threads: 1 })
const [found] = await detector.detect('samples/cat.jpg')
const refused = await detector.detect('nothing.jpg').catch((error) => error)
detector.close()
console.log(JSON.stringify({
  names: Object.keys(api).sort(),
  url: import.meta.resolve('ocellus'),
  label: found.label,
  code: refused instanceof api.OcellusError ? refused.code : String(refused),
}))`
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(child.stderr).toBe('')
  const { names, url, label, code } = JSON.parse(child.stdout) as Record<string, string | string[]>
  expect(names).toEqual(Object.keys(api).sort())
  expect({ label, code }).toEqual({ label: 'cat', code: 'E_FILE_MISSING' })
  expect(url).toMatch(/\/dist\/ocellus\.js$/)
  const { files, sideEffects } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
    files: string[]
    sideEffects: string[]
  }
  expect(files).toContain('dist/ocellus.js')
  expect(sideEffects).toContain('./dist/ocellus.js')
})

describe('the package that is published', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-package-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let tarball: Uint8Array<ArrayBuffer>
  let files: string[]
  let manifest: Readonly<Record<string, unknown>>

  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'scripts/pack.mjs'), folder])
    const [name] = readdirSync(folder)
    tarball = new Uint8Array(readFileSync(join(folder, name)))
    const contents = createPackageFromTarballData(tarball)
    files = contents.listFiles().map((path) => path.replace('/node_modules/ocellus/', ''))
    manifest = JSON.parse(contents.readFile('/node_modules/ocellus/package.json'))
  }, 120_000)

  it('has no script and no dependency of a clone', () => {
    for (const key of ['scripts', 'private', 'devDependencies', 'overrides', 'allowScripts'])
      expect(manifest).not.toHaveProperty(key)
    expect(manifest).toHaveProperty('dependencies')
  })

  it('holds what it needs and nothing that is made from something else', () => {
    for (const file of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/cli/main.js',
      'build/ocellus.simd.wasm',
      'dist/firmware/kernels.json',
      'dist/firmware/c/ocellus_rt.h',
    ])
      expect(files).toContain(file)
    expect(files.filter((file) => /^(?:docs\/api|tests|assembly|src|node_modules)\//.test(file))).toEqual([])
  })

  it('is as publint wants it', async () => {
    const { messages, pkg } = await publint({ pack: { tarball: tarball.buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('has types that fit its code, wherever it is imported', async () => {
    const result = await checkPackage(createPackageFromTarballData(tarball))
    // It is all ES modules, which `require` reads since Node 20.19, and subpaths need `exports`.
    const problems = ('problems' in result ? result.problems : []).filter(
      (problem) =>
        !(problem.kind === 'CJSResolvesToESM') &&
        !(
          problem.kind === 'NoResolution' &&
          problem.resolutionKind === 'node10' &&
          problem.entrypoint !== '.'
        ),
    )
    expect(result.types).toEqual({ kind: 'included' })
    expect(problems).toEqual([])
  })

  const [major, minor] = process.versions.node.split('.').map(Number)
  it.runIf(major > 20 || minor >= 19)('can be required', () => {
    const script = "process.stdout.write(typeof require('ocellus').Detector.create)"
    const { stdout } = spawnSync(process.execPath, ['--eval', script], { cwd: root, encoding: 'utf8' })
    expect(stdout).toBe('function')
  })
})
