import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseRegistry } from '../../tools/pull/registry.js'
import { breakAfter, type Serve, sendRange, serve, type TestServer } from '../pull/server.js'
import { everyLayer, randomWeights } from '../readers/tiny.js'
import { fewPhotos, ocellusWith, type Ran, root, sample, temporaryFolder } from './run.js'

const cfg = Buffer.from(everyLayer)
const weights = Buffer.from(randomWeights(everyLayer, 7))
const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
const anywhere = 'https://published.invalid'

/** Two models: one whose weights have no published hash, one whose weights nobody publishes. */
const registryFile = join(temporaryFolder(), 'registry.json')
const file = (name: string, data: Buffer) => ({
  name,
  url: `${anywhere}/${name}`,
  bytes: data.length,
  sha256: hash(data),
})
const about = { title: 'Tiny', authors: 'nobody', home: anywhere, licence: 'CC0, for tests' }
writeFileSync(
  registryFile,
  JSON.stringify({
    version: 1,
    models: {
      'tiny-1.1': {
        ...about,
        files: [{ name: 'tiny.weights', url: `${anywhere}/tiny.weights` }, file('tiny.cfg', cfg)],
      },
      orphan: {
        ...about,
        files: [{ name: 'orphan.weights', missing: 'no weights are published' }, file('orphan.cfg', cfg)],
      },
    },
  }),
)

let broken: Serve | undefined
let server: TestServer
beforeAll(async () => {
  server = await serve({
    '/tiny.cfg': cfg,
    '/tiny.weights': (request, response) => {
      if (typeof broken === 'function') broken(request, response)
      else sendRange(broken ?? weights, request, response)
    },
  })
})
afterAll(() => server.close())

let cache: string
beforeEach(() => {
  cache = temporaryFolder()
  broken = undefined
})

const pull = (...words: readonly string[]): Promise<Ran> =>
  ocellusWith({ OCELLUS_CACHE: cache }, 'pull', '--registry', registryFile, ...words)
const fromServer = (): Promise<Ran> => pull('tiny-1.1', '--from', `${server.address}/`)
const model = (): string => join(cache, 'models', 'tiny-1.1.safetensors')

describe('ocellus pull', () => {
  it('fetches, quantises and keeps a model, that goes by its name from then on', async () => {
    const first = await fromServer()
    expect(first.stderr).toMatch(fewPhotos)
    expect(first.code).toBe(0)
    expect(first.stdout).toContain('licence  CC0, for tests')
    expect(first.stdout).toContain(
      `SHA-256 ${hash(weights)}: recorded now, at first use: its authors publish none`,
    )
    expect(first.stdout).toContain(`SHA-256 ${hash(cfg)}: as the registry says`)
    expect(readdirSync(join(cache, 'models'))).toEqual(['tiny-1.1.safetensors'])
    expect(readdirSync(join(cache, 'downloads', 'tiny-1.1')).sort()).toEqual([
      'record.json',
      'tiny.cfg',
      'tiny.weights',
    ])

    const asked = server.ranges.length
    const again = await fromServer()
    expect(again.stdout).toMatch(/already here[\s\S]*as when it was first fetched, \d{4}-\d\d-\d\d/)
    expect(server.ranges.length).toBe(asked)

    const named = await ocellusWith({ OCELLUS_CACHE: cache }, 'inspect', 'tiny-1.1', '--json')
    expect(named.code).toBe(0)
    expect(JSON.parse(named.stdout)).toMatchObject({
      name: 'tiny-1.1',
      provenance: { license: 'CC0, for tests', source: `${server.address}/tiny.weights` },
    })
    const listed = await ocellusWith({ OCELLUS_CACHE: cache }, 'models', '--json')
    const { models } = JSON.parse(listed.stdout) as { models: { name: string; where: string }[] }
    expect(models).toContainEqual(
      expect.objectContaining({ name: 'tiny-1.1', where: 'pulled', file: model() }),
    )
    expect(models).toContainEqual(expect.objectContaining({ name: 'detector', where: 'embedded' }))
  })

  it('gives what the quantise verb gives by hand', async () => {
    expect((await fromServer()).code).toBe(0)
    const out = join(temporaryFolder(), 'tiny-1.1.safetensors')
    const downloads = join(cache, 'downloads', 'tiny-1.1', 'tiny.weights')
    const words = ['--license', 'CC0, for tests', '--source', `${server.address}/tiny.weights`, '-o', out]
    await ocellusWith({}, 'quantize', downloads, '--calibrate', sample('.'), ...words)
    expect(readFileSync(model()).equals(readFileSync(out))).toBe(true)
  })

  it('takes a folder, and a file with what lies beside it', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'tiny.weights'), weights)
    writeFileSync(join(folder, 'tiny.cfg'), cfg)
    expect(await pull('tiny-1.1', '--from', folder)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(fewPhotos),
    })
    expect(await pull('tiny-1.1', '--from', join(folder, 'tiny.weights'), '--force')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(fewPhotos),
    })
    // Weights that nobody publishes, under whatever name.
    writeFileSync(join(folder, 'mine.weights'), weights)
    writeFileSync(join(folder, 'mine.cfg'), cfg)
    expect(await pull('orphan', '--from', join(folder, 'mine.weights'))).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(fewPhotos),
    })
    expect(existsSync(join(cache, 'models', 'orphan.safetensors'))).toBe(true)
  })

  it('goes on where a broken download ended', async () => {
    broken = breakAfter(weights, Math.floor(weights.length / 8))
    const first = await fromServer()
    expect(first.stderr).toMatch(/^E_DOWNLOAD_TRUNCATED: .*run the same again to go on from there\n$/)
    expect(first.code).toBe(1)
    expect(readdirSync(join(cache, 'downloads', 'tiny-1.1'))).toContain('tiny.weights.part')
    const asked = server.ranges.length
    broken = undefined
    expect(await fromServer()).toMatchObject({ code: 0, stderr: expect.stringMatching(fewPhotos) })
    expect(server.ranges.slice(asked)).toContainEqual(expect.stringMatching(/^bytes=[1-9]\d*-$/))
  })

  it('refuses other bytes than those of the first fetch, and keeps the model that was there', async () => {
    await fromServer()
    const before = readFileSync(model())
    broken = Buffer.from(randomWeights(everyLayer, 8))
    const ran = await pull('tiny-1.1', '--from', `${server.address}/`, '--force')
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(
      /^E_DOWNLOAD_HASH: .*not [0-9a-f]{64}.*that is what tiny.weights had on [^\n]+\n$/,
    )
    expect(readFileSync(model()).equals(before)).toBe(true)
  })

  it('leaves no model where the weights do not fit the network', async () => {
    broken = weights.subarray(0, weights.length - 4)
    const ran = await fromServer()
    expect(ran).toMatchObject({ code: 1 })
    expect(ran.stderr).toMatch(/^E_WEIGHTS_TRUNCATED: [^\n]+\n$/)
    expect(existsSync(model())).toBe(false)
  })

  it('stops where the disk refuses', async () => {
    // The shell's limit on the size of a file, in blocks of 512 or 1024 bytes, stands for a full
    // disk.
    const words = ['pull', 'tiny-1.1', '--registry', registryFile, '--from', `${server.address}/`]
    const command = `ulimit -f 8; exec "${process.execPath}" "${join(root, 'dist/cli/main.js')}" "$@"`
    const ran = await new Promise<Ran>((resolve) => {
      const env = { ...process.env, OCELLUS_CACHE: cache }
      execFile('/bin/sh', ['-c', command, 'sh', ...words], { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      )
    })
    expect(ran.stderr).toMatch(/^E_FILE_WRITE: [^\n]+tiny.weights.part can't be written: [^\n]+\n$/)
    expect(ran.code).toBe(1)
    expect(existsSync(model())).toBe(false)
  })

  it.each([
    ['an unknown name', ['nothing'], 2, 'E_OPTION'],
    ['weights that nobody publishes', ['orphan'], 1, 'E_DOWNLOAD_ADDRESS'],
    ['a folder without the weights', ['tiny-1.1', '--from', root], 1, 'E_FILE_MISSING'],
    ['a host that is not there', ['tiny-1.1'], 1, 'E_DOWNLOAD_FAILED'],
    ['no time at all', ['tiny-1.1', '--timeout', '0'], 2, 'E_OPTION'],
  ])('%s: one line, a code', async (_, words, code, error) => {
    const ran = await pull(...words)
    expect(ran.stderr).toMatch(new RegExp(`^${error}: [^\\n]+\\n$`))
    expect(ran.code).toBe(code)
  })
})

