import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web'
import { afterAll, describe, expect, test } from 'vitest'
import { decodeImage } from '../../src/host/platform/node.js'
import { writeNpy } from '../../tools/npy/write.js'
import { file, floats, input, node, output } from '../onnx/build.js'
import { ocellus, sample } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-translate-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Red becomes blue and the reverse, all of it times a number from -1 to 1. */
const net = join(folder, 'swap.onnx')
writeFileSync(
  net,
  file(
    13,
    input('image', [1, 3, 16, 16]),
    input('strength', [1, 1]),
    floats('w', [3, 3, 1, 1], [0, 0, 1, 0, 1, 0, 1, 0, 0]),
    node('Conv', ['image', 'w'], ['swapped']),
    node('Mul', ['swapped', 'strength'], ['restyled']),
    output('restyled', [1, 3, 16, 16]),
  ),
)
const strength = (value: number): string => {
  const path = join(folder, `s${value}.npy`)
  writeFileSync(path, writeNpy([Float32Array.of(value)], [1, 1]))
  return `strength=${path}`
}
const out = join(folder, 'out.png')
const words = ['translate', sample('cat.jpg'), '--model', net]

describe('ocellus translate', () => {
  test('draws what the network makes of a photo, normalised as it was', async () => {
    const unit = [...words, '--normalize', 'unit', '--input', strength(1), '--out', out]
    expect((await ocellus(...unit)).stdout).toBe(`${out} (16x16)\n`)
    const made = await decodeImage(out)
    // The same photo by the same network in signed numbers, and its negative.
    const signed = ['--normalize', 'signed', '--out', out]
    await ocellus(...words, ...signed, '--input', strength(1))
    const same = await decodeImage(out)
    await ocellus(...words, ...signed, '--input', strength(-1))
    const negative = await decodeImage(out)
    for (let n = 0; n < made.data.length; n += 4)
      for (let c = 0; c < 3; c++) {
        expect(Math.abs(made.data[n + c] - same.data[n + c])).toBeLessThanOrEqual(1)
        expect(Math.abs(made.data[n + c] - (255 - negative.data[n + c]))).toBeLessThanOrEqual(1)
      }
    const mean = (c: number) =>
      Array.from(made.data)
        .filter((_, n) => n % 4 === c)
        .reduce((a, b) => a + b, 0) / 256
    // The cat's photo is redder than blue.
    expect(mean(2)).toBeGreaterThan(mean(0) + 5)
  })

  test('takes its range from --range', async () => {
    const dark = ['--normalize', 'unit', '--range', '1,2', '--input', strength(1), '--out', out, '--json']
    const { stdout } = await ocellus(...words, ...dark)
    expect(JSON.parse(stdout).images).toMatchObject([{ file: out, width: 16, height: 16 }])
    const { data } = await decodeImage(out)
    expect(data.filter((_, n) => n % 4 !== 3).every((value) => value === 0)).toBe(true)
  })

  test.each([
    [['--normalize', 'unit'], /^E_OPTION: the input strength .* is missing/, 2],
    [['--input', 'x'], /^E_MODEL_TASK: .*takes no photos: give --normalize/, 1],
    [['--normalize', 'unit', '--range', '1'], /^E_OPTION: 1 is no range/, 2],
    [['--normalize', 'unit', '--range', '2,1'], /^E_OPTION: 2,1 is no range/, 2],
  ])('refuses %j and writes nothing', async (more, message, exit) => {
    const none = join(folder, 'none.png')
    const { code, stderr } = await ocellus(...words, ...more, '--out', none)
    expect(stderr).toMatch(message)
    expect(code).toBe(exit)
    expect(existsSync(none)).toBe(false)
  })

  test('draws several photos into a folder, not into one picture', async () => {
    const rest = ['--normalize', 'unit', '--input', strength(1), '--out']
    const several = ['translate', sample('cat.jpg'), sample('coffee.jpg'), '--model', net, ...rest]
    const one = join(folder, 'one.png')
    const refused = await ocellus(...several, one)
    expect(refused.stderr).toMatch(/^E_OPTION: --out .*one.png is one picture for 2 photos: give a folder/)
    expect(existsSync(one)).toBe(false)
    const { stdout } = await ocellus(...several, join(folder, 'many'))
    expect(stdout).toBe(
      ['cat', 'coffee'].map((name) => `${join(folder, 'many', `${name}.png`)} (16x16)\n`).join(''),
    )
  })
})

describe('ocellus export', () => {
  test('writes a file that ONNX Runtime opens, with the names of inputs and outputs', async () => {
    const onnx = join(folder, 'tiny.onnx')
    const { code, stdout } = await ocellus('export', 'detector-tiny', '--out', onnx, '--json')
    expect(code).toBe(0)
    const { inputs, outputs } = JSON.parse(stdout)
    const session = await ort.InferenceSession.create(onnx, { executionProviders: ['wasm'] })
    expect(session.inputNames).toEqual(inputs)
    expect(session.outputNames).toEqual(outputs)
    await session.release()
  })

  test('refuses another ending, and operators that ONNX has no form of', async () => {
    const wrong = await ocellus('export', 'detector-tiny', '--out', join(folder, 'tiny.txt'))
    expect(wrong.stderr).toMatch(/^E_OPTION: .*\.onnx\n$/)
    const missing = await ocellus('export', net, '--out', join(folder, 'swap2.onnx'))
    expect(missing.stderr).toMatch(/^E_MODEL_OPERATOR: .*ONNX has no/)
    expect(existsSync(join(folder, 'swap2.onnx'))).toBe(false)
  })
})
