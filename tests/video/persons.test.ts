import { spawn } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import {
  Detector,
  frameLine,
  replay,
  Scene,
  type SceneOptions,
  sceneLine,
  type VideoEvent,
} from '../../src/host/platform/node.js'
import { hasProgram } from '../helpers/programs.js'
import { sharedData, skipUnless } from '../helpers/require.js'

const clip = 'video/one-by-one-person-detection.mp4'
const rate = 5
/** When each of the six persons comes and goes, in seconds, as one sees in the video. */
const visits = [
  [7, 19.8],
  [23.2, 44.8],
  [51.4, 70],
  [75, 86.8],
  [93.4, 119.8],
  [124.2, 136],
]

/** The frames of a video at a steady rate and a size, decoded by ffmpeg. */
async function* framesOf(file: string, width: number, height: number): AsyncGenerator<Uint8Array> {
  const filters = `fps=${rate},scale=${width}:${height}:flags=bilinear`
  const words = ['-nostdin', '-v', 'error', '-threads', '1', '-i', file, '-an', '-vf', filters]
  const ffmpeg = spawn('ffmpeg', [...words, '-pix_fmt', 'rgba', '-f', 'rawvideo', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const frame = new Uint8Array(width * height * 4)
  let filled = 0
  for await (const piece of ffmpeg.stdout as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + frame.length - filled)
      frame.set(part, filled)
      at += part.length
      filled += part.length
      if (filled < frame.length) continue
      filled = 0
      yield frame
    }
  }
}

const options: SceneOptions = {
  camera: 'table',
  prefix: 'test',
  zones: ['table:0.2,0.3 0.8,0.3 0.8,1 0.2,1'],
  lines: ['way out:0.7,0 0.7,1'],
}
const detector = await Detector.create({ threads: 1, scoreThreshold: 0.1, categoryAllowlist: ['person'] })
afterAll(() => detector.close())

for (const [width, height] of [
  [352, 198],
  [640, 360],
]) {
  test(`six persons, one at a time, at ${width}x${height}`, async (context) => {
    const file = sharedData(clip)
    skipUnless(context, file, `${clip} of the shared data`)
    skipUnless(context, hasProgram('ffmpeg'), 'ffmpeg')
    const scene = new Scene(options)
    const recorded = [sceneLine(options)]
    const events: VideoEvent[] = []
    let n = 0
    for await (const data of framesOf(file, width, height)) {
      const frame = { timeMs: (n * 1000) / rate, position: n / rate, width, height }
      const detections = detector.detectPixels({ width, height, data })
      recorded.push(frameLine(frame, detections))
      events.push(...scene.update(detections, frame).events)
      n++
    }
    events.push(...scene.close())

    const of = (type: string) => events.filter((event) => event.type === type)
    const [starts, ends] = [of('start'), of('end')]
    expect(starts.map(({ id }) => id)).toEqual(visits.map((_, i) => `test-${i + 1}`))
    expect(ends.map(({ id }) => id)).toEqual(starts.map(({ id }) => id))
    for (const [i, [from, to]] of visits.entries()) {
      expect(Math.abs((starts[i].position ?? Number.NaN) - from)).toBeLessThanOrEqual(1)
      expect(Math.abs((ends[i].position ?? Number.NaN) - to)).toBeLessThanOrEqual(1)
      expect(ends[i]).toMatchObject({ label: 'person', camera: 'table', width, height })
    }
    expect([of('enter').length, of('leave').length]).toEqual([6, 6])

    expect(scene.engine.counts()).toEqual({ 'way out': { in: 0, out: 6 } })

    const again: string[] = []
    for await (const event of replay(recorded)) again.push(JSON.stringify(event))
    expect(again).toEqual(events.map((event) => JSON.stringify(event)))
  }, 300_000)
}