describe('ocellus models', () => {
  it('lists what is broken as broken, and what can be pulled', async () => {
    mkdirSync(join(cache, 'models'))
    writeFileSync(join(cache, 'models', 'bad.safetensors'), 'not a model')
    const { code, stdout, stderr } = await ocellusWith({ OCELLUS_CACHE: cache }, 'models')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/detector +embedded +detection +\d+x\d+x3 +10 .*MIT/)
    expect(stdout).toMatch(/bad +pulled +E_MODEL_/)
    expect(stdout).toMatch(/yolov4-tiny +YOLO LICENSE/)
  })

  it('a name that is nothing says which there are', async () => {
    const ran = await ocellusWith({ OCELLUS_CACHE: cache }, 'detect', sample('cat.jpg'), '--model', 'detectr')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(
      /^E_FILE_MISSING: detectr: no such file, and no model of this name: there are [^\n]*\bdetector\b[^\n]*\n$/,
    )
  })
})

describe('the registry', () => {
  it('of the package is whole', () => {
    const models = parseRegistry(readFileSync(join(root, 'models', 'registry.json'), 'utf8'))
    expect(models.map((m) => m.name)).toContain('yolov4-tiny')
    for (const { files } of models)
      for (const { sha256, md5, md5From } of files) {
        if (md5 !== undefined) expect(md5From).toBeDefined()
        if (sha256 !== undefined) expect(md5).toBeUndefined()
      }
  })

  const entry = (change: object): string =>
    JSON.stringify({
      version: 1,
      models: { a: { ...about, files: [{ name: 'a.weights', url: `${anywhere}/a`, ...change }] } },
    })

  it.each([
    ['text that is no JSON', '{'],
    ['another version', '{"version":2,"models":{}}'],
    ['a path for a name', entry({ name: '../../etc/passwd' })],
    ['plain http', entry({ url: 'http://example.org/a' })],
    ['a hash that is none', entry({ sha256: 'abc' })],
    ['no bytes', entry({ bytes: 0 })],
    ['an address and none', entry({ missing: 'nobody has it' })],
  ])('refuses %s', (_, text) => {
    expect(() => parseRegistry(text)).toThrowError(expect.objectContaining({ code: 'E_MODEL_HEADER' }))
  })
})
