import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { everyLayer, randomWeights } from '../readers/tiny.js'
import { ocellus, sample, temporaryFolder } from './run.js'

const folder = temporaryFolder()
const weights = join(folder, 'tiny.weights')
const out = join(folder, 'tiny.safetensors')

/** A bitmap of 24 bits a pixel, all of them black. */
function blackBmp(width: number, height: number): Buffer {
  const file = Buffer.alloc(54 + width * height * 3)
  file.write('BM')
  file.writeUInt32LE(file.length, 2)
  file.writeUInt32LE(54, 10)
  file.writeUInt32LE(40, 14)
  file.writeInt32LE(width, 18)
  file.writeInt32LE(height, 22)
  file.writeUInt16LE(1, 26)
  file.writeUInt16LE(24, 28)
  return file
}

beforeAll(() => {
  writeFileSync(join(folder, 'tiny.cfg'), everyLayer)
  writeFileSync(weights, randomWeights(everyLayer, 7))
})

describe('ocellus quantize', () => {
  it('names a damaged photo once, leaves it out and goes on', async () => {
    const damaged = join(folder, 'damaged.jpg')
    writeFileSync(damaged, readFileSync(sample('cat.jpg')).subarray(0, 3000))
    const ran = await ocellus('quantize', weights, '--calibrate', sample('.'), damaged, '-o', out, '--json')
    expect(ran.code).toBe(0)
    expect(ran.stderr.match(/damaged\.jpg/g)).toHaveLength(1)
    expect(ran.stderr).toMatch(/^E_IMAGE_TRUNCATED: .*damaged\.jpg is cut short.*; left out[^\n]*\n/)
    expect(JSON.parse(ran.stdout)).toMatchObject({ photos: 3, compared: 3, heldBack: false })
    const alone = await ocellus('quantize', weights, '--calibrate', damaged, '-o', out)
    expect(alone).toMatchObject({ code: 1, stdout: '' })
    expect(alone.stderr).toMatch(/^E_IMAGE_TRUNCATED: [^\n]*\n$/)
  })

  it('measures noise on others than those that calibrate', async () => {
    const names = Array.from({ length: 12 }, (_, i) => join(folder, `${i}.jpg`))
    for (const [i, name] of names.entries())
      copyFileSync(sample(`${['cat', 'coffee', 'astronaut'][i % 3]}.jpg`), name)
    const ran = await ocellus('quantize', weights, '--calibrate', ...names, '-o', out, '--json')
    expect(JSON.parse(ran.stdout)).toMatchObject({ photos: 11, compared: 1, heldBack: true })
    // Four copies of three photos say no more than the three.
    expect(ran.stderr).toMatch(/^8 of 11 photos look like others of them: .*; give photos of different/m)
  })

  it('says that a single black picture calibrates nothing', async () => {
    const black = join(folder, 'black.bmp')
    writeFileSync(black, blackBmp(64, 48))
    const { code, stderr } = await ocellus('quantize', weights, '--calibrate', black, '-o', out)
    expect(code).toBe(0)
    expect(stderr).toMatch(/^fewer than 32 photos \(1\): .*noise is measured on the same photos.*$/m)
    expect(stderr).toMatch(/^1 of 1 photos show a single colour: .*$/m)
  })

  it('keeps layers in float32 that are named', async () => {
    const words = ['quantize', weights, '--calibrate', sample('.'), '-o', out, '--float']
    expect((await ocellus(...words, '0_convolutional')).code).toBe(0)
    const { stdout } = await ocellus('inspect', out, '--json')
    expect(stdout).toMatch(/"op": "quantize"/)
    const wrong = await ocellus(...words, 'nothing')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toMatch(/^E_OPTION: .*no layer nothing\n$/)
  })

  it('keeps ranges, and quantises by them to the same bytes', async () => {
    const [ranges, again] = [join(folder, 'r.json'), join(folder, 'again.safetensors')]
    const first = ['quantize', weights, '--calibrate', sample('.'), '--name', 'x', '-o', out]
    expect((await ocellus(...first, '--save-ranges', ranges)).code).toBe(0)
    const ran = await ocellus('quantize', weights, '--ranges', ranges, '--name', 'x', '-o', again)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/calibrated on 3 photos; noise was not measured/)
    expect(readFileSync(again).equals(readFileSync(out))).toBe(true)

    const other = join(folder, 'other.weights')
    writeFileSync(other, randomWeights(everyLayer, 8))
    writeFileSync(join(folder, 'other.cfg'), everyLayer)
    const wrong = await ocellus('quantize', other, '--ranges', ranges, '-o', again)
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toMatch(/^E_OPTION: .*ranges of other weights/)
  })
})
