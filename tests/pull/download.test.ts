import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type DownloadOptions, download } from '../../tools/pull/download.js'
import { temporaryFolder } from '../cli/run.js'
import { breakAfter, etag, type Serve, sendRange, serve, type TestServer } from './server.js'

const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24))
const sha256 = createHash('sha256').update(body).digest('hex')
const md5 = createHash('md5').update(body).digest('hex')
const options: DownloadOptions = { cap: 1 << 20, timeoutMs: 5000, attempts: 1 }

let server: TestServer
afterEach(() => server.close())

/** Serves one path and returns where to put it. */
async function at(
  thing: Serve,
  more: Record<string, Serve> = {},
): Promise<{ url: string; file: string; folder: string }> {
  server = await serve({ '/file': thing, ...more })
  const folder = temporaryFolder()
  return { url: `${server.address}/file`, file: join(folder, 'file'), folder }
}

describe('a good server', () => {
  it('gives the bytes, and leaves only the file', async () => {
    const { url, file, folder } = await at(body)
    const steps: [number, number | undefined][] = []
    const got = await download(url, file, {
      ...options,
      expected: { bytes: body.length, sha256, md5 },
      onProgress: (done, total) => steps.push([done, total]),
    })
    expect(got).toEqual({ bytes: body.length, sha256, resumedFrom: 0 })
    expect(readFileSync(file).equals(body)).toBe(true)
    expect(readdirSync(folder)).toEqual(['file'])
    expect(steps[0]).toEqual([0, body.length])
    expect(steps.at(-1)).toEqual([body.length, body.length])
  })

  it('may not say how long it is', async () => {
    const { url, file } = await at((_, response) => {
      response.write(body.subarray(0, 1000))
      response.end(body.subarray(1000))
    })
    expect(await download(url, file, options)).toMatchObject({ bytes: body.length, sha256 })
  })

  it('may lead elsewhere', async () => {
    const { url, file } = await at((_, response) => response.writeHead(302, { location: '/there' }).end(), {
      '/there': body,
    })
    expect((await download(url, file, options)).sha256).toBe(sha256)
  })
})

describe('a connection that breaks', () => {
  it('keeps what came, says so, and the next call goes on from there', async () => {
    let broken = true
    const { url, file, folder } = await at((request, response) => {
      if (broken) (breakAfter(body, 120_000) as Extract<Serve, (...a: never[]) => void>)(request, response)
      else sendRange(body, request, response)
    })
    await expect(download(url, file, options)).rejects.toMatchObject({
      code: 'E_DOWNLOAD_TRUNCATED',
      message: expect.stringMatching(/broke off after \d+ of 300000 bytes .*run the same again/),
    })
    expect(readdirSync(folder).sort()).toEqual(['file.part', 'file.part.json'])
    broken = false
    const got = await download(url, file, { ...options, expected: { sha256 } })
    expect(got.resumedFrom).toBeGreaterThan(0)
    expect(server.ranges.at(-1)).toBe(`bytes=${got.resumedFrom}-`)
    expect(readFileSync(file).equals(body)).toBe(true)
  })

  it('is taken up again by itself while something comes', async () => {
    const { url, file } = await at(breakAfter(body, 120_000))
    const got = await download(url, file, { ...options, attempts: 8, expected: { sha256 } })
    expect(got.bytes).toBe(body.length)
    expect(server.ranges.length).toBeGreaterThan(1)
  })

  it('is not taken up for ever where nothing comes', async () => {
    const { url, file } = await at((_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.flushHeaders()
      response.destroy()
    })
    await expect(download(url, file, { ...options, attempts: 50 })).rejects.toMatchObject({
      code: expect.stringMatching(/^E_DOWNLOAD_(TRUNCATED|FAILED)$/),
    })
    expect(server.ranges.length).toBeLessThan(4)
  })

  it.each([
    ['the file has changed since', { 'file.part.json': JSON.stringify({ url: 'URL', validator: '"old"' }) }],
    [
      'the part is of another address',
      { 'file.part.json': JSON.stringify({ url: 'http://else', validator: etag }) },
    ],
    ['nothing tells what the part is of', {}],
    ['its note is damaged', { 'file.part.json': '{"url":' }],
  ])('starts anew where %s', async (_, notes) => {
    const { url, file, folder } = await at(body)
    writeFileSync(join(folder, 'file.part'), 'stale bytes')
    for (const [name, text] of Object.entries(notes))
      writeFileSync(join(folder, name), text.replace('URL', url))
    expect(await download(url, file, options)).toMatchObject({ sha256, resumedFrom: 0 })
  })

  it('starts anew where the part is longer than the file', async () => {
    const { url, file, folder } = await at(body)
    writeFileSync(join(folder, 'file.part'), Buffer.concat([body, body]))
    writeFileSync(join(folder, 'file.part.json'), JSON.stringify({ url, validator: etag }))
    expect(await download(url, file, options)).toMatchObject({ bytes: body.length, sha256 })
  })
})

