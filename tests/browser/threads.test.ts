import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import { int8Model, randomInput, randomInt8Input, tinyModel as seededModel } from '../helpers/models.js'
import { runModel } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'
import { openPage } from './chromium.js'
import './globals.js'
import { tinyModel } from './model.js'

const file = tinyModel()
const model = readModel(file, 'tiny')
const input = randomInput(model, 40)

/** Runs in the page: what the network answers on so many threads, time and again. */
async function inPage({
  values,
  threads,
  int8 = false,
}: {
  values: number[]
  threads: number
  int8?: boolean
}) {
  const { Session, loadModel } = ocellus
  const session = await Session.create(await loadModel('/tiny.safetensors'), { threads, tuneMs: 0 })
  const took = await session.ready()
  const answers = Array.from({ length: 20 }, () => {
    session.setInput(int8 ? Int8Array.from(values) : Float32Array.from(values))
    session.run()
    return session.outputs.map(({ name }) => [...session.output(name)])
  })
  session.close()
  return {
    took,
    build: session.build,
    answer: answers[0],
    same: new Set(answers.map((a) => JSON.stringify(a))).size === 1,
  }
}

const inNode = async () => [...(await runModel(model, input, 'scalar')).values()].map((values) => [...values])

test('an isolated page computes on several threads what Node computes on one', async (context) => {
  const { page, server } = await openPage(context, { isolated: true, extra: { '/tiny.safetensors': file } })
  const answer = await inNode()
  for (const threads of [1, 2, 3, 4]) {
    const found = await page.evaluate(inPage, { values: [...input], threads })
    expect(found).toEqual({ took: threads, build: 'simd', answer, same: true })
  }
  expect(server.asked).toContain('/build/ocellus.simd-threads.wasm')
})

test('a page that is not isolated has one thread, and is told so once', async (context) => {
  const { page } = await openPage(context, { extra: { '/tiny.safetensors': file } })
  const warnings: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'warning') warnings.push(message.text())
  })
  const answer = await inNode()
  for (let n = 0; n < 2; n++) {
    const found = await page.evaluate(inPage, { values: [...input], threads: 4 })
    expect(found).toEqual({ took: 1, build: 'simd', answer, same: true })
  }
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/one thread only.*Cross-Origin-Opener-Policy/)
})

test('a page whose worker script is missing has one thread', async (context) => {
  const { page } = await openPage(context, { isolated: true, extra: { '/tiny.safetensors': file } })
  await page.route('**/browser/worker.js', (route) => route.fulfill({ status: 404 }))
  const found = await page.evaluate(inPage, { values: [...input], threads: 2 })
  expect(found).toEqual({ took: 1, build: 'simd', answer: await inNode(), same: true })
})

test('a network with weights of 7 bits is computed by the relaxed build: the same bytes, however many threads', async (context) => {
  const narrow = int8Model(seededModel(everyLayer, 20), 21, true)
  const values = randomInt8Input(narrow, 23)
  const extra = { '/tiny.safetensors': writeModel(narrow) }
  const { page } = await openPage(context, { isolated: true, extra })
  const answer = [...(await runModel(narrow, values, 'scalar')).values()].map((output) => [...output])
  for (const threads of [1, 2]) {
    const found = await page.evaluate(inPage, { values: [...values], threads, int8: true })
    expect(found).toEqual({ took: threads, build: 'relaxed', answer, same: true })
  }
})
