import { EventEngine, Tracker, type VideoEvent } from '../../src/host/platform/node.js'

/**
 * The events of a minute in which six persons, one after the other, walk through a door and over a
 * line: what a camera at an entrance tells.
 */
export function story(): VideoEvent[] {
  const tracker = new Tracker()
  const engine = new EventEngine({
    prefix: 'walk',
    zones: ['door:0.3,0 0.6,0 0.6,1 0.3,1'],
    lines: ['gate:0.45,0 0.45,1'],
  })
  const events: VideoEvent[] = []
  for (let frame = 0; frame < 300; frame++) {
    const at = (frame % 50) / 50
    const xmin = at * 560
    const box = { xmin, ymin: 100, xmax: xmin + 80, ymax: 300 }
    // Each is there for seven seconds of ten.
    const detections = frame % 50 < 35 ? [{ label: 'person', classId: 0, score: 0.9, box }] : []
    const time = { timeMs: frame * 200, position: frame / 5, width: 640, height: 360 }
    events.push(...engine.update(tracker.update(detections, time.timeMs), time))
  }
  return [...events, ...engine.close()]
}
