import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { videoOf } from '../../src/host/platform/node/camera/video.js'
import { jpeg, MjpegCamera } from '../camera/mjpeg-server.js'
import { hasProgram } from '../helpers/programs.js'
import { ocellus, sample, temporaryFolder } from './run.js'

it.each([
  [
    'h264 (Constrained Baseline), 1 reference frame, yuv420p(progressive, left), 640x360, 15 fps, 90k tbn',
    { codec: 'h264', width: 640, height: 360, rate: 15 },
  ],
  [
    'hevc (Main) (hev1 / 0x31766568), yuv420p(tv, bt709), 2560x1440 [SAR 1:1 DAR 16:9], 873 kb/s, 29.97 fps, 30 tbr',
    { codec: 'hevc', width: 2560, height: 1440, rate: 29.97 },
  ],
  ['mjpeg (Baseline), yuvj420p(pc, bt470bg/unknown/unknown), 320x320, 1k fps, 25 tbr', { rate: 1000 }],
  ['rawvideo (I420 / 0x30323449), yuv420p, 384x198', { codec: 'rawvideo', width: 384, height: 198 }],
  ['none', { codec: 'none' }],
  ['', { codec: 'unknown' }],
])('%s', (text, video) => {
  expect(videoOf(text)).toMatchObject(video)
})

const isReady = hasProgram('ffmpeg') || process.env.OCELLUS_REQUIRE_ALL === '1'

describe.runIf(isReady)('ocellus camera --check', () => {
  it('shows what a live source gives, and what is in one frame', async () => {
    const picture = jpeg(640, 480)
    const server = new MjpegCamera(() => picture, 100)
    server.password = 'admin:geheim77'
    await server.start()
    const address = server.address.replace('//', '//admin:geheim77@')
    const words = ['--check', '--threshold', '0.2', '--zone', 'all:0,0 1,0 1,1 0,1']
    const [text, json] = [
      await ocellus('camera', address, ...words),
      await ocellus('camera', address, ...words, '--json'),
    ]
    await server.kill()
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/^source {4}http:\/\/\*\*\*@127\.0\.0\.1:\d+\/video \(live\)/)
    expect(text.stdout).toMatch(/video {5}mjpeg 640x480.* measured/)
    expect(text.stdout).toMatch(/frames {4}480x360 to the detector/)
    expect(text.stdout).toMatch(/person +0\.\d\d +\d+,\d+ to \d+,\d+ +all/)
    expect(json).toMatchObject({ code: 0, stderr: '' })
    const found = JSON.parse(json.stdout) as { measuredRate: number }
    expect(found).toMatchObject({
      live: true,
      video: { codec: 'mjpeg', width: 640, height: 480 },
      frame: { width: 480, height: 360 },
      detections: expect.arrayContaining([expect.objectContaining({ label: 'person', zones: ['all'] })]),
    })
    expect(found.measuredRate).toBeGreaterThan(1)
    expect(text.stdout + json.stdout).not.toContain('geheim')
  })

  it('shows a file', async () => {
    const film = join(temporaryFolder(), 'film.mp4')
    const words = ['-nostdin', '-v', 'error', '-loop', '1', '-i', sample('astronaut.jpg')]
    spawnSync('ffmpeg', [...words, '-t', '1', '-r', '10', '-pix_fmt', 'yuv420p', film])
    const { code, stdout, stderr } = await ocellus('camera', film, '--check', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      live: false,
      name: 'film',
      video: { codec: 'h264', rate: 10 },
    })
  })

  it('ends with the code of a source that gives nothing', async () => {
    const server = new MjpegCamera(() => Buffer.from('nothing'))
    await server.start()
    const refused = await ocellus('camera', `${server.address}`.replace(/:\d+/, ':1'), '--check')
    await server.kill()
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^E_CAMERA_OPEN: .*it does not answer[^\n]*\n$/)
  })
})
