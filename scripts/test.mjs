/**
 * node scripts/test.mjs [files...]
 *
 * Builds what is stale, runs the kernels' specs (as-pect, with and without SIMD) and then vitest,
 * and ends with one line: `N passed, N failed`. Files under assembly/ go to as-pect, others are
 * vitest's filters.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const require = createRequire(import.meta.url)
const files = process.argv.slice(2)
const specs = files.length > 0 ? files.filter((file) => file.startsWith('assembly/')) : allSpecs()
const filters = files.filter((file) => !file.startsWith('assembly/'))
const out = '.out'
rmSync(out, { recursive: true, force: true })
mkdirSync(out)

function allSpecs() {
  if (!existsSync('assembly/__tests__')) return []
  const names = readdirSync('assembly/__tests__', { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.spec.ts')).map((name) => `assembly/__tests__/${name}`)
}

function run(args, { env = {}, quiet = false } = {}) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    })
    let text = ''
    const keep = (chunk) => {
      text += chunk
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('close', (code) => done({ code, text }))
  })
}

/** A suite that stopped without saying which test failed still counts as one failure. */
const settle = ({ passed, failed }, code) => ({ passed, failed: code === 0 ? failed : Math.max(failed, 1) })

async function aspect(features, config) {
  const results = join(out, `aspect.${features}.jsonl`)
  // asc finds a transform of our own only when the path of the configuration is absolute.
  const args = ['node_modules/@as-pect/cli/lib/test.js', '--no-logo', '--as-config', resolve(config)]
  const env = { ASPECT_RESULTS: results, ASPECT_ENTRIES: specs.join(',') }
  const { code, text } = await run(args, { env, quiet: true })
  const report = text.slice(Math.max(0, text.indexOf('ASC Version')))
  console.log(`\nas-pect, ${features}\n${report.trimEnd()}`)
  const lines = existsSync(results) ? readFileSync(results, 'utf8').trim().split('\n') : []
  const counts = { passed: 0, failed: 0 }
  for (const line of lines) {
    const { passed, failed } = JSON.parse(line)
    counts.passed += passed
    counts.failed += failed
  }
  return settle(counts, code)
}

async function vitest() {
  const file = join(out, 'vitest.json')
  const cli = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { code } = await run([cli, 'run', ...reporters, ...filters])
  if (!existsSync(file)) return settle({ passed: 0, failed: 0 }, code)
  const report = JSON.parse(readFileSync(file, 'utf8'))
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults.length,
  )
  const counts = { passed: report.numPassedTests, failed: report.numFailedTests + broken.length }
  return settle(counts, code)
}

const suites = []
// Most tests run from the sources: what doesn't build is a failure, but hides nothing else.
const build = await run(['scripts/build.mjs', '--if-stale'])
if (build.code !== 0) suites.push({ passed: 0, failed: 1 })
if (specs.length > 0) {
  const kernels = [aspect('simd', 'as-pect.asconfig.json'), aspect('scalar', 'as-pect.scalar.asconfig.json')]
  suites.push(...(await Promise.all(kernels)))
}
if (files.length === 0 || filters.length > 0) suites.push(await vitest())

const passed = suites.reduce((sum, suite) => sum + suite.passed, 0)
const failed = suites.reduce((sum, suite) => sum + suite.failed, 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
