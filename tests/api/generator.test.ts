import { expect, it } from 'vitest'
import { Discriminator, Generator } from '../../src/host/platform/node.js'
import { builds } from '../helpers/engine.js'

it('draws the same bytes on every build and any number of threads', async () => {
  const drawn = []
  for (const options of [...builds.map((build) => ({ build })), { threads: 2 }, { threads: 3 }]) {
    const generator = await Generator.create(options)
    const pictures = await generator.generate({ seed: 11, count: 2 })
    drawn.push(Buffer.concat(pictures.map(({ values }) => new Uint8Array(values.buffer))))
    generator.close()
  }
  for (const other of drawn.slice(1)) expect(Buffer.compare(drawn[0], other)).toBe(0)
})

it('tells what it draws, and takes latents back', async () => {
  const generator = await Generator.create()
  expect([generator.latentSize, generator.width, generator.height, generator.channels]).toEqual([
    100, 64, 64, 3,
  ])
  const [a, b] = await generator.generate({ seed: 4294967295, count: 2 })
  expect([a.seed, b.seed]).toEqual([4294967295, 0])
  const [again] = await generator.generate({ latents: [a.latent] })
  expect([again.seed, again.data]).toEqual([undefined, a.data])
  for (const value of a.values) expect(Math.abs(value)).toBeLessThanOrEqual(1)
  await expect(generator.generate({ latents: [new Float32Array(99)] })).rejects.toMatchObject({
    code: 'E_INPUT_SHAPE',
  })
  await expect(
    generator.generate({ latents: [new Float32Array(100).fill(Number.NaN)] }),
  ).rejects.toMatchObject({ code: 'E_INPUT_SHAPE' })
  await expect(generator.generate({ count: 0 })).rejects.toMatchObject({ code: 'E_OPTION' })
  await expect(generator.generate({ count: 10_000 })).rejects.toMatchObject({ code: 'E_OPTION' })
  await expect(generator.generate({ seed: 0.5 })).rejects.toMatchObject({ code: 'E_OPTION' })
  await expect(generator.generate({ signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'E_ABORTED',
  })
  generator.close()
  await expect(generator.generate()).rejects.toMatchObject({ code: 'E_SESSION_CLOSED' })
})

it('is no discriminator, nor the other way round', async () => {
  await expect(Generator.create({ model: 'discriminator' })).rejects.toMatchObject({ code: 'E_MODEL_TASK' })
  await expect(Discriminator.create({ model: 'generator' })).rejects.toMatchObject({ code: 'E_MODEL_TASK' })
})

it('is judged by the discriminator', async () => {
  const [generator, discriminator] = [await Generator.create(), await Discriminator.create()]
  const [picture] = await generator.generate()
  const { probability, logit } = await discriminator.score(picture)
  expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 9)
  generator.close()
  discriminator.close()
  discriminator.close()
  await expect(discriminator.score(picture)).rejects.toMatchObject({ code: 'E_SESSION_CLOSED' })
})
