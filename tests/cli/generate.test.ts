import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, test } from 'vitest'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { crc32 } from '../../src/host/platform/node/crc32.js'
import { ocellus } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
const path = (name: string): string => join(folder, name)
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/gan/${name}`, import.meta.url))
afterAll(() => rmSync(folder, { recursive: true }))

const picture = async (name: string) => {
  const { data, ...size } = await decodeImage(readFileSync(path(name)), name)
  return { ...size, data: new Uint8Array(data) }
}

describe('generate', () => {
  it('draws a grid whose pictures can each be had alone, the same again', async () => {
    const { code, stdout } = await ocellus(
      'generate',
      '--count',
      '4',
      '--seed',
      '3',
      '--out',
      path('grid.png'),
      '--json',
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ images: 4, width: 64, height: 64, files: [path('grid.png')] })
    await ocellus('generate', '--count', '2', '--seed', '4', '--out', path('single'))
    expect(readdirSync(path('single'))).toEqual(['00004.png', '00005.png'])
    const [grid, single] = [await picture('grid.png'), await picture('single/00004.png')]
    expect([grid.width, grid.height]).toEqual([130, 130])
    for (let y = 0; y < 64; y++) {
      const row = grid.data.subarray((y * 130 + 66) * 4, (y * 130 + 130) * 4)
      expect(Buffer.compare(row, single.data.subarray(y * 256, (y + 1) * 256))).toBe(0)
    }
  })

  it('takes a checkpoint as it is', async () => {
    const ran = await ocellus(
      'generate',
      '--model',
      fixture('examples-generator.pth'),
      '--count',
      '1',
      '--out',
      path('c.png'),
    )
    expect([ran.code, (await picture('c.png')).width]).toEqual([0, 32])
  })

  it('draws the same on two threads', async () => {
    for (const threads of ['1', '2'])
      await ocellus('generate', '--count', '3', '--threads', threads, '--out', path(`${threads}.png`))
    expect(readFileSync(path('2.png')).equals(readFileSync(path('1.png')))).toBe(true)
  })

  it.each([
    [['--threads', '0'], /^E_OPTION: 0 threads/],
    [['--count', '10000'], /^E_OPTION: --count 10000: at most 4096/],
    [['--count', '4096', '--zoom', '4'], /^E_OPTION: a grid of 64x64 pictures would have/],
    [['--seed', '-1'], /^E_OPTION: -1 is no seed/],
    [['--truncation', '0'], /^E_OPTION: 0 is no limit/],
    [['--model', 'detector'], /^E_MODEL_TASK: .* is no generator: it is for detection/],
    [['--model', fixture('examples-discriminator.pth')], /^E_MODEL_TASK: .* is no generator/],
    [['--model', fixture('pytorch-gan-generator.pth')], /^E_OPTION: .*--epsilon/],
    [
      ['--model', fileURLToPath(new URL('../fixtures/torch/whole-module.pth', import.meta.url))],
      /^E_TORCH_GLOBAL: /,
    ],
  ])('%j is refused in one line', async (words, message) => {
    const { code, stderr } = await ocellus('generate', ...words, '--out', path('never.png'))
    expect(code).toBeGreaterThan(0)
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

/** Types of a PNG's chunks, each checksum checked. */
function chunks(bytes: Buffer): string[] {
  const types: string[] = []
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(bytes.subarray(at + 4, at + 8 + length)))
    types.push(bytes.toString('latin1', at + 4, at + 8))
    at += 12 + length
  }
  return types
}

describe('walk', () => {
  it('draws a strip that begins and ends at its seeds', async () => {
    await ocellus('walk', '--seeds', '1,2', '--steps', '3', '--out', path('walk.png'))
    await ocellus('generate', '--count', '1', '--seed', '2', '--out', path('end.png'))
    const [strip, end] = [await picture('walk.png'), await picture('end.png')]
    expect([strip.width, strip.height]).toEqual([196, 64])
    const last = Buffer.concat(
      Array.from({ length: 64 }, (_, y) => strip.data.subarray((y * 196 + 132) * 4, (y * 196 + 196) * 4)),
    )
    expect(Buffer.compare(last, Buffer.from(end.data))).toBe(0)
  })

  it('draws an animation that viewers of still pictures can show too', async () => {
    const { code } = await ocellus('walk', '--seeds', '1,2,3', '--steps', '2', '--out', path('walk.apng'))
    expect(code).toBe(0)
    const types = chunks(readFileSync(path('walk.apng')))
    expect(types.filter((type) => type === 'fcTL')).toHaveLength(4)
    expect([types[0], types[1], types[2], types[3], types.at(-1)]).toEqual([
      'IHDR',
      'acTL',
      'fcTL',
      'IDAT',
      'IEND',
    ])
    const still = await picture('walk.apng')
    await ocellus('generate', '--count', '1', '--seed', '1', '--out', path('start.png'))
    expect(Buffer.compare(still.data, (await picture('start.png')).data)).toBe(0)
  })

  it.each([
    [['--seeds', '1'], /at least two seeds/],
    [['--seeds', '1,x'], /x is no seed/],
    [['--steps', '9999'], /at most 4096/],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await ocellus('walk', ...words, '--out', path('never.png'))
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})

test('arithmetic: A - B + C is C where A and B are one group', async () => {
  const out = path('sum.png')
  const words = ['arithmetic', '--a', '5,6', '--b', '5,6', '--c', '9', '--out', out]
  const { code } = await ocellus(...words)
  expect(code).toBe(0)
  const { width, data } = await picture('sum.png')
  await ocellus('generate', '--count', '1', '--seed', '9', '--out', path('nine.png'))
  const nine = await picture('nine.png')
  // The middle of the nine stands in the sixth column, third row.
  const row = (y: number) =>
    data.subarray(((132 + y) * width + 5 * 66) * 4, ((132 + y) * width + 5 * 66 + 64) * 4)
  for (let y = 0; y < 64; y++) {
    const expected = nine.data.subarray(y * 256, (y + 1) * 256)
    // The sum of float32 latents rounds: a byte may differ by a few.
    expect(Math.max(...row(y).map((byte, i) => Math.abs(byte - expected[i])))).toBeLessThan(16)
  }
})

describe('ablate', () => {
  it('switches feature maps off that draw the marked part', async () => {
    const words = [
      '--region',
      '0,0,64,24',
      '--count',
      '2',
      '--samples',
      '10',
      '--out',
      path('a.png'),
      '--json',
    ]
    const { code, stdout } = await ocellus('ablate', ...words)
    expect(code).toBe(0)
    const { layer, channels, of } = JSON.parse(stdout)
    expect([layer, of]).toEqual(['main.9', 48])
    expect(channels.length).toBeGreaterThan(0)
    const { data, width } = await picture('a.png')
    const half = (first: number) => Buffer.from(data.subarray(first * width * 4, (first + 64) * width * 4))
    expect(Buffer.compare(half(0), half(66))).not.toBe(0)
  })

  it.each([
    [['--region', '0,0,64,65'], /is not within a picture of 64x64/],
    [['--region', '0,0,64,64'], /holds all or none/],
    [['--region', '9,0,9,9'], /is not within/],
    [['--region', 'sky'], /is no region/],
    [['--region', '0,0,9,9', '--layer', 'main.99'], /there are main\.0, main\.3, main\.6, main\.9/],
    [['--region', '0,0,9,9', '--samples', '2', '--threshold', '99'], /0 of 48 feature maps/],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await ocellus('ablate', ...words, '--out', path('never.png'))
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})

test('score: photos seem more real than flat pictures', async () => {
  await ocellus('generate', '--count', '3', '--out', path('drawn'))
  const { code, stdout } = await ocellus('score', path('drawn'), '--json')
  const { images, mean } = JSON.parse(stdout)
  expect([code, images.length]).toEqual([0, 3])
  for (const { probability, logit } of images) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 9)
  expect(mean).toBeGreaterThan(0)
  expect((await ocellus('score', path('drawn'), '--model', 'generator')).stderr).toMatch(/^E_MODEL_TASK: /)
})

describe('quantize and eval', () => {
  it.each([
    ['pytorch-gan-discriminator.pth', '0.8'],
    ['course-discriminator.pth', '0.00001'],
  ])('turn %s into an int8 discriminator that judges nearly the same', async (name, epsilon) => {
    const [float, out, photos] = [fixture(name), path(`${name}.safetensors`), path('judged')]
    // A tenth of these is held back, on which noise is measured.
    await ocellus('generate', '--count', '64', '--out', photos)
    const words = ['--epsilon', epsilon, '--json']
    const made = await ocellus('quantize', float, '--calibrate', photos, '--out', out, ...words)
    for (const { decibels } of JSON.parse(made.stdout).layers) expect(decibels).toBeGreaterThan(30)
    const scores = async (model: string, ...more: string[]): Promise<number[]> => {
      const { stdout } = await ocellus('score', photos, '--json', '--model', model, ...more)
      return JSON.parse(stdout).images.map(({ logit }: { logit: number }) => logit)
    }
    const [expected, found] = [await scores(float, '--epsilon', epsilon), await scores(out)]
    expect(found).toHaveLength(64)
    const spread = Math.max(...expected) - Math.min(...expected)
    for (const [i, logit] of found.entries())
      expect(Math.abs(logit - expected[i])).toBeLessThan(spread * 0.25)
  })

  it('turn a checkpoint into an int8 generator that draws nearly the same', async () => {
    const out = path('int8.safetensors')
    const float = fixture('examples-generator.pth')
    const made = await ocellus('quantize', float, '--samples', '24', '--out', out)
    expect(made.stdout).toMatch(/calibrated on 24 latents from seed 1000000/)
    const { stdout } = await ocellus('eval', out, '--against', float, '--count', '8', '--json')
    const { images, psnr, ssim, layers } = JSON.parse(stdout)
    expect(images).toBe(8)
    expect(psnr).toBeGreaterThan(30)
    expect(ssim).toBeGreaterThan(0.9)
    expect(layers).toHaveLength(5)
  })

  it('tell what is missing', async () => {
    expect((await ocellus('eval', 'generator')).stderr).toMatch(/^E_OPTION: .*--against.*--data/)
    expect((await ocellus('eval', 'generator', '--against', 'detector')).stderr).toMatch(/^E_MODEL_TASK: /)
    writeFileSync(path('one.png'), readFileSync(path('grid.png')))
    expect((await ocellus('eval', 'generator', '--data', path('one.png'))).stderr).toMatch(
      /^E_DATA_EMPTY: .*at least 193/,
    )
  })
})
