import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createReadStream, openSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Camera, type CameraOptions } from '../../src/host/platform/node/camera.js'
import { ocellus, root, sample, temporaryFolder } from '../cli/run.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { hasProgram } from '../helpers/programs.js'
import { RtspCamera, type RtspOptions } from './rtsp-server.js'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Reads until so many frames have come, and returns the sizes that they had and the states. */
async function read(
  source: string,
  options: CameraOptions,
  frames: number,
): Promise<{ sizes: string[]; states: string[] }> {
  const camera = await Camera.open(source, { rate: 0, ...options })
  ends.push(() => camera.close())
  const sizes = new Set<string>()
  const states: string[] = []
  for await (const { frame, events } of camera) {
    for (const event of events) if (event.type === 'camera') states.push(event.state)
    if (frame === undefined) continue
    sizes.add(`${frame.width}x${frame.height}`)
    if (--frames <= 0) break
  }
  return { sizes: [...sizes], states }
}

async function rtsp(options: RtspOptions = {}): Promise<RtspCamera> {
  const server = new RtspCamera(options)
  ends.push(() => server.stop())
  await server.start()
  return server
}

/** A film of a photo that stands still for some seconds. */
function film(format: string, seconds: number): string {
  const file = join(temporaryFolder(), `film.${format}`)
  const words = ['-nostdin', '-v', 'error', '-loop', '1', '-i', sample('astronaut.jpg')]
  spawnSync('ffmpeg', [...words, '-t', String(seconds), '-r', '5', '-pix_fmt', 'yuv420p', file])
  return file
}

const run = hasProgram('ffmpeg') || process.env.OCELLUS_REQUIRE_ALL === '1'

describe.runIf(run)('RTSP', () => {
  it.each(['tcp', 'udp'] as const)('comes over %s', async (transport) => {
    const server = await rtsp()
    const { sizes, states } = await read(server.address, { transport }, 10)
    expect({ sizes, states }).toEqual({ sizes: ['320x240'], states: ['connecting', 'live'] })
    expect(server.transports).toHaveLength(1)
    expect(server.transports[0]).toContain(transport === 'tcp' ? 'interleaved' : 'client_port')
  })

  it('comes within TLS, though the camera has signed its certificate itself', async () => {
    const server = await rtsp({ tls: true })
    expect((await read(server.address, {}, 5)).sizes).toEqual(['320x240'])
  })

  it.each([{ tls: false }, { tls: true }])('gives its password to the camera alone: %o', async ({ tls }) => {
    const server = await rtsp({ tls, password: 'admin:geheim/77?' })
    const address = server.address.replace('//', '//admin:geheim%2F77%3F@')
    const camera = await Camera.open(address, { rate: 0 })
    ends.push(() => camera.close())
    for await (const { frame } of camera) if (frame !== undefined) break
    const wrong = await Camera.open(address.replace('77', '66'), { once: true })
    const all = async (): Promise<void> => {
      for await (const { frame } of wrong) if (frame !== undefined) break
    }
    expect(await codeOfAsync(all, /\*\*\*@/)).toBe('E_CAMERA_AUTH')
  })

  it('shows no password in the list of processes', async () => {
    const server = await rtsp({ password: 'admin:geheim77' })
    const camera = await Camera.open(server.address.replace('//', '//admin:geheim77@'), { rate: 0 })
    ends.push(() => camera.close())
    let list = ''
    for await (const { frame } of camera) {
      if (frame === undefined) continue
      list = execFileSync('ps', ['axo', 'args'], { encoding: 'utf8' })
      break
    }
    expect(list).toContain('ffmpeg')
    expect(list).not.toContain('geheim77')
  })
})

