import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSource } from '../../src/host/platform/node/camera/address.js'
import { rpicamWords } from '../../src/host/platform/node/camera/rpicam.js'
import { deviceInput, listFormats, parseFormats } from '../../src/host/platform/node/camera/v4l2.js'
import { Camera } from '../../src/host/platform/node/camera.js'
import { temporaryFolder } from '../cli/run.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { hasProgram } from '../helpers/programs.js'

/** What ffmpeg 5.1 writes for a common webcam. */
const webcam = `[video4linux2,v4l2 @ 0x55d0] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 160x120 1280x720
[video4linux2,v4l2 @ 0x55d0] Compressed:       mjpeg :          Motion-JPEG : 640x480 160x120 320x240 640x360 1280x720 1920x1080
/dev/video0: Immediate exit requested
`

const folder = temporaryFolder()

/** A program that stands for another: a shell script in a folder of its own. */
function standIn(name: string, script: string): string {
  const at = join(folder, String(Math.random()))
  mkdirSync(at)
  const file = join(at, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

const refusing = (text: string): string => standIn('ffmpeg', `echo '${text}' >&2; exit 1`)

describe('a USB camera', () => {
  it('tells its formats', () => {
    expect(parseFormats(webcam)).toMatchObject([
      { name: 'yuyv422', compressed: false, sizes: [{ width: 640, height: 480 }, {}, {}] },
      { name: 'mjpeg', compressed: true },
    ])
    expect(parseFormats('nothing')).toEqual([])
  })

  it.each([
    [640, 360, '640x360'],
    [641, 300, '1280x720'],
    [4000, 2000, '1920x1080'],
  ])('is read as MJPEG, at least %dx%d', (width, height, size) => {
    const words = deviceInput('/dev/video0', parseFormats(webcam), { width, height, extra: [] }).join(' ')
    expect(words).toContain(`-f v4l2 -input_format mjpeg -video_size ${size} -i /dev/video0`)
  })

  it('without MJPEG is read raw, and without a list as it is', () => {
    const raw = parseFormats(webcam.split('\n')[0])
    const wanted = { width: 640, height: 360, extra: [] }
    expect(deviceInput('/dev/video0', raw, wanted).join(' ')).toContain(
      '-input_format yuyv422 -video_size 640x480',
    )
    expect(deviceInput('/dev/video0', [], wanted).join(' ')).not.toContain('-input_format')
  })

  it.each([
    [
      '[video4linux2,v4l2 @ 0x1] Cannot open video device /dev/video0: Permission denied',
      'E_CAMERA_PERMISSION',
      'usermod -aG video',
    ],
    [
      '[video4linux2,v4l2 @ 0x1] Cannot open video device /dev/video0: No such file or directory',
      'E_CAMERA_NOT_FOUND',
      'no such camera',
    ],
    [
      '[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_STREAMON): Device or resource busy',
      'E_CAMERA_BUSY',
      'another program',
    ],
    ['[video4linux2,v4l2 @ 0x1] Not a video capture device.', 'E_CAMERA_CSI', 'rpicam:'],
    [
      '[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_G_INPUT): Inappropriate ioctl for device',
      'E_CAMERA_CSI',
      'rpicam:',
    ],
  ])('%s', async (text, code, advice) => {
    const listed = listFormats(refusing(text), parseSource('/dev/video0'), folder)
    expect(await codeOfAsync(() => listed, new RegExp(advice))).toBe(code)
  })

  it('that is part of a Raspberry Pi camera is told by its name', async () => {
    const system = join(folder, 'sys')
    mkdirSync(join(system, 'video7'), { recursive: true })
    writeFileSync(join(system, 'video7', 'name'), 'unicam-image\n')
    const listed = listFormats('/bin/false', parseSource('7'), system)
    expect(await codeOfAsync(() => listed, /write rpicam:/)).toBe('E_CAMERA_CSI')
  })
})

const frames = 'ffmpeg -nostdin -v error -re -f lavfi -i testsrc=size=640x360:rate=15'
const withFfmpeg = hasProgram('ffmpeg') || process.env.OCELLUS_REQUIRE_ALL === '1'

describe.runIf(withFfmpeg)('stand-ins', () => {
  it('a USB camera gives frames', async () => {
    const words = join(folder, 'words')
    const ffmpeg = standIn(
      'ffmpeg',
      `case "$*" in
*-version*) echo 'ffmpeg version 5.1.9-0+deb12u1 Copyright';;
*-list_formats*) cat >&2 <<'END'
${webcam}END
exit 1;;
*) echo "$*" > ${words}; exec ${frames} -pix_fmt rgba -c:v pam -f image2pipe pipe:1;;
esac`,
    )
    const camera = await Camera.open('0', { ffmpeg, rate: 0 })
    for await (const { frame } of camera) {
      if (frame === undefined) continue
      expect([frame.width, frame.height]).toEqual([640, 360])
      break
    }
    expect(readFileSync(words, 'utf8')).toContain('-input_format mjpeg -video_size 640x360 -i /dev/video0')
  })

  it.each([
    ['gives frames', `exec ${frames} -pix_fmt yuv420p -f rawvideo pipe:1`, 'none'],
    ['is missing', "echo 'ERROR: *** no cameras available ***' >&2; exit 255", 'E_CAMERA_NOT_FOUND'],
    ['is busy', "echo 'ERROR: *** failed to acquire camera /base/soc ***' >&2; exit 255", 'E_CAMERA_BUSY'],
  ])("a Raspberry Pi's camera that %s", async (_, script, code) => {
    const path = process.env.PATH
    process.env.PATH = `${join(standIn('rpicam-vid', script), '..')}${delimiter}${path}`
    const first = async (): Promise<void> => {
      const camera = await Camera.open('rpicam:1', { rate: 0, once: true })
      for await (const { frame } of camera) if (frame !== undefined) break
    }
    expect(await codeOfAsync(first).finally(() => (process.env.PATH = path))).toBe(code)
  })

  it("a Raspberry Pi's camera is asked for rows without padding", () => {
    const { camera, input } = rpicamWords('1', { width: 350, height: 198, rate: 5 })
    expect(camera.join(' ')).toContain('--camera 1 --timeout 0')
    expect(camera.join(' ')).toContain('--width 384 --height 198 --framerate 15')
    expect(input.join(' ')).toContain('-video_size 384x198')
  })
})

describe('what is missing', () => {
  it.each([
    ['test:', { ffmpeg: '/nowhere/ffmpeg' }, 'E_CAMERA_FFMPEG', /apt install ffmpeg/],
    ['test:', { ffmpeg: folder }, 'E_CAMERA_FFMPEG', /apt install ffmpeg/],
    ['rpicam:', {}, 'E_CAMERA_RPICAM', /apt install rpicam/],
  ])('%s %o', async (source, options, code, advice) => {
    expect(await codeOfAsync(() => Camera.open(source, options), advice)).toBe(code)
  })

  it('is looked for on PATH only', async () => {
    const path = process.env.PATH
    process.env.PATH = ''
    const opened = codeOfAsync(() => Camera.open('test:'), /not installed/)
    expect(await opened.finally(() => (process.env.PATH = path))).toBe('E_CAMERA_FFMPEG')
  })
})
