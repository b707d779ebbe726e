import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { codeOf } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, outputsOf, runModel, Session } from '../helpers/session.js'
import { everyLayer, smallest } from '../readers/tiny.js'

const model = tinyModel(smallest, 1)

function photo(width: number, height: number, seed: number) {
  const random = new Random(seed)
  return { width, height, data: Uint8Array.from({ length: width * height * 4 }, () => random.bits() >> 24) }
}

const whole = { resizedWidth: 4, resizedHeight: 4, offsetX: 0, offsetY: 0 }

describe('input', () => {
  it.each([
    ['nothing', new Float32Array(0)],
    ['one value too few', new Float32Array(47)],
    ['one value too many', new Float32Array(49)],
    ['another type', new Int8Array(48)],
    ['a detached buffer', detached(48)],
  ])('refuses %s and works afterwards', async (_what, values) => {
    const session = await Session.create(model)
    expect(codeOf(() => session.setInput(values))).toBe('E_INPUT_SHAPE')
    expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
    const input = randomInput(model, 1)
    session.setInput(input)
    session.run()
    expect(differing(outputsOf(session), await runModel(model, input, 'scalar'))).toBeUndefined()
  })

  it('refuses float values for an int8 network', async () => {
    const session = await Session.create(int8Model(model, 1))
    expect(codeOf(() => session.setInput(new Float32Array(48)))).toBe('E_INPUT_SHAPE')
  })

  it('names the tensor, its type and its shape', async () => {
    const session = await Session.create(model)
    expect(() => session.setInput(new Float32Array(1))).toThrow(/Float32Array of 48 values \[1,4,4,3\]/)
  })

  it('runs on nothing only after it was given something, and once on values', async () => {
    const session = await Session.create(model)
    expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
    expect(codeOf(() => session.profile())).toBe('E_INPUT_SHAPE')
    session.setInput(randomInput(model, 1))
    session.run()
    expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
  })

  it.each([
    { resizedWidth: 5 },
    { resizedHeight: 5 },
    { resizedWidth: 0 },
    { resizedHeight: -1 },
    { resizedWidth: 2.5 },
    { resizedWidth: Number.NaN },
    { offsetX: 1 },
    { offsetY: 1 },
    { offsetX: -1 },
    { offsetY: 0.5, resizedHeight: 1 },
    { resizedWidth: 2 ** 32 + 4 },
  ])('refuses a picture that would lie outside the input: %o', async (wrong) => {
    const session = await Session.create(model)
    expect(codeOf(() => session.setImage(photo(2, 2, 1), { ...whole, ...wrong }))).toBe('E_IMAGE_INPUT')
    expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
  })

  it('refuses pixels that are not there', async () => {
    const session = await Session.create(model)
    const pixels = { width: 2, height: 2, data: new Uint8Array(15) }
    expect(codeOf(() => session.setImage(pixels, whole))).toBe('E_IMAGE_INPUT')
  })

  it('has no output of another name', async () => {
    const session = await Session.create(model)
    expect(codeOf(() => session.output('0_convolutional'))).toBe('E_OPTION')
    expect(codeOf(() => session.output('__proto__'))).toBe('E_OPTION')
  })

  it.each([
    ['float', tinyModel(everyLayer, 7)],
    ['int8', int8Model(tinyModel(everyLayer, 7), 1)],
  ])('gives outputs into arrays that are there, and into no others: %s', async (kind, network) => {
    const session = await Session.create(network)
    session.setInput(kind === 'float' ? randomInput(network, 1) : randomInt8Input(network, 1))
    session.run()
    for (const { name } of session.outputs) {
      const expected = session.output(name)
      const kept = expected.slice().fill(7)
      expect(session.output(name, kept)).toBe(kept)
      expect(kept).toEqual(expected)
      const other = expected instanceof Float32Array ? Int8Array : Float32Array
      for (const wrong of [expected.slice(1), new other(expected.length), detached(expected.length)])
        expect(codeOf(() => session.output(name, wrong))).toBe('E_INPUT_SHAPE')
    }
    session.close()
  })
})

