import { get, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { View } from '../../src/host/platform/node/camera/view/server.js'
import { codeOfAsync } from '../helpers/code-of.js'

let view: View
beforeEach(async () => {
  view = await View.open({ port: 0, names: ['camera.example'] })
})
afterEach(() => view.close())

const portOf = (): number => Number(new URL(view.address).port)

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ port: portOf(), host: '127.0.0.1', path, headers, method }, (response) => {
      response.resume()
      resolve(response)
    })
      .on('error', reject)
      .end()
  })
}

describe('the view', () => {
  it('has a page, a style, a client and no picture before the first', async () => {
    for (const [path, status, type] of [
      ['/', 200, 'text/html; charset=utf-8'],
      ['/style.css', 200, 'text/css; charset=utf-8'],
      ['/client.js', 200, 'text/javascript; charset=utf-8'],
      ['/state.json', 200, 'application/json'],
      ['/snapshot.jpg', 503, 'text/plain; charset=utf-8'],
      ['/../package.json', 404, 'text/plain; charset=utf-8'],
      ['/constructor', 404, 'text/plain; charset=utf-8'],
    ] as const) {
      const { statusCode, headers } = await ask(path)
      expect([path, statusCode, headers['content-type']]).toEqual([path, status, type])
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['content-security-policy']).toContain("default-src 'none'")
    }
    expect((await ask('/', {}, 'POST')).statusCode).toBe(405)
    expect((await ask('/', {}, 'HEAD')).statusCode).toBe(200)
  })

  it.each([
    ['127.0.0.1', 200],
    ['localhost:8080', 200],
    ['[::1]:8080', 200],
    ['192.168.1.7:8080', 200],
    ['camera.example', 200],
    ['evil.example', 403],
    ['evil.example:8080', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
  ])('asked for as %s answers %d', async (host, status) => {
    for (const path of ['/', '/stream.mjpg', '/events', '/state.json']) {
      const response = await ask(path, { host })
      expect(response.statusCode).toBe(status)
      response.destroy()
    }
  })

  it('is read by no other site', async () => {
    const host = `127.0.0.1:${portOf()}`
    const foreign: Record<string, string>[] = [
      { host, origin: 'http://evil.example' },
      { host, origin: 'null' },
      { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      { host, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
    ]
    for (const headers of foreign) expect((await ask('/state.json', headers)).statusCode).toBe(403)
    const link = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await ask('/', link)).statusCode).toBe(200)
    expect((await ask('/stream.mjpg', link)).statusCode).toBe(403)
    expect((await ask('/state.json', { host, origin: `http://${host}` })).statusCode).toBe(200)
  })

  it('says which port is taken, and of which machine', async () => {
    expect(await codeOfAsync(() => View.open({ port: portOf() }), /is taken/)).toBe('E_VIEW_PORT')
    expect(await codeOfAsync(() => View.open({ port: 0, host: '192.0.2.1' }), /no address of this/)).toBe(
      'E_VIEW_PORT',
    )
  })

  it('a client that never reads costs the others nothing', async () => {
    // It asks and then takes nothing.
    const lazy = connect(portOf(), '127.0.0.1')
    await new Promise((resolve) =>
      lazy.write('GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n', resolve),
    )
    lazy.pause()
    const counts = [0, 0]
    const readers = await Promise.all(
      counts.map(
        (_, n) =>
          new Promise<IncomingMessage>((resolve) => {
            get({ port: portOf(), host: '127.0.0.1', path: '/stream.mjpg' }, (response) => {
              response.on('data', (data: Buffer) => {
                counts[n] += data.length
              })
              resolve(response)
            })
          }),
      ),
    )
    const picture = new Uint8Array(200_000)
    let sent = 0
    // 40 MB: more than any socket buffers.
    for (; sent < 200; sent++) {
      view.picture(picture)
      for (let tries = 0; Math.min(...counts) < (sent + 1) * picture.length && tries < 1000; tries++)
        await new Promise((resolve) => setTimeout(resolve, 1))
    }
    for (const bytes of counts) expect(bytes).toBeGreaterThanOrEqual(sent * picture.length)
    for (const reader of readers) reader.destroy()
    lazy.destroy()
  })

  it('serves so many and no more', async () => {
    const open: IncomingMessage[] = []
    for (let n = 0; n < 16; n++) open.push(await ask('/events'))
    expect(new Set(open.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect((await ask('/events')).statusCode).toBe(503)
    for (const response of open) response.destroy()
  })
})
