import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { int8Model, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { skipUnless } from '../helpers/require.js'
import { bytesOf } from '../helpers/session.js'
import { transformer } from '../helpers/transformer.js'
import { everyLayer, smallest } from '../readers/tiny.js'
import golden from './golden.json' with { type: 'json' }

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const script = path('identity/checksums.mjs')
const runtime = (name: string): string => path(`../../node_modules/.cache/runtimes/${name}`)
const qemu = '/usr/bin/qemu-aarch64-static'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-identity-'))
afterAll(() => rmSync(folder, { recursive: true }))

const relaxedFile = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(path('../../build/ocellus.relaxed.wasm')))

interface Network {
  readonly name: string
  readonly model: Model
  readonly input: Float32Array | Int8Array
  /** Forced, where it is not the one that is expected to be fastest. */
  readonly kernel?: string
}

/** What checksums.mjs reads. */
function lay(name: string, threads: readonly number[], networks: readonly Network[]): string {
  const place = join(folder, name)
  mkdirSync(place)
  for (const { name, model, input } of networks) {
    writeFileSync(join(place, `${name}.safetensors`), writeModel(model))
    writeFileSync(join(place, `${name}.input`), bytesOf(input))
  }
  const names = networks.map(({ name, kernel }) => ({ name, kernel }))
  writeFileSync(join(place, 'networks.json'), JSON.stringify({ networks: names, threads }))
  return place
}

interface Answer {
  readonly node: string
  readonly arch: string
  readonly results: readonly { name: string; build: string; threads: number; sum: string }[]
}

async function ask(command: string, words: readonly string[], place: string): Promise<Answer> {
  const { stdout } = await promisify(execFile)(command, [...words, script, place])
  return JSON.parse(stdout)
}

let all: string
let small: string

beforeAll(() => {
  const float = tinyModel(everyLayer, 20)
  const int8 = int8Model(float, 21)
  const narrow = int8Model(float, 21, true)
  const tokens = transformer(3, { visible: 11, width: 64, heads: 2 })
  const transformers = ([8, 7] as const).map((bits) => ({
    name: `transformer, ${bits} bits`,
    model: quantizeLinears(tokens, bits),
    input: randomInput(tokens, 24),
  }))
  all = lay(
    'all',
    [1, 2, 4],
    [
      { name: 'every layer, float', model: float, input: randomInput(float, 22) },
      { name: 'every layer, int8', model: int8, input: randomInt8Input(int8, 23) },
      { name: 'every layer, 7 bits', model: narrow, input: randomInt8Input(narrow, 23), kernel: 'relaxed' },
      ...transformers,
    ],
  )
  const tiny = int8Model(tinyModel(smallest, 30), 31)
  const tinyNarrow = int8Model(tinyModel(smallest, 30), 31, true)
  small = lay(
    'small',
    [1, 2],
    [
      { name: 'smallest', model: tiny, input: randomInt8Input(tiny, 32) },
      {
        name: 'smallest, 7 bits',
        model: tinyNarrow,
        input: randomInt8Input(tinyNarrow, 32),
        kernel: 'relaxed',
      },
      ...transformers,
    ],
  )
})

function expectGolden({ results }: Answer, relaxed: boolean): void {
  const counts = results.map(({ build, threads }) => `${build} ${threads}`)
  for (const expected of ['scalar 1', 'simd 1', 'simd 2', 'simd 4']) expect(counts).toContain(expected)
  for (const expected of ['relaxed 1', 'relaxed 2', 'relaxed 4'])
    expect(counts.includes(expected)).toBe(relaxed)
  const sums: Readonly<Record<string, unknown>> = golden
  for (const { name, build, threads, sum } of results)
    expect([name, build, threads, sum]).toEqual([name, build, threads, sums[name]])
}

describe('the same bytes on other runtimes, in every build and on 1, 2 and 4 threads', () => {
  it('this Node, outside the test runner', async () => {
    expectGolden(await ask(process.execPath, [], all), WebAssembly.validate(relaxedFile()))
  })

  it('this Node, where it has relaxed SIMD behind a flag', async (context) => {
    const flag = '--experimental-wasm-relaxed-simd'
    skipUnless(context, process.versions.v8.startsWith('11.3.'), 'Node 20')
    for (const more of [[], ['--liftoff-only'], ['--no-liftoff']])
      expectGolden(await ask(process.execPath, [flag, ...more], all), true)
  })

  it.for(['22', '24'])('Node %s', async (major, context) => {
    const node = join(runtime(`node${major}`), 'bin/node')
    skipUnless(context, existsSync(node), `Node ${major} (node scripts/runtimes.mjs)`)
    const answer = await ask(node, [], all)
    expect(answer.node).toMatch(new RegExp(`^v${major}\\.`))
    expectGolden(answer, true)
  })

  it('arm64, emulated, a small network', async (context) => {
    const node = join(runtime('node-arm64'), 'bin/node')
    skipUnless(context, existsSync(qemu), 'qemu-aarch64-static (apt-get install qemu-user-static)')
    skipUnless(
      context,
      existsSync(node) && existsSync(runtime('root-arm64')),
      'Node for arm64 (node scripts/runtimes.mjs)',
    )
    const answer = await ask(qemu, ['-L', runtime('root-arm64'), node], small)
    expect(answer.arch).toBe('arm64')
    const here = await ask(process.execPath, [], small)
    const sums = new Map(here.results.map(({ name, sum }) => [name, sum]))
    expect(answer.results.map(({ build }) => build)).toEqual(
      expect.arrayContaining(['relaxed', 'simd', 'scalar']),
    )
    for (const { name, build, threads, sum } of answer.results)
      expect([name, build, threads, sum]).toEqual([name, build, threads, sums.get(name)])
  })
})
