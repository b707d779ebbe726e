import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createContext, Script } from 'node:vm'
import { rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Instance } from '../../src/host/engine/engine.js'
import { Detector, Generator } from '../../src/host/platform/node.js'
import { instantiateNow } from '../../src/host/platform/wasm/instances.js'
import { Random } from '../helpers/kernel.js'
import { outputsOf } from '../helpers/session.js'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))

/** What an engine of JavaScript need not have: V8 gives some of it to every context. */
const absent = [
  ...['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'console', 'Intl'],
  ...['BigInt', 'BigInt64Array', 'BigUint64Array', 'Iterator', 'escape', 'unescape', 'eval'],
]

const builds = ['simd', 'scalar', 'wasm2js'] as const
type Engine = (typeof builds)[number]

/** The platform in one script, as for a device, and what it is asked. */
let bundle: Script
let translated: Script

beforeAll(async () => {
  const bundler = await rolldown({
    input: path('src/host/platform/micro.ts'),
    platform: 'neutral',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  })
  const { output } = await bundler.generate({ format: 'iife', name: 'ocellus' })
  await bundler.close()
  bundle = new Script(output[0].code)
  translated = new Script(await toJavaScript())
})

/** The scalar build by binaryen's wasm2js: a function `makeScalar(bytes)`. */
async function toJavaScript(): Promise<string> {
  const tool = createRequire(createRequire(import.meta.url).resolve('assemblyscript/package.json')).resolve(
    'binaryen/bin/wasm2js',
  )
  const features = ['bulk-memory', 'bulk-memory-opt', 'nontrapping-float-to-int'].map((f) => `--enable-${f}`)
  const code = execFileSync(process.execPath, [tool, path('build/ocellus.scalar.wasm'), ...features], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const end = code.indexOf('var memasmFunc')
  expect(end).toBeGreaterThan(0)
  return `function makeScalar(bytes) {
    ${code.slice(0, end)}
    const buffer = new ArrayBuffer(Math.max(2, Math.ceil(bytes / 65536)) * 65536)
    const exports = asmFunc({ env: { memory: { buffer }, stalled: () => 1 } })
    return { exports, memory: exports.memory }
  }`
}

/** The API in a context of its own that has the language and no more. */
function bare(engine: Engine): Record<string, unknown> {
  const make = (bytes: number): Instance =>
    instantiateNow(new WebAssembly.Module(readFileSync(path(`build/ocellus.${engine}.wasm`))), bytes)
  const context = createContext(Object.assign(Object.create(null), { make }))
  new Script(absent.map((name) => `delete globalThis.${name}`).join('\n')).runInContext(context)
  for (const name of [...absent, 'process', 'Buffer', 'performance', 'setTimeout', 'TextDecoder', 'URL'])
    expect(new Script(`typeof ${name}`).runInContext(context), name).toBe('undefined')
  if (engine === 'wasm2js') translated.runInContext(context)
  bundle.runInContext(context)
  const given = engine === 'wasm2js' ? '{ scalar: makeScalar }' : `{ ${engine}: make }`
  new Script(`ocellus.useEngines(${given})`).runInContext(context)
  return context
}

/**
 * Runs a program in the context; what it gives is passed out as JSON, so that nothing of the
 * context's own is compared.
 */
async function run(context: Record<string, unknown>, program: string): Promise<unknown> {
  const text = new Script(`(async () => JSON.stringify(await (async () => { ${program} })()))()`)
  return JSON.parse(await (text.runInContext(createContext(context)) as Promise<string>))
}

/** Hands bytes into a context, as bytes of its own. */
function give(context: Record<string, unknown>, name: string, bytes: Uint8Array): void {
  context.given = [...bytes]
  new Script(`globalThis.${name} = Uint8Array.from(given)`).runInContext(context)
}

const random = new Random(4)
const photo = Uint8Array.from({ length: 160 * 120 * 4 }, () => random.bits() >>> 24)
const small = path('models/quantized/detector-small.safetensors')

describe.each(builds)('with the language alone, %s', (engine) => {
  let context: Record<string, unknown>
  beforeAll(() => {
    context = bare(engine)
    give(context, 'model', readFileSync(small))
    give(context, 'photo', photo)
  })

  it('detects, to the byte as in Node', async () => {
    const found = await run(
      context,
      `const detector = await ocellus.Detector.create({ model, scoreThreshold: 0.01 })
       const detections = await detector.detect({ width: 160, height: 120, data: photo })
       detector.session.run()
       const heads = detector.session.outputs.map(({ name }) => {
         const { buffer, byteOffset, byteLength } = detector.session.output(name)
         return [...new Uint8Array(buffer, byteOffset, byteLength)]
       })
       const { build, threads } = detector.session
       detector.close()
       return { detections, heads, build, threads }`,
    )
    const detector = await Detector.create({ model: small, scoreThreshold: 0.01 })
    const detections = await detector.detect({ width: 160, height: 120, data: photo })
    const heads = [...outputsOf(detector.session).values()].map((values) => [
      ...new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    ])
    detector.close()
    expect(detections.length).toBeGreaterThan(5)
    expect(found).toEqual({ detections, heads, build: engine === 'simd' ? 'simd' : 'scalar', threads: 1 })
  })
})

describe('what the bare platform lacks', () => {
  const code = (call: string) => `return ${call}.then(() => 'none', ({ code }) => code)`
  const context = () => {
    const found = bare('simd')
    give(found, 'model', readFileSync(small))
    return found
  }

  it.each([
    ['a model by name', "ocellus.Detector.create({ model: 'detector' })", 'E_FILE_READ'],
    ['the embedded model', 'ocellus.Detector.create()', 'E_FILE_READ'],
    ['a build that was not given', "ocellus.Detector.create({ model, build: 'scalar' })", 'E_ENGINE_BUILD'],
    [
      'a file of a picture',
      'ocellus.Detector.create({ model }).then((d) => d.detect(new Uint8Array(9)))',
      'E_IMAGE_INPUT',
    ],
    ['a profile', 'ocellus.Detector.create({ model }).then((d) => d.session.profile())', 'E_OPTION'],
  ])('%s is an error with a code', async (_what, call, expected) => {
    expect(await run(context(), code(call))).toBe(expected)
  })

  it('threads are one, whatever is asked for', async () => {
    const program = `const { session } = await ocellus.Detector.create({ model, threads: 4 })
      return session.ready()`
    expect(await run(context(), program)).toBe(1)
  })
})

it('draws a generator the same, which reads weights in float32', async () => {
  const file = path('models/quantized/generator.safetensors')
  const context = bare('simd')
  give(context, 'model', readFileSync(file))
  const found = await run(
    context,
    `const generator = await ocellus.Generator.create({ model })
     const [{ data }] = await generator.generate({ seed: 5 })
     return [...data]`,
  )
  const generator = await Generator.create({ model: file })
  const [{ data }] = await generator.generate({ seed: 5 })
  expect(found).toEqual([...data])
})
