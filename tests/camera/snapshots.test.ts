import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Snapshots } from '../../src/host/platform/node/camera/snapshots.js'
import type { VideoEvent } from '../../src/host/video/types.js'
import { temporaryFolder } from '../cli/run.js'
import { codeOfAsync } from '../helpers/code-of.js'

const event = (id: number): VideoEvent => ({
  v: 1,
  type: 'start',
  time: new Date(1e12 + id * 1000).toISOString(),
  camera: 'front.1',
  id: `k3f9-${id}`,
  label: 'traffic light',
  score: 0.9,
  topScore: 0.9,
  box: { xmin: 0, ymin: 0, xmax: 1, ymax: 1 },
  width: 10,
  height: 10,
  zones: [],
  stationary: false,
  duration: 0,
})

const open = async (folder: string, keep: number, keepBytes: number) => {
  const warnings: string[] = []
  const warn = (text: string): unknown => warnings.push(text)
  return { snapshots: await Snapshots.open({ folder, camera: 'front.1', keep, keepBytes, warn }), warnings }
}

it('keeps the picture of the very frame, come before or after, within a number', async () => {
  const folder = join(temporaryFolder(), 'deep', 'er')
  const { snapshots } = await open(folder, 3, 1e6)
  writeFileSync(join(folder, 'holiday.jpg'), 'not ours')
  writeFileSync(join(folder, 'front.1.jpg'), 'not ours')
  for (let n = 0; n < 6; n++) {
    const jpeg = Buffer.from(`picture ${n}`)
    if (n % 2) snapshots.picture(jpeg, n)
    const name = snapshots.take(event(n), n)
    expect(name).toBe(`front.1_2001-09-09T01-46-4${n}.000Z_traffic-light_k3f9-${n}.jpg`)
    if (!(n % 2)) snapshots.picture(jpeg, n)
  }
  await snapshots.close()
  const ours = (): string[] =>
    readdirSync(folder)
      .filter((name) => name.includes('_'))
      .sort()
  const files = ours()
  expect(readdirSync(folder)).toHaveLength(5)
  expect(files.map((file) => readFileSync(join(folder, file), 'utf8'))).toEqual([
    'picture 3',
    'picture 4',
    'picture 5',
  ])
  // Another run counts what is there.
  const again = await open(folder, 2, 1e6)
  await again.snapshots.close()
  expect(ours()).toEqual(files.slice(1))
})

it('keeps so many bytes and no more', async () => {
  const folder = temporaryFolder()
  const { snapshots } = await open(folder, 1000, 2500)
  for (let n = 0; n < 10; n++) {
    snapshots.picture(new Uint8Array(1000), n)
    snapshots.take(event(n), n)
  }
  await snapshots.close()
  expect(readdirSync(folder)).toHaveLength(2)
})

it('goes on when the disk takes nothing, and says so once', async () => {
  const folder = temporaryFolder()
  const { snapshots, warnings } = await open(folder, 10, 1e6)
  rmSync(folder, { recursive: true })
  for (let n = 0; n < 3; n++) {
    snapshots.picture(new Uint8Array(10), n)
    snapshots.take(event(n), n)
  }
  await snapshots.close()
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/^E_FILE_WRITE: /)
})

it('refuses a folder that is a file', async () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  chmodSync(file, 0o600)
  expect(await codeOfAsync(() => open(file, 1, 1))).toBe('E_FILE_WRITE')
})