describe('a bad server', () => {
  it.each<[string, Serve, string, RegExp]>([
    ['404', (_, r) => r.writeHead(404, 'Not Found').end('gone'), 'E_DOWNLOAD_FAILED', /404 Not Found/],
    ['500', (_, r) => r.writeHead(500).end(), 'E_DOWNLOAD_FAILED', /500/],
    [
      'redirects in a circle',
      (_, r) => r.writeHead(301, { location: '/file' }).end(),
      'E_DOWNLOAD_FAILED',
      /more than 5 redirects/,
    ],
    [
      'leads to a file',
      (_, r) => r.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      'E_DOWNLOAD_ADDRESS',
      /only http/,
    ],
    ['hangs up', (_, r) => r.destroy(), 'E_DOWNLOAD_FAILED', /can't be reached/],
    [
      'sends another range than asked for',
      (_, r) => r.writeHead(206, { 'content-range': 'bytes 7-9/10' }).end('abc'),
      'E_DOWNLOAD_FAILED',
      /bytes 7-9/,
    ],
    [
      'promises more than the cap',
      (_, r) => r.writeHead(200, { 'content-length': 2 ** 40 }).end('x'),
      'E_FILE_TOO_LARGE',
      /more than 1048576/,
    ],
    [
      'never stops sending',
      (_, r) => {
        const more = (): void => {
          while (!r.destroyed && r.write(Buffer.alloc(1 << 16)));
          if (!r.destroyed) r.once('drain', more)
        }
        more()
      },
      'E_FILE_TOO_LARGE',
      /more than 1048576/,
    ],
  ])('that %s: one line, a code, no file', async (_, thing, code, message) => {
    const { url, file } = await at(thing)
    await expect(download(url, file, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(existsSync(file)).toBe(false)
  })

  it.each<[string, Serve]>([
    ['never answers', () => {}],
    ['stops in the middle', (_, r) => void r.writeHead(200, { 'content-length': 100 }).write('some')],
  ])('that %s is given up', async (_, thing) => {
    const { url, file } = await at(thing)
    await expect(download(url, file, { ...options, timeoutMs: 150 })).rejects.toMatchObject({
      code: 'E_DOWNLOAD_TIMEOUT',
      message: expect.stringContaining('nothing arrived for 0.15 s'),
    })
    expect(existsSync(file)).toBe(false)
  })

  /** Sends so many bytes every 60 ms, eight times. */
  const drip = (bytes: number) =>
    at((_, response) => {
      let sent = 0
      const timer = setInterval(() => {
        response.write('x'.repeat(bytes))
        if (++sent === 8) {
          clearInterval(timer)
          response.end()
        }
      }, 60)
    })

  it('that is slow but sends something now and then is waited for', async () => {
    const { url, file } = await drip(200)
    // All in all longer than the time-out, which counts from the last byte.
    expect((await download(url, file, { ...options, timeoutMs: 400 })).bytes).toBe(1600)
  })

  it('that only keeps the connection alive is given up', async () => {
    const { url, file } = await drip(1)
    await expect(download(url, file, { ...options, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'E_DOWNLOAD_TIMEOUT',
    })
  })

  it.each([
    ['SHA-256', { sha256: '0'.repeat(64) }],
    ['MD5', { md5: '0'.repeat(32) }],
    ['length', { bytes: 299_999 }],
  ])('that gives a file of another %s: nothing is kept', async (_, expected) => {
    const { url, file, folder } = await at(body)
    await expect(download(url, file, { ...options, expected })).rejects.toMatchObject({
      code: 'E_DOWNLOAD_HASH',
    })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a full disk', () => {
  it('is noticed before the first byte', async () => {
    const { url, file, folder } = await at(body)
    await expect(download(url, file, { ...options, space: async () => 1000 })).rejects.toMatchObject({
      code: 'E_FILE_WRITE',
      message: expect.stringMatching(/1000 bytes free, and 300000 are to come/),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('is noticed while writing', async () => {
    const { url, file } = await at(body)
    await expect(download(url, join(file, 'no', 'folder'), options)).rejects.toMatchObject({
      code: 'E_FILE_WRITE',
    })
  })
})

it('refuses what is no address', async () => {
  const { file } = await at(body)
  for (const word of ['nowhere', 'ftp://example.org/x', 'data:,x'])
    await expect(download(word, file, options)).rejects.toMatchObject({ code: 'E_DOWNLOAD_ADDRESS' })
})
