import { expect, it } from 'vitest'
import { progressLines } from '../../cli/progress-lines.js'

it('tells progress every ten seconds, and nothing of what takes less', () => {
  let time = 5000
  const lines: string[] = []
  const bar = progressLines(
    'calibrating',
    (line) => lines.push(line),
    () => time,
  )
  for (let done = 1; done <= 100; done++) {
    time += 300
    bar.update(done, 100)
  }
  bar.stop()
  expect(lines).toEqual([
    'calibrating: 34 of 100, about 20 s left',
    'calibrating: 68 of 100, about 10 s left',
  ])

  const quick = progressLines(
    'comparing',
    (line) => lines.push(line),
    () => time,
  )
  for (let done = 1; done <= 8; done++) {
    time += 1200
    quick.update(done, 8)
  }
  expect(lines).toHaveLength(2)
})
