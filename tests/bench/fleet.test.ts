import { describe, expect, it } from 'vitest'
import type { FleetReport } from '../../bench/fleet/fleet.js'
import { hasMosquitto } from '../../bench/fleet/mosquitto.js'
import { story } from '../../bench/fleet/story.js'
import { root, temporaryFolder } from '../cli/run.js'

it('the story has all kinds of events, and as many ends as starts', () => {
  const types = story().map(({ type }) => type)
  const count = (type: string): number => types.filter((each) => each === type).length
  expect(count('start')).toBe(6)
  expect(count('end')).toBe(6)
  expect(count('enter')).toBe(6)
  expect(count('leave')).toBe(6)
  expect(count('cross')).toBe(6)
})

describe.runIf(hasMosquitto || process.env.OCELLUS_REQUIRE_ALL === '1')('ten cameras and one broker', () => {
  it('that is restarted twice: every event arrives, in order', async () => {
    // As it is built: its listener is a process of its own.
    const { runFleet } = (await import(`${root}/dist/bench/fleet/fleet.js`)) as {
      runFleet: typeof import('../../bench/fleet/fleet.js').runFleet
    }
    const events = story().map((event) => ({ ...event, position: (event.position ?? 0) / 20 }))
    const folder = temporaryFolder()
    const report: FleetReport = await runFleet({
      cameras: 10,
      seconds: 6,
      restarts: 2,
      awaySeconds: 1,
      folder,
      events,
    })
    expect(report.made).toBeGreaterThan(200)
    expect(report).toMatchObject({ cameras: 10, arrived: report.made, disordered: 0 })
  })
})
