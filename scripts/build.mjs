/**
 * node scripts/build.mjs [wasm|firmware|ts] [--if-stale] [--if-possible]
 *
 * Compiles every target of asconfig.json and bench.asconfig.json, and the kernels of firmware to C
 * (firmware.asconfig.json), checks that the modules exist and
 * are valid (asc exits 0 without building when its entries are wrong), then compiles the
 * TypeScript. --if-stale skips what is newer than its sources; --if-possible does nothing where the
 * compilers are not installed (`npm ci --omit=dev`).
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const require = createRequire(import.meta.url)
const args = process.argv.slice(2)
const parts = args.filter((arg) => !arg.startsWith('--'))
const wants = (part) => parts.length === 0 || parts.includes(part)

function newest(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const fresh = (outputs, sources) =>
  args.includes('--if-stale') &&
  outputs.every(existsSync) &&
  Math.min(...outputs.map((path) => statSync(path).mtimeMs)) >= Math.max(...sources.map(newest))

function fail(message) {
  console.error(`build: ${message}`)
  process.exit(1)
}

function runScript(script, scriptArgs) {
  const { status } = spawnSync(process.execPath, [script, ...scriptArgs], { stdio: 'inherit' })
  return status === 0
}

function buildWasm() {
  mkdirSync('build', { recursive: true })
  compile('asconfig.json', () => [])
  // The probes of `ocellus bench`: a module each, beside the engine and not in it.
  compile('bench.asconfig.json', (target) => [`assembly/bench/${target}.ts`])
}

/** The kernels of firmware as C, which `ocellus pack` writes from. */
async function buildFirmware() {
  const config = 'firmware.asconfig.json'
  const kernels = 'dist/firmware/kernels.json'
  if (fresh([kernels], ['assembly', config, 'scripts/firmware', 'tools/firmware/c'])) return
  mkdirSync('build/firmware', { recursive: true })
  compile(config, () => [])
  const { options, targets } = JSON.parse(readFileSync(config, 'utf8'))
  const { writeKernels } = await import('./firmware/kernels.mjs')
  const count = await writeKernels(targets.firmware.outFile, options.memoryBase, 'dist/firmware')
  console.log(`${kernels}  ${count} functions`)
}

function compile(config, entries) {
  const { targets } = JSON.parse(readFileSync(config, 'utf8'))
  const asc = require.resolve('assemblyscript/bin/asc.js')
  for (const [target, { outFile, enable = [] }] of Object.entries(targets)) {
    if (fresh([outFile], ['assembly', config])) continue
    rmSync(outFile, { force: true })
    const words = [...entries(target), '--config', config, '--target', target]
    if (!runScript(asc, words)) fail(`asc failed on ${target}`)
    if (!existsSync(outFile)) fail(`asc wrote no ${outFile}`)
    const bytes = readFileSync(outFile)
    // This runtime need not know relaxed SIMD to build for those that do; asc has validated the
    // module already.
    if (!WebAssembly.validate(bytes) && !enable.includes('relaxed-simd'))
      fail(`${outFile} is not a valid module`)
    console.log(`${outFile}  ${bytes.length} bytes`)
  }
}

const bin = 'dist/cli/main.js'
const bundled = 'dist/ocellus.js'

/**
 * One file for `import 'ocellus'` in Node, which would take longer to find and open a hundred than
 * to run what is in them. Where the bundler does not run, as on processors that it has no binary
 * for, the modules serve as they are.
 */
async function bundle() {
  const entry = './src/host/platform/node.js'
  try {
    const { rolldown } = await import('rolldown')
    const build = await rolldown({ input: join('dist', entry), platform: 'node', external: [/^node:/] })
    await build.write({ file: bundled, format: 'esm', codeSplitting: false })
    await build.close()
    writeFileSync(bundled, ascii(readFileSync(bundled, 'utf8')))
  } catch (error) {
    console.log(`build: not bundled (${String(error).split('\n')[0]})`)
    writeFileSync(bundled, `export * from '${entry}'\n`)
  }
}

/**
 * A runtime reads text of one byte a character sooner, and one other character makes it two for
 * all.
 */
const ascii = (text) =>
  text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

async function buildTs() {
  const stamp = 'dist/.tsbuildinfo'
  if (fresh([stamp, bin, bundled], ['cli', 'src', 'tools', 'bench', 'tsconfig.json', 'tsconfig.build.json']))
    return
  const tsc = require.resolve('typescript/bin/tsc')
  // tsc leaves an up-to-date stamp alone; removing it keeps --if-stale honest.
  rmSync(stamp, { force: true })
  if (!runScript(tsc, ['-p', 'tsconfig.build.json'])) {
    rmSync(stamp, { force: true })
    fail('tsc failed')
  }
  if (!existsSync(bin)) fail(`tsc wrote no ${bin}`)
  chmodSync(bin, 0o755)
  await bundle()
}

/**
 * npm links the commands of dependencies only: this one is ours, and `npx ocellus` must find it in
 * a clone.
 */
function linkCommand() {
  const shims = 'node_modules/.bin'
  if (!existsSync(shims)) return
  rmSync(join(shims, 'ocellus'), { force: true })
  if (process.platform === 'win32') {
    writeFileSync(join(shims, 'ocellus.cmd'), `@node "%~dp0\\..\\..\\${bin.replaceAll('/', '\\')}" %*\r\n`)
  } else {
    symlinkSync(join('../..', bin), join(shims, 'ocellus'))
  }
}

if (args.includes('--if-possible') && !existsSync('node_modules/assemblyscript')) process.exit(0)
if (wants('wasm')) buildWasm()
if (wants('wasm') || wants('firmware')) await buildFirmware()
if (wants('ts')) {
  await buildTs()
  linkCommand()
}
