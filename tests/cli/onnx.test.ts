import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readNpy } from '../../tools/npy/read.js'
import { writeNpy } from '../../tools/npy/write.js'
import { file, floats, input, node, output } from '../onnx/build.js'
import { ocellus } from './run.js'

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
