import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
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