describe.runIf(run)('HLS', () => {
  it('is live, and is lost when it ends', async () => {
    const folder = temporaryFolder()
    const encoder = spawn(
      'ffmpeg',
      [
        ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10'],
        ...['-c:v', 'mpeg2video', '-g', '10', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '4'],
        ...['-hls_flags', 'delete_segments', join(folder, 'live.m3u8')],
      ],
      { stdio: 'ignore' },
    )
    ends.push(() => encoder.kill('SIGKILL'))
    const server = createServer((request, response) => {
      const name = (request.url ?? '').slice(1).replace(/\?.*/, '')
      if (!readdirSync(folder).includes(name)) response.writeHead(404).end()
      else
        createReadStream(join(folder, name))
          .on('error', () => response.destroy())
          .pipe(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.m3u8`
    const camera = await Camera.open(address, { rate: 0, retryMs: [200, 500], stallMs: 4000 })
    ends.push(() => camera.close())
    const states: string[] = []
    let frames = 0
    for await (const { frame, events } of camera) {
      for (const event of events) if (event.type === 'camera') states.push(event.state)
      if (frame !== undefined && ++frames === 15) encoder.kill('SIGKILL')
      if (frames >= 15 && camera.state.state !== 'live') break
    }
    expect(frames).toBeGreaterThanOrEqual(15)
    // Before its first segment is there it can't be found.
    expect(states.filter((state) => state !== 'lost').slice(0, 2)).toEqual(['connecting', 'live'])
  })
})

describe.runIf(run)('standard input', () => {
  const lines = (text: string): { type: string; state?: string; position?: number; time?: string }[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string })

  const command = (input: number | 'pipe') =>
    spawn(
      process.execPath,
      [join(root, 'dist/cli/main.js'), 'camera', '-', '--threshold', '0.15', '--events', '-'],
      {
        stdio: [input, 'pipe', 'pipe'],
      },
    )

  const output = (child: ReturnType<typeof command>): Promise<{ code: number | null; stdout: string }> => {
    let stdout = ''
    child.stdout?.on('data', (text: Buffer) => {
      stdout += text
    })
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout })))
  }

  it('that was redirected from a file is that file', async () => {
    const file = film('mkv', 2)
    const { code, stdout } = await output(command(openSync(file, 'r')))
    expect(code).toBe(0)
    const same = await ocellus('camera', file, '--name', 'stdin', '--threshold', '0.15', '--events', '-')
    // Ids are made of the source's own name.
    const withoutIds = (text: string): string => text.replace(/"id":"[^-]+-/g, '"id":"-')
    expect(withoutIds(stdout)).toBe(withoutIds(same.stdout))
    expect(lines(stdout).some(({ type, position }) => type === 'start' && position !== undefined)).toBe(true)
  })

  it('that is a pipe is live, and ends with it', async () => {
    const child = command('pipe')
    const done = output(child)
    createReadStream(film('mkv', 2)).pipe(child.stdin!)
    const { code, stdout } = await done
    expect(code).toBe(0)
    const states = lines(stdout).filter(({ type }) => type === 'camera')
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'live', 'ended'])
    expect(states[1].time).toBeDefined()
  })

  it('that is no video is refused', async () => {
    const child = command('pipe')
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said += text
    })
    const done = output(child)
    child.stdin?.end('this is no video '.repeat(1000))
    expect((await done).code).toBe(1)
    expect(said).toMatch(/^E_CAMERA_FORMAT: standard input: it is no video/m)
  })
})

describe.runIf(run)('--gate', () => {
  it('leaves out frames in which nothing moves, and no object ends for it', async () => {
    const words = ['camera', film('mp4', 8), '--threshold', '0.15', '--events', '-', '--frames']
    const [all, gated] = [await ocellus(...words), await ocellus(...words, '--gate')]
    const count = (text: string, what: string): number => text.split(what).length - 1
    expect(count(all.stdout, '"type":"frame"')).toBe(40)
    expect(count(all.stdout, '"skipped":true')).toBe(0)
    expect(count(gated.stdout, '"type":"frame"')).toBe(40)
    // It is open at the start and for three seconds after the last motion.
    expect(count(gated.stdout, '"skipped":true')).toBeGreaterThan(15)
    expect(count(gated.stdout, '"type":"start"')).toBe(count(all.stdout, '"type":"start"'))
    expect(count(gated.stdout, '"type":"end"')).toBe(count(gated.stdout, '"type":"start"'))
  })
})
