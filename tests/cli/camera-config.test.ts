import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { applyConfig } from '../../cli/camera/config.js'
import { addOptions, type Words } from '../../cli/camera/options.js'
import { codeOf } from '../helpers/code-of.js'
import { ocellus, temporaryFolder } from './run.js'

const folder = temporaryFolder()

function configured(text: string, ...words: readonly string[]): Words & { source?: string } {
  const file = join(folder, 'camera.yaml')
  writeFileSync(file, text)
  const command = addOptions(new Command('camera')).exitOverride()
  command.parse(['--config', file, ...words], { from: 'user' })
  const source = applyConfig(command)
  const { config: _, ...options } = command.opts<Words>()
  return { source, ...options }
}

describe('a file of options', () => {
  it('says what the command line could say', () => {
    const text = `
source: rtsp://user:geheim77@10.0.0.7/stream2
name: front
labels: [person, car]
label-threshold: { person: 0.5, car: 0.3 }
rate: 5
size: 640x360
zone:
  - door:0.1,0.2 0.5,0.2 0.5,0.9
  - { name: yard, points: [[0, 0.5], [1, 0.5], [1, 1]], labels: [car], loiterMs: 3000 }
line: gate:0,0.5 1,0.5
gate: true
frames: false
stall: 90s
retry: 1s,60s
view: 0.0.0.0:8080
mqtt: mqtt://host
mqtt-keep: 2MB
discovery: true
ffmpeg-input: -hwaccel drm
`
    expect(configured(text)).toEqual({
      source: 'rtsp://user:geheim77@10.0.0.7/stream2',
      name: 'front',
      labels: ['person', 'car'],
      labelThreshold: { person: 0.5, car: 0.3 },
      rate: 5,
      size: { width: 640, height: 360 },
      zone: [
        'door:0.1,0.2 0.5,0.2 0.5,0.9',
        {
          name: 'yard',
          points: [
            [0, 0.5],
            [1, 0.5],
            [1, 1],
          ],
          labels: ['car'],
          loiterMs: 3000,
        },
      ],
      line: ['gate:0,0.5 1,0.5'],
      gate: true,
      frames: false,
      stall: 90_000,
      retry: [1000, 60_000],
      view: { host: '0.0.0.0', port: 8080 },
      mqtt: 'mqtt://host',
      mqttKeep: 2e6,
      discovery: true,
      ffmpegInput: '-hwaccel drm',
    })
  })

  it('gives way to the command line', () => {
    const text = 'rate: 5\nzone: door:0,0 1,0 1,1\nlabels: person\ndiscovery: false\n'
    const words = ['--rate', 'all', '--zone', 'gap:0,0 0.5,0 0.5,0.5']
    expect(configured(text, ...words)).toEqual({
      rate: 0,
      zone: ['gap:0,0 0.5,0 0.5,0.5'],
      labels: ['person'],
      discovery: undefined,
    })
    expect(configured('')).toEqual({})
    process.env.OCELLUS_MQTT_PASSWORD = 'of the environment'
    expect(configured('mqtt-password: of the file').mqttPassword).toBe('of the environment')
    delete process.env.OCELLUS_MQTT_PASSWORD
    expect(configured('mqtt-password: of the file').mqttPassword).toBe('of the file')
  })

  it.each([
    ['rat: 5', /camera\.yaml: there is no option rat; there are source, model/],
    ['config: other.yaml', /there is no option config/],
    ['check: true', /there is no option check/],
    ['rate: fast', /camera\.yaml: rate: fast is no rate/],
    ['rate: [1, 2]', /camera\.yaml: rate is no text and no number/],
    ['rate:', /camera\.yaml: rate is no text and no number/],
    ['gate: maybe', /camera\.yaml: gate is neither true nor false/],
    ['labels: { a: b }', /camera\.yaml: labels is no text/],
    ['label-threshold: { person: 2 }', /label-threshold\.person is 2, expected a number from 0 to 1/],
    ['zone: [{ name: a, points: [[0, 0]], color: red }]', /zone\[0\] has an unknown field/],
    ['zone: [{ name: a, points: [[0, x]] }]', /zone\[0\]\.points\[0\]\[1\]/],
    ['source: [a]', /camera\.yaml: source is no text/],
    ['- a', /holds no options/],
    ['just words', /holds no options/],
    ['rate: 5\nrate: 6', /camera\.yaml:2: /],
    ['a: [', /camera\.yaml:1: /],
    [`a: &a [x]\n${'b: *a\n'.repeat(3)}`, /camera\.yaml:/],
    [
      'a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]',
      /alias/,
    ],
  ])('%s is refused with its place', (text, message) => {
    expect(codeOf(() => configured(text), message)).toBe('E_OPTION')
  })

  it('must be there and small', () => {
    expect(codeOf(() => configured(`# ${'x'.repeat(1 << 20)}`), /no file of options/)).toBe('E_OPTION')
    const command = addOptions(new Command('camera')).exitOverride()
    command.parse(['--config', join(folder, 'nothing.yaml')], { from: 'user' })
    expect(codeOf(() => applyConfig(command), /no such file/)).toBe('E_FILE_MISSING')
  })
})

it('a file alone starts the command', async () => {
  const file = join(folder, 'whole.yaml')
  writeFileSync(file, 'source: nothing.mp4\n')
  expect(await ocellus('camera', '--config', file)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'E_FILE_MISSING: nothing.mp4: no such file\n',
  })
  writeFileSync(file, 'rate: 5\n')
  const { code, stderr } = await ocellus('camera', '--config', file)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^E_USAGE: give a source/) })
})
