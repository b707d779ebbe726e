import { OcellusError } from '../../src/host/errors.js'
import { Camera, type CameraOptions, type CameraResult } from '../../src/host/platform/node/camera.js'
import { print, printJson, table } from '../output.js'

/** So long the frames of a live source are counted, after the first. */
const countMs = 2000
/** So many frames of a file are looked at. */
const fileFrames = 5

/**
 * Opens a source and tells what it gives: its video, its rate, what the detector sees in one frame
 * and how long that takes. Throws what the source fails with.
 */
export async function checkCamera(
  source: string,
  options: CameraOptions,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const camera = await Camera.open(source, { ...options, once: true, gate: false, signal })
  let timer: NodeJS.Timeout | undefined
  let first: Frame | undefined
  let [began, read, looked] = [0, 0, 0]
  let video: Camera['video']
  try {
    for await (const { frame, detections } of camera) {
      if (frame === undefined) continue
      looked++
      if (first === undefined) {
        first = { width: frame.width, height: frame.height, detections }
        video = camera.video
        read = camera.stats.read
        began = performance.now()
        // The next frame of some cameras comes in a minute.
        if (camera.live) timer = setTimeout(() => void camera.close(), countMs)
      }
      // The first frame takes the detector longer than the others.
      if (!camera.live && looked === fileFrames) break
    }
  } finally {
    clearTimeout(timer)
    await camera.close()
  }
  if (first === undefined) {
    if (signal.aborted) throw new OcellusError('E_ABORTED', 'the check was stopped')
    throw new OcellusError('E_CAMERA_OPEN', `${camera.source} gave no frame`)
  }
  const { width, height, detections } = first
  const rate = ((camera.stats.read - read) * 1000) / (performance.now() - began)
  const found = {
    source: camera.source,
    name: camera.name,
    live: camera.live,
    video,
    frame: { width, height },
    measuredRate: camera.live && rate > 0 ? Math.round(rate * 10) / 10 : undefined,
    detectorMs: camera.stats.detector.p50,
    detections: detections.map((each) => ({ ...each, zones: zonesOf(camera, first, each) })),
  }
  if (json) printJson(found)
  else for (const line of lines(found)) print(line)
}

type Detections = CameraResult['detections']

interface Frame {
  readonly width: number
  readonly height: number
  readonly detections: Detections
}

function zonesOf(camera: Camera, { width, height }: Frame, { box, label }: Detections[number]): string[] {
  const foot = [(box.xmin + box.xmax) / 2 / width, Math.min(box.ymax / height, 1)] as const
  return camera.zones.filter((zone) => zone.admits(label) && zone.contains(foot)).map(({ name }) => name)
}

interface Found {
  readonly source: string
  readonly name: string
  readonly live: boolean
  readonly video?: Camera['video']
  readonly frame: { readonly width: number; readonly height: number }
  readonly measuredRate?: number
  readonly detectorMs: number
  readonly detections: readonly (Detections[number] & {
    readonly zones: readonly string[]
  })[]
}

function* lines(found: Found): Generator<string> {
  const { source, name, live, video, frame, measuredRate, detectorMs, detections } = found
  yield `source    ${source} (${live ? 'live' : 'a file'}), called ${name} in events`
  if (video !== undefined) {
    const size = video.width === undefined ? '' : ` ${video.width}x${video.height}`
    const rate = video.rate === undefined ? '' : `, ${video.rate} frames/s by its own word`
    const measured = measuredRate === undefined ? '' : `, ${measuredRate} measured`
    yield `video     ${video.codec}${size}${rate}${measured}`
  }
  yield `frames    ${frame.width}x${frame.height} to the detector, which takes ${detectorMs} ms`
  yield `objects   ${detections.length === 0 ? 'none in this frame' : detections.length}`
  if (detections.length === 0) return
  const rows = detections.map(({ label, score, box, zones }) => [
    label,
    score.toFixed(2),
    `${Math.round(box.xmin)},${Math.round(box.ymin)} to ${Math.round(box.xmax)},${Math.round(box.ymax)}`,
    zones.join(', '),
  ])
  yield table(['label', 'score', 'box', 'zones'], rows)
}
