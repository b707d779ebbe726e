import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hasProgram } from '../helpers/programs.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { ocellus, root, sample, temporaryFolder } from './run.js'

interface Line {
  readonly type: string
  readonly state?: string
  readonly position: number
  readonly id: string
  readonly label: string
}

const parsed = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

/** When a person is in the picture, in seconds, by looking at it. */
const persons = [
  [7, 19.8],
  [23.2, 44.8],
  [51.4, 70],
  [75, 86.8],
  [93.4, 119.8],
  [124.2, 136],
]

test('six persons, one after the other, give six starts and six ends, and twice the same bytes', async (context) => {
  const video = sharedData('video/one-by-one-person-detection.mp4')
  skipUnless(context, video, 'video/one-by-one-person-detection.mp4 of the shared data')
  skipUnless(context, hasProgram('ffmpeg'), 'ffmpeg')
  const words = ['camera', video, '--rate', '5', '--labels', 'person', '--events', '-']
  const [first, second] = await Promise.all([ocellus(...words), ocellus(...words)])
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(second.stdout).toBe(first.stdout)
  const lines = parsed(first.stdout)
  for (const [type, end] of [
    ['start', 0],
    ['end', 1],
  ] as const) {
    const events = lines.filter((line) => line.type === type)
    expect(events).toHaveLength(6)
    for (const [n, { position, label }] of events.entries()) {
      expect(label).toBe('person')
      expect(Math.abs(position - persons[n][end])).toBeLessThanOrEqual(1)
    }
  }
  expect(new Set(lines.filter(({ type }) => type === 'start').map(({ id }) => id)).size).toBe(6)
  const states = lines.filter(({ type }) => type === 'camera').map(({ state }) => state)
  expect(states).toEqual(['connecting', 'live', 'ended'])
}, 400_000)

test('a recording is replayed: the same events, and those of other zones', async (context) => {
  skipUnless(context, hasProgram('ffmpeg'), 'ffmpeg')
  const folder = temporaryFolder()
  const video = join(folder, 'cat.mp4')
  const made = [
    '-v',
    'error',
    '-loop',
    '1',
    '-i',
    sample('astronaut.jpg'),
    '-t',
    '3',
    '-r',
    '5',
    '-pix_fmt',
    'yuv420p',
  ]
  spawnSync('ffmpeg', [...made, video])
  const events = join(folder, 'events.jsonl')
  const whole = ['--zone', 'all:0,0 1,0 1,1 0,1', '--threshold', '0.15']
  const run = await ocellus('camera', video, ...whole, '--events', events, '--frames')
  expect(run).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const lines = readFileSync(events, 'utf8').trim().split('\n')
  expect(lines[0]).toContain('"type":"scene"')
  expect(lines.filter((line) => line.includes('"type":"frame"'))).toHaveLength(15)
  const told = lines.filter((line) => /"type":"(start|update|end|enter|leave)"/.test(line))
  expect(told.length).toBeGreaterThan(3)
  const same = await ocellus('camera', events, '--events', '-')
  expect(same).toMatchObject({ code: 0, stderr: '' })
  expect(same.stdout).toBe(`${told.join('\n')}\n`)
  const other = await ocellus('camera', events, '--events', '-', '--zone', 'corner:0,0 0.1,0 0.1,0.1')
  expect(other.stdout).toContain('"start"')
  expect(other.stdout).not.toContain('"enter"')
  writeFileSync(events, told.join('\n'))
  expect((await ocellus('camera', events)).stderr).toMatch(/^E_RECORDING: .*--frames\n$/)
})

test.each([
  ['nothing.mp4', 'E_FILE_MISSING: nothing.mp4: no such file'],
  ['./', 'E_CAMERA_SOURCE: ./ is a folder, not a video'],
  ['gopher://x/y', 'E_CAMERA_SOURCE: gopher://x/y: no such kind of source'],
  ['rtsp://u:geheim1@h:x/', 'E_CAMERA_SOURCE: rtsp://***@h:x/ is no address'],
])('%s is refused', async (source, text) => {
  const { code, stdout, stderr } = await ocellus('camera', source)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(text)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).not.toContain('geheim')
})

/** Processes whose arguments hold a text. */
const running = (text: string): string[] =>
  spawnSync('ps', ['axo', 'pid=,args='], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(text) && !line.includes('ps axo'))

test.each([
  ['SIGTERM', 0],
  ['SIGKILL', null],
] as const)('%s ends it, and ffmpeg with it', async (signal, code) => {
  // The size marks the processes of this test.
  const size = `1${Math.floor(Math.random() * 90) + 10}x${signal === 'SIGTERM' ? 98 : 96}`
  const words = ['camera', 'test:', '--events', '-', '--size', size]
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...words])
  let stdout = ''
  const isLive = new Promise<void>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      stdout += text
      if (stdout.includes('"live"')) resolve()
    })
  })
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  await isLive
  const mark = `min(${size.split('x')[0]}\\,iw)`
  expect(running(mark)).toHaveLength(1)
  child.kill(signal)
  expect(await exited).toBe(code)
  for (let tries = 0; running(mark).length > 0 && tries < 100; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100))
  expect(running(mark)).toEqual([])
  const last = parsed(stdout).at(-1)
  if (signal === 'SIGTERM') expect(last).toMatchObject({ type: 'camera', state: 'ended' })
})
