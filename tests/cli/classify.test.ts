import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Classifier } from '../../src/host/platform/node.js'
import { openModel } from '../../tools/index.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { file, floats, input, node, output } from '../onnx/build.js'
import { ocellus, sample } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-classify-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Logits are ten times the mean of red, green and blue; with `ends` probabilities. */
function write(name: string, ends: boolean): string {
  const path = join(folder, name)
  writeFileSync(
    path,
    file(
      13,
      input('image', [1, 3, 8, 8]),
      floats('w', [3, 3], [10, 0, 0, 0, 10, 0, 0, 0, 10]),
      node('GlobalAveragePool', ['image'], ['mean']),
      node('Flatten', ['mean'], ['flat']),
      node('MatMul', ['flat', 'w'], [ends ? 'scores' : 'y']),
      ...(ends ? [node('Softmax', ['scores'], ['y'])] : []),
      output('y', [1, 3]),
    ),
  )
  return path
}

const net = write('net.onnx', false)
const names = join(folder, 'colours.names')
writeFileSync(names, 'red\ngreen\nblue\n')

const plain = (r: number, g: number, b: number) => ({
  width: 5,
  height: 4,
  data: Uint8ClampedArray.from({ length: 80 }, (_, n) => [r, g, b, 255][n % 4]),
})

describe('Classifier', () => {
  const unit = {
    mode: 'stretch',
    pad: 0,
    channels: 'rgb',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  } as const

  test.each([false, true])('gives the softmax once: in the network %s', async (ends) => {
    const model = await openModel(write(`p${ends}.onnx`, ends), {
      names,
      onnx: { task: 'classifier', picture: unit },
    })
    const classifier = await Classifier.create({ model })
    const found = classifier.classifyPixels(plain(0, 255, 51))
    const sum = 1 + Math.exp(10) + Math.exp(2)
    expect(found.map(({ label, classId }) => [label, classId])).toEqual([
      ['green', 1],
      ['blue', 2],
      ['red', 0],
    ])
    found.forEach(({ score }, n) => {
      expect(score).toBeCloseTo([Math.exp(10), Math.exp(2), 1][n] / sum, 5)
    })
    expect(await classifier.classify(plain(255, 0, 0), { topK: 1 })).toMatchObject([{ label: 'red' }])
    expect(await codeOfAsync(() => classifier.classify(plain(0, 0, 0), { topK: 0 }))).toBe('E_OPTION')
    classifier.close()
    expect(await codeOfAsync(() => classifier.classify(plain(0, 0, 0)))).toBe('E_SESSION_CLOSED')
  })

  test('refuses a model of another kind', async () => {
    expect(await codeOfAsync(() => Classifier.create({ model: 'detector-small' }))).toBe('E_MODEL_TASK')
  })
})

describe('ocellus classify', () => {
  test('names what it finds, and says what the file did not', async () => {
    const { code, stdout, stderr } = await ocellus(
      'classify',
      sample('cat.jpg'),
      '-m',
      net,
      '--names',
      names,
      '--top',
      '2',
    )
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/cat\.jpg:\n {2}0\.\d{3} (?:red|green|blue)\n {2}0\.\d{3} (?:red|green|blue)\n$/)
    const nameless = await ocellus('classify', sample('cat.jpg'), '-m', net, '--json')
    expect(nameless.stderr).toBe(
      `${net}: a classifier of 3 classes without names; give --names, pictures as ImageNet has them; else give --normalize\n`,
    )
    expect(JSON.parse(nameless.stdout).images[0].classes).toHaveLength(3)
  })

  test('takes what quantize made of it', async () => {
    const out = join(folder, 'int8.safetensors')
    const words = [
      'quantize',
      net,
      '--task',
      'classifier',
      '--names',
      names,
      '--calibrate',
      sample('cat.jpg'),
    ]
    expect((await ocellus(...words, '--out', out)).code).toBe(0)
    const { stdout } = await ocellus('classify', sample('cat.jpg'), '-m', out, '--json')
    const [{ classes }] = JSON.parse(stdout).images
    expect(classes.map(({ label }: { label: string }) => label).sort()).toEqual(['blue', 'green', 'red'])
  })

  test('refuses what is none', async () => {
    const { code, stderr } = await ocellus('classify', sample('cat.jpg'), '-m', 'detector-small')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^E_MODEL_TASK: .*no classifier.*\n$/)
  })
})
