import { expect, test } from 'vitest'
import { Scene } from '../../src/host/index.js'

test('one object that walks through a zone and over a line', () => {
  const scene = new Scene({
    prefix: 'k3f9',
    zones: ['door:0.4,0 0.6,0 0.6,1 0.4,1'],
    lines: ['gate:0.5,1 0.5,0'],
  })
  const events = []
  for (let n = 0; n < 30; n++) {
    const x = 20 * n
    const box = { xmin: x, ymin: 100, xmax: x + 60, ymax: 300 }
    const frame = { timeMs: n * 200, position: n / 5, width: 640, height: 360 }
    events.push(...scene.update([{ label: 'person', classId: 0, score: 0.8, box }], frame).events)
  }
  events.push(...scene.close())
  expect(events.filter(({ type }) => type !== 'update').map(({ type }) => type)).toEqual([
    'start',
    'enter',
    'cross',
    'leave',
    'end',
  ])
  expect(events.map(({ id }) => id)).toEqual(events.map(() => 'k3f9-1'))
  expect(scene.engine.counts()).toEqual({ gate: { in: 1, out: 0 } })
})
