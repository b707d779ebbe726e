import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readNpy } from '../../tools/npy/read.js'
import { writeNpy } from '../../tools/npy/write.js'
import { file, floats, input, node, output } from '../onnx/build.js'
import { ocellus, sample } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-onnx-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** y = relu(x * w), with a batch and a height that the file leaves open. */
const model = join(folder, 'tiny.onnx')
writeFileSync(
  model,
  file(
    13,
    input('x', ['n', 1, 'h', 2]),
    floats('w', [1, 1, 1, 2], [2, -1]),
    node('Mul', ['x', 'w'], ['scaled']),
    node('Relu', ['scaled'], ['y']),
    output('y', ['n', 1, 'h', 2]),
  ),
)
const array = join(folder, 'x.npy')
writeFileSync(array, writeNpy([Float32Array.of(1, 2, 3, -4), Float32Array.of(-5, 6, 7, 8)], [2, 1, 2, 2]))
const read = (name: string) => readNpy(new Uint8Array(readFileSync(join(folder, name))), name)

describe('ocellus run of an ONNX file', () => {
  test('takes open sides from the arrays, and a sample a run', async () => {
    const { code, stderr } = await ocellus('run', model, '--input', `x=${array}`, '--out', folder)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(read('y.npy')).toEqual({ shape: [2, 1, 2, 2], data: Float32Array.of(2, 0, 6, 4, 0, 0, 14, 0) })
  })

  test('stops at any value with --outputs', async () => {
    const { code } = await ocellus(
      'run',
      model,
      '--input',
      `x=${array}`,
      '--outputs',
      'scaled',
      '--out',
      folder,
    )
    expect(code).toBe(0)
    expect([...read('scaled.npy').data]).toEqual([2, -2, 6, 4, -10, -6, 14, -8])
  })

  test('asks for the shape where it is open and no array tells it', async () => {
    const open = await ocellus('inspect', model)
    expect(open.code).toBe(1)
    expect(open.stderr).toMatch(/^E_ONNX_SHAPE: .*the input x is nx1xhx2.*\n$/)
    const told = await ocellus('inspect', model, '--shape', 'x=1x1x5x2')
    expect(told.code).toBe(0)
    expect(told.stdout).toContain('5x2x1')
  })
})

describe('ocellus quantize of an ONNX file', () => {
  const net = join(folder, 'net.onnx')
  const weights = Array.from({ length: 27 }, (_, n) => ((n * 7) % 13) / 13 - 0.4)
  writeFileSync(
    net,
    file(
      13,
      input('image', [1, 3, 8, 8]),
      floats('w', [3, 3, 1, 3], weights),
      node('Conv', ['image', 'w'], ['y']),
      output('y', [1, 3, 8, 6]),
    ),
  )
  const labelled = join(folder, 'labelled.onnx')
  writeFileSync(
    labelled,
    file(
      13,
      input('z', [1, 4]),
      input('label', [1], 7),
      floats(
        'table',
        [5, 4],
        Array.from({ length: 20 }, (_, n) => n / 10 - 1),
      ),
      floats('w', [4, 2], [1, -1, 0.5, 0.25, -0.5, 2, 0.75, 1]),
      node('Gather', ['table', 'label'], ['row']),
      node('Mul', ['z', 'row'], ['mixed']),
      node('MatMul', ['mixed', 'w'], ['y']),
      output('y', [1, 2]),
    ),
  )
  const images = join(folder, 'images.npy')
  writeFileSync(images, writeNpy([Float32Array.from({ length: 384 }, (_, n) => Math.sin(n))], [2, 3, 8, 8]))
  const out = join(folder, 'net.safetensors')

  test('calibrates on arrays, or on photos once it is told how the network takes them', async () => {
    const arrays = await ocellus('quantize', net, '--calibrate', `image=${images}`, '--out', out)
    expect(arrays.code).toBe(0)
    expect(arrays.stdout).toContain('calibrated on 2 arrays')
    const photos = ['quantize', net, '--calibrate', sample('cat.jpg'), '--out', out]
    const untold = await ocellus(...photos)
    expect(untold.code).toBe(2)
    expect(untold.stderr).toMatch(/^E_OPTION: .*does not say how it takes pictures: give --normalize .*\n$/)
    const told = await ocellus(...photos, '--normalize', 'imagenet', '--channels', 'bgr')
    expect(told.code).toBe(0)
    const { stdout } = await ocellus('inspect', out, '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      preprocessing: { mode: 'stretch', channels: 'bgr', mean: [0.485, 0.456, 0.406] },
      provenance: { quantization: 'int8, 8-bit weights per channel, lp, 1 photos' },
    })
    const ran = await ocellus('run', out, '--input', sample('cat.jpg'), '--out', folder)
    expect(ran.code).toBe(0)
  })

  test('draws vectors and labels of a seed where nothing is given', async () => {
    const drawn = await ocellus('quantize', labelled, '--samples', '8', '--out', out)
    expect(drawn.stderr).toBe('')
    expect(drawn.stdout).toContain('calibrated on 8 random inputs from seed 1000000')
  })

  test('asks for what a map holds', async () => {
    const { code, stderr } = await ocellus('quantize', net, '--out', out)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^E_USAGE: the input image \(float32 \[1, 3, 8, 8\]\) .*--random/)
    expect((await ocellus('quantize', net, '--random', '--samples', '4', '--out', out)).code).toBe(0)
  })

  test.each([
    ['--normalize', 'signd'],
    ['--normalize', '1,2/3,4'],
    ['--normalize', '0/0'],
    ['--normalize', '1,2,x/1'],
    ['--channels', 'rgb'],
  ])('refuses %s %s', async (option, word) => {
    const { code, stderr } = await ocellus('quantize', net, option, word, '--out', out)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^E_OPTION: .+\n$/)
  })

  test('takes no normalisation for a model that has its own', async () => {
    const { stderr } = await ocellus('inspect', 'detector', '--normalize', 'unit')
    expect(stderr).toMatch(/^E_OPTION: .*ONNX files alone\n$/)
  })
})
