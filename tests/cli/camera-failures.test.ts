import { spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasProgram } from '../helpers/programs.js'
import { ocellus, sample, temporaryFolder } from './run.js'

const folder = temporaryFolder()

/** A film of a photo, of some seconds, in a format. */
function film(name: string): string {
  const file = join(folder, name)
  const words = ['-nostdin', '-v', 'error', '-y', '-loop', '1', '-i', sample('astronaut.jpg')]
  spawnSync('ffmpeg', [...words, '-t', '3', '-r', '5', '-g', '5', '-pix_fmt', 'yuv420p', file])
  return file
}

/** The first part of a file. */
function part(file: string, name: string, share: number): string {
  const bytes = readFileSync(file)
  const cut = join(folder, name)
  writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length * share)))
  return cut
}

const count = (text: string, what: string): number => text.split(what).length - 1

describe.runIf(hasProgram('ffmpeg') || process.env.OCELLUS_REQUIRE_ALL === '1')('ocellus camera', () => {
  it('reads a file that ends in the middle of a frame up to there, and ends what it has begun', async () => {
    const cut = part(film('whole.mkv'), 'cut.mkv', 0.8)
    const { code, stdout } = await ocellus('camera', cut, '--threshold', '0.15', '--events', '-')
    expect(code).toBe(0)
    expect(count(stdout, '"type":"start"')).toBeGreaterThan(0)
    expect(count(stdout, '"type":"end"')).toBe(count(stdout, '"type":"start"'))
    expect(stdout.trim().split('\n').at(-1)).toContain('"state":"ended"')
  })

  it.each([
    ['a film without its end', () => part(film('whole.mp4'), 'cut.mp4', 0.8), 'E_CAMERA_FORMAT'],
    [
      'sound alone',
      () => {
        const file = join(folder, 'sound.wav')
        spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=d=1', file])
        return file
      },
      'E_CAMERA_NO_VIDEO',
    ],
    [
      'text',
      () => {
        const file = join(folder, 'text.mp4')
        writeFileSync(file, 'this is no video '.repeat(100))
        return file
      },
      'E_CAMERA_FORMAT',
    ],
    [
      'nothing',
      () => {
        const file = join(folder, 'empty.mp4')
        writeFileSync(file, '')
        return file
      },
      'E_CAMERA_FORMAT',
    ],
    [
      'a playlist that names other files of this machine',
      () => {
        const file = join(folder, 'list.m3u8')
        writeFileSync(file, '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n')
        return file
      },
      'E_CAMERA_FORMAT',
    ],
  ])('refuses %s', async (_, make, code) => {
    const ran = await ocellus('camera', make(), '--events', '-')
    expect(ran.code).toBe(1)
    expect(ran.stdout.trim().split('\n').at(-1)).toContain(`"state":"ended","code":"${code}"`)
    for (const line of ran.stderr.trim().split('\n')) expect(line).toMatch(new RegExp(`^${code}: `))
  })

  it.runIf(process.platform === 'linux')(
    'goes on when its events can not be written, and says so',
    async () => {
      const words = ['--threshold', '0.15', '--events', '/dev/full']
      const live = await ocellus('camera', 'test:', ...words, '--duration', '3s')
      expect(live.code).toBe(0)
      expect(count(live.stderr, 'E_FILE_WRITE: /dev/full')).toBe(1)
      expect(live.stderr).toContain('camera ended')
      const file = await ocellus('camera', film('whole.mkv'), ...words)
      expect(count(file.stderr, 'E_FILE_WRITE: /dev/full')).toBe(1)
      // A device stays what it is: nothing is renamed over it.
      expect(statSync('/dev/full').isCharacterDevice()).toBe(true)
    },
  )

  it.each([
    [['--zone', 'a:0,0 1,1 1,0 0,1'], 'E_ZONE: zone .a.: sides . and . meet'],
    [['--zone', 'a:0,0 1,0 1.5,1'], "E_ZONE: zone 'a': the point 1.5,1 lies outside the picture"],
    [['--zone', 'a:0,0 1,0'], "E_ZONE: zone 'a': a zone needs at least three points"],
    [['--line', 'a:0,0 0,0'], "E_ZONE: line 'a'"],
    [['--zone', 'a:0,0 1,0 1,1', '--zone', 'a:0,0 1,0 1,1'], 'E_ZONE'],
    [['--view', '99999'], 'E_OPTION: 99999'],
    [['--transport', 'smoke'], 'E_OPTION: smoke'],
    [['--ffmpeg', '/nowhere'], 'E_CAMERA_FFMPEG'],
    [['--snapshots', '/dev/null/x'], 'E_FILE_WRITE'],
  ])('refuses %o', async (words, text) => {
    const { stdout, stderr } = await ocellus('camera', 'test:', ...words, '--duration', '1s')
    expect(stdout).toBe('')
    expect(stderr).toMatch(new RegExp(`^${text}[^\n]*\n$`))
  })
})
