import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/host/graph/file.js'
import { Random } from '../helpers/kernel.js'
import { Builder } from '../helpers/random-model.js'
import { zip } from '../helpers/torch-file.js'
import { type Ended, lineOf, made, ocellus, program, scratchFolder, tellsMemory } from './child.js'

const folder = scratchFolder()

/** Refused on one line with this code, in at most 64 MiB and eight times the file, and Node's own. */
function expectRefused(ended: Ended, code: string, fileBytes: number): void {
  expect(ended.code).toBe(1)
  expect(lineOf(ended).code).toBe(code)
  expect(lineOf(ended).text.length).toBeLessThan(1300)
  if (!tellsMemory) return
  expect(ended.peakMiB).toBeLessThan(nodeMiB + 64 + (8 * fileBytes) / 2 ** 20)
}

/** What the command takes that has nothing to do. */
const nodeMiB = ocellus(['--version']).peakMiB ?? 0

test('a model whose header has four million empty objects', () => {
  const text = Buffer.from(`{"a":[${'{},'.repeat(4_190_000)}{}]}`)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const file = made(folder, 'objects.safetensors', Buffer.concat([length, text]))
  expectRefused(ocellus(['inspect', file]), 'E_MODEL_HEADER', text.length)
})

test.each([
  ['an empty dict', '}'],
  ['an empty list', ']'],
  ['an empty tuple', ')'],
  ['a mark', '('],
  ['nothing', 'N'],
])('a checkpoint whose pickle makes %s sixteen million times', (_, opcode) => {
  const body = Buffer.concat([Buffer.of(0x80, 2), Buffer.alloc(16 << 20, opcode), Buffer.from('.')])
  const bytes = zip([{ name: 'a/data.pkl', data: body }])
  expectRefused(ocellus(['inspect', made(folder, 'bomb.pth', bytes)]), 'E_TORCH_PICKLE', bytes.length)
})

test('a model of about a thousand bytes that would run for 17 seconds', () => {
  const b = new Builder(new Random(1), 1024, 1024)
  const bytes = writeModel(b.model([b.pool('averagePool', b.tensors[0], 127, 1).name]))
  expect(bytes.length).toBeLessThan(3000)
  const ended = ocellus([
    'run',
    made(folder, 'pool.safetensors', bytes),
    '--random',
    '--out',
    join(folder, 'out'),
  ])
  expectRefused(ended, 'E_MODEL_LIMIT', bytes.length)
  expect(lineOf(ended).text).toContain('--max-work')
})

test.runIf(existsSync('/dev/zero'))('a model that never ends', () => {
  expectRefused(ocellus(['inspect', '/dev/zero']), 'E_FILE_READ', 0)
})

test('a frame of 24 million pixels leaves a session small', () => {
  const ended = program(`
    import { Detector } from 'ocellus'
    const detector = await Detector.create({ threads: 1 })
    const before = detector.session.memoryBytes
    detector.detectPixels({ width: 6000, height: 4000, data: new Uint8Array(96e6) })
    console.log(detector.session.memoryBytes - before)`)
  expect(ended.code, ended.stderr).toBe(0)
  expect(Number(ended.stdout)).toBeLessThan(4 << 20)
})
