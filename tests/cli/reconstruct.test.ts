import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readModel } from '../../src/host/graph/file.js'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { fileOf, maeWeights } from '../helpers/mae.js'
import { readNpy } from '../helpers/npy.js'
import { ocellus, root, sample, temporaryFolder } from './run.js'

const folder = temporaryFolder()
const at = (name: string): string => join(folder, name)

describe('reconstruct', () => {
  it('writes masked, restored and original beside each other', async () => {
    const out = at('cat.png')
    const { code, stdout } = await ocellus('reconstruct', sample('cat.jpg'), '--seed', '2', '-o', out)
    expect(code).toBe(0)
    expect(stdout).toMatch(/48 of 64 patches hidden, masked-patch MSE 0\.\d+, PSNR \d+\.\d+ dB/)
    const sheet = await decodeImage(new Uint8Array(readFileSync(out)), out)
    expect(sheet).toMatchObject({ width: 3 * 256 + 2 * 5, height: 256 })
  })

  it('writes several photos to a folder, and JSON', async () => {
    const out = at('many')
    const { code, stdout } = await ocellus(
      ...[
        'reconstruct',
        sample('cat.jpg'),
        sample('coffee.jpg'),
        '--mask',
        '0.5',
        '--kind',
        'grid',
        '--json',
      ],
      ...['-o', out, '--single', '--build', 'scalar'],
    )
    expect(code).toBe(0)
    expect(readdirSync(out).sort()).toEqual(['cat.png', 'coffee.png'])
    const { images } = JSON.parse(stdout)
    expect(images).toHaveLength(2)
    expect(images[0]).toMatchObject({ patches: 64, visible: 32 })
    expect(images[0].maskedPsnr).toBeGreaterThan(10)
  })

  it.each([
    [['--mask', '1'], 'E_OPTION', 2],
    [['--mask', '0'], 'E_OPTION', 2],
    [['--mask', sample('coffee.jpg')], 'E_OPTION', 2],
    [['--mask', 'nothing.png'], 'E_FILE_MISSING', 1],
    [['--seed', '-1'], 'E_OPTION', 2],
    [['--kind', 'stripes'], 'E_OPTION', 2],
    [['--model', sample('cat.jpg')], 'E_MODEL', 1],
  ] as const)('%o: %s', async (words, code, exit) => {
    const out = at('never.png')
    const ran = await ocellus('reconstruct', sample('cat.jpg'), '-o', out, ...words)
    expect(ran.code).toBe(exit)
    expect(ran.stderr).toMatch(new RegExp(`^${code}`))
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    expect(existsSync(out)).toBe(false)
  })
})

describe('encode', () => {
  it('writes feature vectors as npy', async () => {
    const out = at('features.npy')
    const { code, stdout } = await ocellus('encode', sample('cat.jpg'), sample('coffee.jpg'), '-o', out)
    expect(code).toBe(0)
    expect(stdout).toContain('[2, 192]')
    const { shape, data } = readNpy(out)
    expect(shape).toEqual([2, 192])
    const json = JSON.parse((await ocellus('encode', sample('coffee.jpg'))).stdout)
    expect(json.shape).toEqual([192])
    json.images[0].features.forEach((value: number, c: number) => {
      expect(Math.fround(value)).toBe(data[192 + c])
    })
  })
})

describe('quantize', () => {
  it('turns a checkpoint into an int8 autoencoder that reconstructs', async () => {
    const checkpoint = at('tiny.safetensors')
    writeFileSync(checkpoint, fileOf(maeWeights(1)))
    const model = at('int8.safetensors')
    const { code, stdout } = await ocellus(
      'quantize',
      checkpoint,
      '-o',
      model,
      '--calibrate',
      sample('cat.jpg'),
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/decoder_pred +linear +\d+\.\d/)
    const out = at('tiny.png')
    const ran = await ocellus('reconstruct', sample('cat.jpg'), '-m', model, '-o', out, '--mask', '0.6')
    expect(ran.stdout).toContain('6 of 9 patches hidden')
    expect((await ocellus('quantize', model, '-o', at('twice.safetensors'))).stderr).toMatch(/^E_OPTION/)
  })

  it('refuses a checkpoint of another network', async () => {
    const other = at('other.safetensors')
    writeFileSync(other, fileOf(new Map([['fc.weight', { shape: [2, 2], data: new Float32Array(4) }]])))
    const { code, stderr } = await ocellus('quantize', other, '-o', at('never.safetensors'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^E_CHECKPOINT_NETWORK: .*fc\.weight/)
  })
})

describe('eval', () => {
  it('compares an autoencoder with its float original on the same masks', async () => {
    const checkpoint = at('original.safetensors')
    writeFileSync(checkpoint, fileOf(maeWeights(3, { patch: 8 })))
    const model = at('quantized.safetensors')
    expect((await ocellus('quantize', checkpoint, '-o', model, '--reduce-range')).code).toBe(0)
    const { graph, constants } = readModel(readFileSync(model), model)
    const linears = graph.nodes
      .filter((n) => n.op === 'linear')
      .map((n) => ({ bits: n.attributes.bits, weights: constants.get(n.constants.weight)!.data }))
    expect(linears.map(({ bits }) => bits)).toEqual(linears.map(() => 7))
    expect(Math.max(...linears.map(({ weights }) => Math.max(...Array.from(weights, Math.abs))))).toBe(63)
    const photos = join(root, 'samples')
    const { code, stdout } = await ocellus('eval', model, '--against', checkpoint, '--data', photos, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report.images).toBe(3)
    expect(report.int8.maskedMse / report.float.maskedMse).toBeCloseTo(1, 1)
    expect(report.int8.maskedPsnr).toBeCloseTo(-10 * Math.log10(report.int8.maskedMse), 9)
    expect(report.psnr).toBeGreaterThan(25)
    expect(report.psnr).toBeLessThan(100)
    expect(report.ssim).toBeGreaterThan(0.5)
    expect(report.layers.find((l: { name: string }) => l.name === 'decoder_pred').decibels).toBeGreaterThan(
      15,
    )
    const text = (await ocellus('eval', 'autoencoder', '--data', photos, '--mask', '0.5')).stdout
    expect(text).toMatch(/int8 +0\.\d+ +\d+\.\d+\n/)
    expect((await ocellus('eval', 'autoencoder')).stderr).toMatch(/^E_OPTION/)
    const small = await ocellus('eval', 'autoencoder', '--data', photos, '--max-pixels', '99')
    expect(small.stderr).toMatch(/^E_IMAGE_TOO_LARGE: .*the most is 99/)
    const idle = await ocellus('eval', 'autoencoder', '--data', photos, '--max-work', '99')
    expect(idle.stderr).toMatch(/^E_MODEL_LIMIT/)
    expect((await ocellus('eval', 'autoencoder', '--data', photos, '--mask', '1')).stderr).toMatch(
      /^E_OPTION/,
    )
  })
})