function detached(length: number): Float32Array {
  const values = new Float32Array(length)
  structuredClone(values.buffer, { transfer: [values.buffer] })
  return values
}

describe('a closed session', () => {
  it('answers every call with its own error, and closes twice', async () => {
    const session = await Session.create(model)
    session.setInput(randomInput(model, 1))
    session.run()
    session.close()
    session.close()
    const name = model.graph.outputs[0]
    for (const call of [
      () => session.run(),
      () => session.profile(),
      () => session.setInput(randomInput(model, 1)),
      () => session.setInput(new Float32Array(1)),
      () => session.setImage(photo(2, 2, 1), whole),
      () => session.output(name),
      () => session.output('another'),
      () => session.memoryBytes,
    ]) {
      expect(codeOf(call)).toBe('E_SESSION_CLOSED')
    }
  })

  it('leaves others alone', async () => {
    const [one, two] = [await Session.create(model), await Session.create(model)]
    one.close()
    two.setInput(randomInput(model, 2))
    two.run()
    expect(differing(outputsOf(two), await runModel(model, randomInput(model, 2), 'simd'))).toBeUndefined()
  })
})

describe.each(builds)('memory, %s', (build) => {
  const float = tinyModel(everyLayer, 3)
  const fit = { resizedWidth: 37, resizedHeight: 20, offsetX: 0, offsetY: 4 }
  const look = (session: Session, pixels: ReturnType<typeof photo>) => {
    session.setImage(pixels, fit)
    session.run()
    return outputsOf(session)
  }

  it('gives the same before, with and after a picture that makes it grow', async () => {
    const session = await Session.create(float, { build })
    const [small, large] = [photo(5, 7, 1), photo(900, 700, 2)]
    const before = look(session, small)
    const bytes = session.memoryBytes
    const grown = look(session, large)
    expect(session.memoryBytes).toBeGreaterThan(bytes)
    expect(differing(look(session, small), before)).toBeUndefined()
    const fresh = await Session.create(float, { build })
    expect(differing(look(fresh, large), grown)).toBeUndefined()
  })

  it('stays flat over 2,000 runs, which all give the same', async () => {
    const session = await Session.create(int8Model(model, 4), { build })
    const input = randomInt8Input(model, 5)
    const once = () => {
      session.setInput(input)
      session.run()
      return outputsOf(session)
    }
    const first = once()
    const bytes = session.memoryBytes
    for (let i = 0; i < 1999; i++) once()
    expect(session.memoryBytes).toBe(bytes)
    expect(differing(once(), first)).toBeUndefined()
  })

  it('keeps a picture for any number of runs, and forgets it for values', async () => {
    const session = await Session.create(float, { build })
    const first = look(session, photo(9, 9, 3))
    session.run()
    expect(differing(outputsOf(session), first)).toBeUndefined()
    const steps = session.profile()
    expect(steps).toHaveLength(session.plan.steps.length + 1)
    expect(steps[0]).toMatchObject({ name: 'preprocess', op: 'preprocess' })
    expect(differing(outputsOf(session), first)).toBeUndefined()
    const input = randomInput(float, 6)
    session.setInput(input)
    expect(session.profile()).toHaveLength(session.plan.steps.length)
    expect(differing(outputsOf(session), await runModel(float, input, build))).toBeUndefined()
    expect(codeOf(() => session.run())).toBe('E_INPUT_SHAPE')
  })

  it('reads the last channels of the last tensor in memory', async () => {
    expect(await lastChannels(build)).toEqual(await lastChannels('scalar'))
  })
})

/**
 * A slice whose first channel is farther from its buffer's start than the buffer's end from the
 * memory's.
 */
async function lastChannels(build: (typeof builds)[number]) {
  const builder = new Builder(new Random(1), 1, 1)
  const part = builder.conv(builder.tensors[0], 900, 1, 1, 1)
  const wide = builder.concat(...Array.from({ length: 64 }, () => part))
  const last: Model = builder.model([builder.slice(wide, 57_590, 10).name])
  return runModel(last, randomInput(last, 1), build)
}
