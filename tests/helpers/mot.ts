import type { Detection, Tracker } from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { parseMot } from '../../tools/evaluate/mot.js'

/**
 * Persons that walk about, some of them riding (class 2) or not counted (score 0), in MOT
 * Challenge's format.
 */
export function walkers(seed: number, frames = 120, count = 14): string {
  const random = new RandomStream(seed)
  const lines: string[] = []
  for (let id = 1; id <= count; id++) {
    let [x, y] = [random.fraction() * 900, random.fraction() * 500]
    const [vx, vy] = [random.fraction() * 8 - 4, random.fraction() * 4 - 2]
    const height = 60 + random.below(120)
    const [first, last] = [1 + random.below(30), frames - random.below(30)]
    const classId = id % 7 === 0 ? 2 : 1
    const counts = id % 6 === 0 ? 0 : 1
    for (let frame = first; frame <= last; frame++) {
      x += vx
      y += vy
      lines.push(
        [frame, id, x.toFixed(2), y.toFixed(2), (0.4 * height).toFixed(2), height, counts, classId, 1].join(
          ',',
        ),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/**
 * What a poor tracker makes of ground truth: boxes that are off by up to a tenth of their height, a
 * fifth missing, ids that change from time to time, two that swap, and objects that are not there.
 */
export function disturbed(truth: string, seed: number): string {
  const random = new RandomStream(seed)
  const ids = new Map<number, number>()
  let last = 0
  const lines: string[] = []
  for (const [frame, boxes] of [...parseMot(truth, 'truth')].sort(([a], [b]) => a - b)) {
    const off = (height: number): number => (random.fraction() - 0.5) * 0.2 * height
    const add = (id: number, x: number, y: number, width: number, height: number): void => {
      lines.push(
        [frame, id, x.toFixed(2), y.toFixed(2), width.toFixed(2), height.toFixed(2), 1, -1, -1, -1].join(','),
      )
    }
    const known = boxes.filter(({ id }) => ids.has(id))
    if (known.length > 1 && random.below(10) === 0) {
      const [a, b] = [known[random.below(known.length)].id, known[random.below(known.length)].id]
      const kept = ids.get(a) ?? 0
      ids.set(a, ids.get(b) ?? 0)
      ids.set(b, kept)
    }
    for (const { id, x, y, width, height } of boxes) {
      if (random.below(5) === 0) continue
      if (!ids.has(id) || random.below(60) === 0) ids.set(id, ++last)
      add(ids.get(id) ?? 0, x + off(height), y + off(height), width + off(height) / 2, height + off(height))
    }
    if (random.below(3) === 0)
      add(100_000 + Math.floor(frame / 20), random.fraction() * 900, random.fraction() * 500, 50, 120)
  }
  return `${lines.join('\n')}\n`
}

/**
 * Detections of a sequence by frame; scores of a support vector machine become 1 / (1 + exp(-1.5
 * s)).
 */
export function motDetections(text: string): Map<number, Detection[]> {
  const frames = new Map<number, Detection[]>()
  for (const [frame, boxes] of parseMot(text, 'detections')) {
    frames.set(
      frame,
      boxes.map(({ x, y, width, height, score }) => ({
        label: 'person',
        classId: 0,
        score: 1 / (1 + Math.exp(-1.5 * score)),
        box: { xmin: x, ymin: y, xmax: x + width, ymax: y + height },
      })),
    )
  }
  return frames
}

/** The tracker's results on every n-th frame, those that it saw, in MOT Challenge's format. */
export function trackMot(
  tracker: Tracker,
  frames: ReadonlyMap<number, readonly Detection[]>,
  { every = 1, perSecond = 30 } = {},
): string {
  const lines: string[] = []
  const last = Math.max(...frames.keys())
  for (let frame = 1; frame <= last; frame += every) {
    for (const { id, box, score, seen } of tracker.update(
      frames.get(frame) ?? [],
      ((frame - 1) * 1000) / perSecond,
    )) {
      if (!seen) continue
      const sides = [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin].map((side) =>
        side.toFixed(2),
      )
      lines.push([frame, id, ...sides, score.toFixed(4), -1, -1, -1].join(','))
    }
  }
  return `${lines.join('\n')}\n`
}

/** The lines of every n-th frame. */
export const everyFrame = (text: string, n: number): string =>
  text
    .split('\n')
    .filter((line) => line !== '' && (Number(line.slice(0, line.indexOf(','))) - 1) % n === 0)
    .join('\n')
