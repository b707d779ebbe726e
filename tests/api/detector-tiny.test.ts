import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Detector, loadModel, Session } from '../../src/host/platform/node.js'
import { root, sample } from '../cli/run.js'

const file = join(root, 'models', 'quantized', 'detector-tiny.safetensors')

/** Bytes of all tensors of a safetensors file: weights, biases and scales. */
function tensorBytes(bytes: Buffer): number {
  return bytes.length - 8 - Number(bytes.readBigUInt64LE(0))
}

it('stays within what its card says, in the scalar build', async () => {
  expect(tensorBytes(readFileSync(file))).toBeLessThanOrEqual(100_000)
  const session = await Session.create(await loadModel('detector-tiny'), {
    build: 'scalar',
    // Winograd trades memory for time; a microcontroller has none to give.
    kernel: 'direct',
    threads: 1,
  })
  expect(session.plan.arenaBytes).toBeLessThanOrEqual(59_136)
  session.close()
})

it('says the same in every build, under its name', async () => {
  const [simd, scalar] = await Promise.all(
    (['simd', 'scalar'] as const).map(async (build) => {
      const detector = await Detector.create({ model: 'detector-tiny', build })
      const found = await detector.detect(sample('cat.jpg'))
      detector.close()
      return found
    }),
  )
  expect(scalar).toEqual(simd)
  expect(simd[0].label).toBe('cat')
})
