/**
 * node scripts/sessions.mjs COUNT [create|run|ready] [THREADS] [MODEL]
 *
 * Opens and closes sessions of the built package one after the other, with nothing else alive, and
 * prints one line of JSON: how many, the seconds, the slowest one and the most memory that the
 * process had. `create` only opens them, `run` looks at one picture, `ready` waits for the threads
 * and looks at two. MODEL is one of models/quantized; default: detector-small.
 */
import { readFileSync } from 'node:fs'
import { Detector } from '../dist/ocellus.js'

const [count = '200', how = 'create', threads = '1', name = 'detector-small'] = process.argv.slice(2)
const model = readFileSync(new URL(`../models/quantized/${name}.safetensors`, import.meta.url))
const pixels = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 4) }
const options = { model, threads: Number(threads), tuneMs: 0 }

let worstMs = 0
let peak = 0
const start = performance.now()
for (let n = 0; n < Number(count); n++) {
  const before = performance.now()
  const detector = await Detector.create(options)
  if (how !== 'create') detector.detectPixels(pixels)
  if (how === 'ready') {
    await detector.session.ready()
    detector.detectPixels(pixels)
  }
  detector.close()
  worstMs = Math.max(worstMs, performance.now() - before)
  peak = Math.max(peak, process.memoryUsage.rss())
}
const seconds = (performance.now() - start) / 1000
console.log(
  JSON.stringify({
    node: process.version,
    sessions: Number(count),
    how,
    threads: options.threads,
    seconds: Number(seconds.toFixed(1)),
    worstMs: Math.round(worstMs),
    peakMiB: Math.round(peak / 2 ** 20),
  }),
)
