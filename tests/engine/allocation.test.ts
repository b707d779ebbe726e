import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeModel } from '../../src/host/platform/node.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { everyLayer } from '../readers/tiny.js'

/**
 * In a process of its own, with the built package: bytes that each frame adds to heap and buffers,
 * the garbage too.
 */
const script = `
import { Detector } from ${JSON.stringify(new URL('../../dist/src/host/platform/node.js', import.meta.url))}
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]
function growth(work) {
  const [heap, buffers] = [[], []]
  const calls = 100
  // Early rounds compile the code.
  for (let round = 0; round < 60; round++) {
    gc()
    const before = process.memoryUsage()
    for (let n = 0; n < calls; n++) work()
    const after = process.memoryUsage()
    if (round < 30) continue
    heap.push((after.heapUsed - before.heapUsed) / calls)
    buffers.push((after.arrayBuffers - before.arrayBuffers) / calls)
  }
  return { heap: median(heap), buffers: median(buffers) }
}
const detector = await Detector.create({ model: process.argv[1], threads: 1, scoreThreshold: 1 })
const data = Uint8Array.from({ length: 64 * 48 * 4 }, (_, i) => Math.imul(i + 1, 0x9e3779b9) >>> 24)
const pixels = { width: 64, height: 48, data }
const frame = () => detector.detectPixels(pixels)
let view
const report = { found: [frame().length], memory: [detector.session.memoryBytes] }
report.view = growth(() => { view = new Float32Array(data.buffer) })
report.none = growth(frame)
detector.setOptions({ scoreThreshold: 0.01, maxResults: 3 })
report.found.push(frame().length)
report.three = growth(frame)
report.memory.push(detector.session.memoryBytes)
console.log(JSON.stringify(report))
`

interface Growth {
  readonly heap: number
  readonly buffers: number
}

interface Report {
  readonly found: readonly number[]
  readonly memory: readonly number[]
  readonly view: Growth
  readonly none: Growth
  readonly three: Growth
}

describe('the frame loop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
  let report: Report
  beforeAll(() => {
    const model = join(folder, 'tiny.safetensors')
    writeFileSync(model, writeModel(int8Model(tinyModel(everyLayer, 20), 21)))
    const words = ['--expose-gc', '--input-type=module', '--eval', script, model]
    const child = spawnSync(process.execPath, words, { encoding: 'utf8' })
    expect(child.stderr).toBe('')
    report = JSON.parse(child.stdout) as Report
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is measured: a view of an array is seen, and frames find what they should', () => {
    expect(report.view.heap).toBeGreaterThan(80)
    expect(report.found).toEqual([0, 3])
  })

  it('allocates nothing for a frame in which nothing is found, but the empty list', () => {
    expect(report.none.heap).toBeLessThan(80)
    expect(report.none.buffers).toBe(0)
  })

  it('allocates the results for one in which something is', () => {
    expect(report.three.heap).toBeLessThan(80 + 3 * 250)
    expect(report.three.buffers).toBe(0)
  })

  it('leaves the memory of the engine as it is', () => {
    expect(report.memory[1]).toBe(report.memory[0])
  })
})
