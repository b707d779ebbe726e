import { describe, expect, test } from 'vitest'
import { writeFrame } from '../../src/host/engine/frame.js'
import { passLargeFrame } from '../../src/host/engine/large-frame.js'
import { readTensor } from '../../src/host/engine/tensors.js'
import { type Fit, fitImage } from '../../src/host/image/fit.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { isLarge, placeLargeFrame } from '../../src/host/plan/frame.js'
import { programStart } from '../../src/host/plan/plan.js'
import { instructionWords } from '../../src/host/program/instruction.js'
import { builds } from '../helpers/engine.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { outputsOf, Session, threaded, variants } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

const float = tinyModel(everyLayer, 3)
const models = [
  ['float32', float],
  ['int8', int8Model(float, 4)],
] as const

function noise(width: number, height: number, seed: number): Pixels {
  const data = new Uint8Array(width * height * 4)
  let state = seed
  for (let n = 0; n < data.length; n++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    data[n] = state >>> 16
  }
  return { width, height, data }
}

/** What the whole picture in memory becomes: the preprocessing as it stands in the program. */
function whole(session: Session, pixels: Pixels, fit: Fit) {
  const { plan, memory } = session
  memory.ensure(plan.end + pixels.data.length + 64)
  memory.bytes.set(pixels.data, plan.end)
  writeFrame(memory.words, pixels, fit, plan.end, pixels.data.length, session.inputs[0])
  session.execute(programStart, 1)
  return readTensor(memory, plan, session.inputs[0])
}

describe.each(builds)('a frame that passes in bands, %s', (build) => {
  test.each(models)('gives the bytes of one that is there as a whole: %s', async (_, model) => {
    const session = await Session.create(model, { build })
    const [, height, width] = session.inputs[0].shape
    const size = { width, height }
    const start = programStart / 4
    for (const [n, [columns, rows]] of [
      [1, 1],
      [1, 40],
      [40, 1],
      [3, 2],
      [width, height],
      [width * 2, height * 2],
      [16_384, 37],
      [37, 16_384],
      [1999, 1501],
      [16_001, 99],
    ].entries()) {
      const pixels = noise(columns, rows, n + 1)
      for (const fit of [
        fitImage('letterbox', pixels, size),
        fitImage('stretch', pixels, size),
        { resizedWidth: 7, resizedHeight: 5, offsetX: 3, offsetY: 6 },
        { resizedWidth: 1, resizedHeight: 1, offsetX: 0, offsetY: height - 1 },
      ]) {
        const expected = whole(session, pixels, fit)
        const { memory, plan } = session
        const preprocess = memory.words.slice(start, start + instructionWords)
        // What a band does not bring along must not be found where it was before.
        memory.bytes.fill(0xaa, plan.end)
        memory.ensure(placeLargeFrame(plan).end + 64)
        passLargeFrame(plan, memory, pixels, fit, preprocess, () => session.execute(programStart, 1))
        session.execute(programStart, 1)
        const found = readTensor(memory, plan, session.inputs[0])
        expect(
          found.findIndex((value, at) => value !== expected[at]),
          `${columns}x${rows}`,
        ).toBe(-1)
        memory.words.set(preprocess, start)
      }
    }
    session.close()
  })
})

test.each(variants)('$build, $threads threads: large and small frames follow each other', async (variant) => {
  const session = await threaded(models[1][1], variant.build, variant.threads)
  const [, height, width] = session.inputs[0].shape
  const [small, large] = [noise(50, 40, 1), noise(3001, 2003, 2)]
  expect([isLarge(small), isLarge(large)]).toEqual([false, true])
  const look = (pixels: Pixels, runs = 1) => {
    session.setImage(pixels)
    for (let n = 0; n < runs; n++) session.run()
    return [...outputsOf(session)].map(([name, values]) => [name, ...values])
  }
  const first = look(small)
  const before = session.memoryBytes
  const grown = look(large)
  expect(session.memoryBytes - before).toBeLessThan(4 << 20)
  expect(look(small)).toEqual(first)
  expect(look(large, 3), 'a picture serves any number of runs').toEqual(grown)
  large.data.fill(0)
  session.run()
  expect(
    [...outputsOf(session)].map(([name, values]) => [name, ...values]),
    'it was copied',
  ).toEqual(grown)
  const fit = fitImage('letterbox', small, { width, height })
  session.setImage(small, fit)
  expect(session.preprocessed()).toEqual(whole(session, small, fit))
  expect(session.memoryBytes - before).toBeLessThan(4 << 20)
  session.close()
})
