import { describe, expect, it } from 'vitest'
import { parseSource } from '../../src/host/platform/node/camera/address.js'
import { ffmpegArguments, secretList } from '../../src/host/platform/node/camera/arguments.js'
import { Redactor, redactAddresses } from '../../src/host/platform/node/camera/redact.js'
import { sample } from '../cli/run.js'

const photo = sample('cat.jpg')

describe('a source', () => {
  it.each([
    ['rtsp://user:secret1@10.0.0.7:554/stream1', { kind: 'rtsp', live: true, name: '10.0.0.7' }],
    ['RTSPS://cam/x', { kind: 'rtsp', live: true, name: 'cam' }],
    ['http://cam/video.mjpg', { kind: 'http', live: true, returns: true }],
    ['https://cam/film.mp4?x=1', { kind: 'http', live: false, returns: false }],
    ['0', { kind: 'device', target: '/dev/video0', name: 'video0' }],
    ['/dev/v4l/by-id/usb-cam', { kind: 'device', target: '/dev/v4l/by-id/usb-cam' }],
    ['rpicam:', { kind: 'rpicam', target: '0' }],
    ['rpicam:1', { kind: 'rpicam', target: '1' }],
    ['test:', { kind: 'test', live: true }],
    ['-', { kind: 'stdin', returns: false }],
    [photo, { kind: 'file', target: photo, live: false, name: 'cat' }],
    [`file://${photo}`, { kind: 'file', target: photo }],
  ])('%s', (word, expected) => {
    expect(parseSource(word)).toMatchObject(expected)
  })

  it.each([
    ['', 'E_CAMERA_SOURCE'],
    ['-i', 'E_CAMERA_SOURCE'],
    ['--version', 'E_CAMERA_SOURCE'],
    ['concat:a|b', 'E_CAMERA_SOURCE'],
    ['data:text/plain,x', 'E_CAMERA_SOURCE'],
    ['rtsp://', 'E_CAMERA_SOURCE'],
    ['rtsp://cam/a\nb', 'E_CAMERA_SOURCE'],
    ['rtsp://cam/a b', 'E_CAMERA_SOURCE'],
    ['rpicam:x', 'E_CAMERA_SOURCE'],
    ['$(touch x)', 'E_FILE_MISSING'],
    ['a.mp4; rm -rf x', 'E_FILE_MISSING'],
  ])('%j is refused', (word, code) => {
    expect(() => parseSource(word)).toThrow(expect.objectContaining({ code }))
  })
})

describe("ffmpeg's arguments", () => {
  const wanted = {
    version: 501,
    width: 640,
    height: 360,
    rate: 5,
    pictures: false,
    transport: 'tcp',
    extra: [],
  } as const

  it('hold a source as the value of -i and of nothing else', () => {
    for (const word of ['rtsp://cam/-f lavfi'.replace(' ', '%20'), 'http://cam/;id', photo]) {
      const source = parseSource(word)
      const words = ffmpegArguments(source, wanted)
      const at = words.indexOf('-i') + 1
      expect(words[at]).toBe(source.kind === 'file' ? `file:${source.target}` : word)
      expect(words.filter((text) => text.includes(source.target))).toHaveLength(1)
    }
  })

  it('thin a file, but take every frame of a live source', () => {
    expect(ffmpegArguments(parseSource(photo), wanted).join(' ')).toContain('fps=fps=min(5')
    const live = ffmpegArguments(parseSource('rtsp://cam/x'), wanted).join(' ')
    expect(live).not.toMatch(/fps=fps|-vf fps/)
    expect(live).toContain('-flags low_delay -probesize 32768 -analyzeduration 0 -protocol_whitelist')
    expect(live).toContain('-rtsp_transport tcp')
  })

  it('do not hold a password: it goes by a descriptor', () => {
    const source = parseSource("rtsp://admin:se'cret1@cam/x")
    expect(ffmpegArguments(source, wanted).join(' ')).not.toContain('cret1')
    expect(secretList(source, wanted)).toContain("file 'rtsp://admin:se'\\''cret1@cam/x'\n")
  })

  it('name options as old versions do', () => {
    const words = ffmpegArguments(parseSource('rtsp://cam/x'), { ...wanted, version: 403 })
    expect(words).toContain('-stimeout')
    expect(words).not.toContain('-timeout')
    expect(words).toContain('-vsync')
  })
})

describe('passwords', () => {
  it.each([
    ['rtsp://admin:hunter22@cam:554/x?y', 'rtsp://***@cam:554/x?y'],
    ['rtsp://admin:p@ss/w@rd@cam/x', 'rtsp://***@cam/x'],
    ['http://cam/snap.cgi?user=a&pwd=hunter22&n=1', 'http://cam/snap.cgi?user=a&pwd=***&n=1'],
    ['rtsp://cam/user=admin&password=hunter22&channel=1', 'rtsp://cam/user=admin&password=***&channel=1'],
    ['http://cam/stream', 'http://cam/stream'],
  ])('%s', (text, clean) => {
    expect(redactAddresses(text)).toBe(clean)
  })

  it('are known in other forms too', () => {
    const redactor = new Redactor(['rtsp://admin:hunter%2122@cam/x'])
    expect(redactor.redact('Basic auth for admin with hunter!22 failed')).not.toContain('hunter')
    expect(redactor.redact('admin:hunter%2122')).not.toContain('hunter')
  })
})
