import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  Camera,
  type CameraEvent,
  type CameraOptions,
  type CameraResult,
} from '../../src/host/platform/node/camera.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { hasProgram } from '../helpers/programs.js'
import { jpeg, MjpegCamera } from './mjpeg-server.js'

const quick: CameraOptions = { retryMs: [200, 500], stallMs: 1500, scoreThreshold: 0.15 }

/** Reads a camera in the background and remembers what it told. */
class Watcher {
  readonly results: CameraResult[] = []
  readonly states: string[] = []
  readonly types: string[] = []
  frames = 0
  failure: unknown
  readonly done: Promise<void>

  constructor(readonly camera: Camera) {
    this.done = this.#read().catch((error: unknown) => {
      this.failure = error
    })
  }

  async #read(): Promise<void> {
    for await (const result of this.camera) {
      if (result.frame !== undefined) this.frames++
      this.results.push({ ...result, frame: undefined })
      for (const event of result.events) {
        this.types.push(event.type)
        if (event.type === 'camera') this.states.push(`${event.state}${event.code ? ` ${event.code}` : ''}`)
      }
    }
  }

  /** Waits for something, long enough for a loaded machine. */
  async until(what: string, check: () => boolean): Promise<void> {
    for (let tries = 0; !check(); tries++) {
      if (tries > 1200) throw new Error(`waited for ${what}; states: ${this.states.join(', ')}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const children = (): string[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /ffmpeg|read -r line/.test(line))

let camera: Camera | undefined
let server: MjpegCamera | undefined
afterEach(async () => {
  await camera?.close()
  await server?.kill()
  camera = undefined
  server = undefined
  expect(children()).toEqual([])
})

describe.runIf(hasProgram('ffmpeg') || process.env.OCELLUS_REQUIRE_ALL === '1')('a live camera', () => {
  let small: Buffer
  let large: Buffer
  beforeAll(() => {
    small = jpeg(320, 320)
    large = jpeg(800, 600)
  })

  it('that goes is lost and comes back, and every start has one end', async () => {
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, quick)
    const watcher = new Watcher(camera)
    await watcher.until('a start', () => watcher.types.includes('start'))
    expect(camera.state).toMatchObject({ state: 'live', attempt: 0 })
    await server.kill()
    await watcher.until('the loss', () => watcher.states.some((state) => state.startsWith('lost')))
    const count = (type: string): number => watcher.types.filter((t) => t === type).length
    expect(count('start')).toBe(count('end'))
    await watcher.until('a failed attempt', () => watcher.states.includes('lost E_CAMERA_OPEN'))
    await server.start()
    await watcher.until('the return', () => camera?.state.state === 'live' && count('start') > count('end'))
    await camera.close()
    await watcher.done
    expect(count('start')).toBe(count('end'))
    expect(watcher.failure).toBeUndefined()
    expect(watcher.states.slice(0, 3)).toEqual(['connecting', 'live', 'lost E_CAMERA_LOST'])
    expect(watcher.states.slice(-2)).toEqual(['live', 'ended'])
    expect(camera.stats).toMatchObject({ reconnects: 1 })
    const message = watcher.results
      .flatMap(({ events }) => events)
      .find((event): event is CameraEvent => event.type === 'camera' && event.code === 'E_CAMERA_OPEN')
    expect(message?.message).toContain('it does not answer (Connection refused')
  })

  it('that freezes is stalled and tried again', async () => {
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, quick)
    const watcher = new Watcher(camera)
    await watcher.until('life', () => watcher.frames > 2)
    server.frozen = true
    await watcher.until('the stall', () => watcher.states.includes('stalled E_CAMERA_STALLED'))
    server.frozen = false
    await watcher.until('the return', () => camera?.state.state === 'live')
    expect(server.connections).toBeGreaterThan(1)
  })

  it('that takes a connection and says nothing is soon asked anew', async () => {
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, quick)
    const watcher = new Watcher(camera)
    await watcher.until('life', () => watcher.frames > 2)
    server.silent = true
    server.frozen = true
    const before = server.connections
    await watcher.until('an attempt', () => (server?.connections ?? 0) > before)
    const began = performance.now()
    await watcher.until('another attempt', () => (server?.connections ?? 0) > before + 1)
    // A camera that was never live would have been given 15 seconds.
    expect(performance.now() - began).toBeLessThan(13_000)
    server.silent = false
    server.frozen = false
    await watcher.until('the return', () => camera?.state.state === 'live')
  })

  it('that is slow is not dead', async () => {
    server = new MjpegCamera(() => small, 2500)
    await server.start()
    camera = await Camera.open(server.address, { ...quick, stallMs: 20_000 })
    const watcher = new Watcher(camera)
    await watcher.until('three frames', () => watcher.frames >= 3)
    expect(watcher.states).toEqual(['connecting', 'live'])
    expect(server.connections).toBe(1)
  })

  it('may change its size and send broken pictures', async () => {
    let number = 0
    let grown = false
    let results = 0
    const broken = Buffer.from(small)
    broken.fill(0, 2000, 4000)
    server = new MjpegCamera(() => {
      number++
      return number % 5 === 3 ? broken : number % 7 === 4 ? small.subarray(0, 999) : grown ? large : small
    })
    await server.start()
    camera = await Camera.open(server.address, { ...quick, rate: 0, scoreThreshold: 0.9 })
    const sizes = new Set<string>()
    for await (const { frame } of camera) {
      if (frame === undefined) continue
      sizes.add(`${frame.width}x${frame.height}`)
      expect(frame.data).toHaveLength(frame.width * frame.height * 4)
      if (sizes.has('480x360')) break
      grown ||= ++results > 5
    }
    // The damage may be in the size that a picture says it has: others may come in between.
    expect([...sizes][0]).toBe('320x320')
  })

  it('that ends in the middle of a picture is lost, and comes back', async () => {
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, quick)
    const watcher = new Watcher(camera)
    for (let round = 0; round < 2; round++) {
      const seen = watcher.frames
      await watcher.until('life', () => watcher.frames > seen + 2 && camera?.state.state === 'live')
      server.cut()
      await watcher.until('the loss', () => camera?.state.state !== 'live')
    }
    await watcher.until('the return', () => camera?.state.state === 'live')
    expect(watcher.failure).toBeUndefined()
    expect(new Set(watcher.states)).toEqual(new Set(['connecting', 'live', 'lost E_CAMERA_LOST']))
  })

  it('waits for nobody: the latest frame wins, and at most one waits', async () => {
    server = new MjpegCamera(() => small, 20)
    await server.start()
    camera = await Camera.open(server.address, { ...quick, rate: 0 })
    let results = 0
    for await (const { frame } of camera) {
      if (frame === undefined) continue
      if (++results === 5) break
      await new Promise((resolve) => setTimeout(resolve, 400))
    }
    const { read, analysed, skipped } = camera.stats
    expect(analysed).toBeLessThan(10)
    expect(read - analysed - skipped).toBeLessThanOrEqual(2)
    expect(skipped).toBeGreaterThan(20)
  })

  it('ends when it is told to, before and after', async () => {
    const stop = new AbortController()
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, { ...quick, signal: stop.signal })
    const watcher = new Watcher(camera)
    await watcher.until('life', () => watcher.frames > 0)
    stop.abort()
    await watcher.done
    expect(watcher.failure).toBeUndefined()
    expect(watcher.states.at(-1)).toBe('ended')
    expect(await codeOfAsync(() => Camera.open('test:', { signal: stop.signal }))).toBe('E_ABORTED')
  })

  it('goes and comes twenty times and leaves no child and no descriptor', async () => {
    server = new MjpegCamera(() => small)
    await server.start()
    camera = await Camera.open(server.address, { ...quick, retryMs: [100, 100] })
    const watcher = new Watcher(camera)
    let before: number | undefined
    for (let cycle = 0; cycle < 20; cycle++) {
      const seen = watcher.frames
      await watcher.until('life', () => watcher.frames > seen && camera?.state.state === 'live')
      if (cycle === 3) before = readdirSync('/proc/self/fd').length
      await server.kill()
      await watcher.until('the loss', () => camera?.state.state !== 'live')
      await server.start()
    }
    const seen = watcher.frames
    await watcher.until('life', () => watcher.frames > seen && camera?.state.state === 'live')
    // The server's own connections come and go with the moment.
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual((before ?? 0) + 4)
    expect(children()).toHaveLength(2)
    expect(camera.stats.reconnects).toBe(20)
  })

  it.each([
    ['/auth', 'E_CAMERA_AUTH'],
    ['/none', 'E_CAMERA_NOT_FOUND'],
    ['/page', 'E_CAMERA_FORMAT'],
    ['/broken', 'E_CAMERA_OPEN'],
  ])('of %s has the code %s, and its password is nowhere', async (path, code) => {
    const answers: Record<string, [number, string]> = {
      '/auth': [401, ''],
      '/page': [200, '<html>'.repeat(100)],
      '/broken': [503, ''],
    }
    const http = createServer((request, response) => {
      const [status, text] = answers[request.url ?? ''] ?? [404, '']
      response.writeHead(status, status === 401 ? { 'www-authenticate': 'Basic realm="x"' } : {})
      response.end(text)
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    camera = await Camera.open(`http://admin:geheim77@127.0.0.1:${port}${path}`, { ...quick, once: true })
    const watcher = new Watcher(camera)
    await watcher.done
    await new Promise((resolve) => http.close(resolve))
    expect(watcher.failure).toMatchObject({ code })
    expect(String(watcher.failure)).toContain('***@127.0.0.1')
    expect(JSON.stringify(watcher.results)).not.toContain('geheim')
    expect(String(watcher.failure)).not.toContain('geheim')
  })

  it('shows its password in no list of processes', async () => {
    server = new MjpegCamera(() => small)
    server.password = 'admin:geheim77'
    await server.start()
    camera = await Camera.open(server.address.replace('//', '//admin:geheim77@'), quick)
    const watcher = new Watcher(camera)
    await watcher.until('life', () => watcher.frames > 0)
    expect(execFileSync('ps', ['axo', 'args'], { encoding: 'utf8' })).not.toContain('geheim77')
    expect(camera.source).not.toContain('geheim77')
  })
})
