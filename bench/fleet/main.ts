/**
 * node dist/bench/fleet/main.js [cameras] [seconds] [restarts]
 *
 * So many simulated cameras report to one mosquitto, which is restarted meanwhile. Prints what
 * arrived, and what a camera and the broker took of a core.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runFleet } from './fleet.js'
import { story } from './story.js'

const [cameras = 200, seconds = 60, restarts = 2] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'ocellus-fleet-'))
try {
  const report = await runFleet({ cameras, seconds, restarts, awaySeconds: 5, folder, events: story() })
  console.log(JSON.stringify(report))
} finally {
  rmSync(folder, { recursive: true })
}
