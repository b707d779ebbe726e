import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readNpy } from '../../tools/npy/read.js'
import {
  bytes,
  floats,
  graph,
  input,
  integer,
  integers,
  message,
  nested,
  node,
  output,
} from '../onnx/build.js'
import { ocellus, sample } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-onnx-detect-'))
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * A network of a detector's ends that finds the same whatever it sees: a box a column, of which
 * only one has a score.
 */
function write(name: string, names?: string): string {
  const columns = 21
  const values = new Array<number>(6 * columns).fill(0)
  // x, y, w, h in pixels of the input, then two classes.
  for (const [row, value] of [16, 8, 16, 8, 0.1, 0.9].entries()) values[row * columns + 7] = value
  const path = join(folder, name)
  writeFileSync(
    path,
    message(
      integer(1, 8),
      bytes(2, 'tests'),
      graph(
        input('images', [1, 3, 32, 32]),
        floats('values', [1, 6, columns], values),
        floats('zero', [1], [0]),
        integers('one', [1, 1, 1]),
        node('ReduceMean', ['images'], ['mean']),
        node('Reshape', ['mean', 'one'], ['scalar']),
        node('Mul', ['scalar', 'zero'], ['nothing']),
        node('Add', ['values', 'nothing'], ['output0']),
        output('output0', [1, 6, columns]),
      ),
      nested(8, bytes(1, ''), integer(2, 13)),
      ...(names === undefined ? [] : [nested(14, bytes(1, 'names'), bytes(2, names))]),
    ),
  )
  return path
}

const net = write('net.onnx', `{0: 'cat', 1: "neighbour's dog"}`)
const nameless = write('nameless.onnx')

describe('ocellus detect with an ONNX file', () => {
  test('takes a YOLOv8 for one, with the names of its file, and says so', async () => {
    const { code, stdout, stderr } = await ocellus(
      'detect',
      sample('astronaut.jpg'),
      '--model',
      net,
      '--json',
    )
    expect(code).toBe(0)
    expect(stderr).toBe(
      `${net}: taken for a YOLOv8 (or v9, v11, v12) detector, 2 classes named in the file\n`,
    )
    const [{ detections }] = JSON.parse(stdout).images
    expect(detections).toHaveLength(1)
    // The photo of 512x512 lies on 32x32 pixels: 16 of its own to one.
    expect(detections[0]).toMatchObject({
      label: "neighbour's dog",
      classId: 1,
      box: { xmin: 128, ymin: 64, xmax: 384, ymax: 192 },
    })
    expect(detections[0].score).toBeCloseTo(0.9, 6)
  })

  test('names classes by number where nothing else does, or by --names', async () => {
    const names = join(folder, 'two.names')
    writeFileSync(names, 'a\nb\n')
    const words = ['detect', sample('astronaut.jpg'), '--model', nameless, '--json']
    const [[first], [second]] = await Promise.all(
      [words, [...words, '--names', names]].map(
        async (all) => JSON.parse((await ocellus(...all)).stdout).images,
      ),
    )
    expect(first.detections[0].label).toBe('class 1')
    expect(second.detections[0].label).toBe('b')
  })

  test('keeps its meaning, and its outputs their form, in int8', async () => {
    const int8 = join(folder, 'int8.safetensors')
    const photos = ['--calibrate', sample('cat.jpg')]
    expect((await ocellus('quantize', net, ...photos, '--out', int8)).code).toBe(0)
    const { stdout } = await ocellus('detect', sample('astronaut.jpg'), '--model', int8, '--json')
    expect(JSON.parse(stdout).images[0].detections[0]).toMatchObject({ label: "neighbour's dog" })
    const ran = await ocellus('run', int8, '--input', sample('cat.jpg'), '--out', folder)
    expect(ran.code).toBe(0)
    expect(readNpy(new Uint8Array(readFileSync(join(folder, 'output0.npy'))), '').shape).toEqual([1, 6, 21])
  })

  test('stays a network of tensors where that is asked for, and for ocellus run', async () => {
    const { code, stderr } = await ocellus('detect', sample('cat.jpg'), '--model', net, '--task', 'tensors')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^E_MODEL_TASK: .* is no detector: it is for tensors\n$/)
    const inspected = await ocellus('inspect', net, '--json')
    expect(JSON.parse(inspected.stdout)).toMatchObject({ task: 'tensors' })
  })

  test('says what the outputs are where they are not those of the detector that was asked for', async () => {
    const { code, stderr } = await ocellus('detect', sample('cat.jpg'), '--model', net, '--task', 'yunet')
    expect(code).toBe(1)
    expect(stderr).toBe(`E_MODEL_TASK: ${net} is no YuNet: its outputs are output0 1x6x21\n`)
  })
})
