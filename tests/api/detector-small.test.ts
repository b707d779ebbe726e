import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Detector, loadModel, Session } from '../../src/host/platform/node.js'
import { root, sample } from '../cli/run.js'

const file = join(root, 'models', 'quantized', 'detector-small.safetensors')

it('stays within what its card says, in the scalar build', async () => {
  expect(statSync(file).size).toBeLessThan(400_000)
  const session = await Session.create(await loadModel('detector-small'), {
    build: 'scalar',
    // Winograd trades memory for time; a microcontroller has none to give.
    kernel: 'direct',
    threads: 1,
  })
  expect(session.plan.arenaBytes).toBeLessThan(256 * 1024)
  session.close()
})

it('says the same in every build, under its name', async () => {
  const [simd, scalar] = await Promise.all(
    (['simd', 'scalar'] as const).map(async (build) => {
      const detector = await Detector.create({ model: 'detector-small', build, scoreThreshold: 0.05 })
      const found = await detector.detect(sample('astronaut.jpg'))
      detector.close()
      return found
    }),
  )
  expect(simd.length).toBeGreaterThan(0)
  expect(scalar).toEqual(simd)
  expect(simd[0].label).toBe('person')
})
