import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { OcellusError } from '../../../../errors.js'
import type { Line } from '../../../../video/lines.js'
import type { LineCounts } from '../../../../video/types.js'
import type { Zone } from '../../../../video/zones.js'
import { fs, require } from '../../builtin.js'
import { packageFolder } from '../../package.js'
import type { Camera } from '../camera.js'
import type { CameraState } from '../feed.js'
import type { CameraResult } from '../results.js'
import type { CameraStatistics } from '../statistics.js'
import { Clients } from './clients.js'
import { refusal } from './hosts.js'
import { page, style } from './page.js'

export interface ViewOptions {
  readonly port: number
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string
  /** Names by which the view may be asked for, besides addresses and this machine's own name. */
  readonly names?: readonly string[]
}

/** What the page is told when it connects. */
export interface Hello {
  readonly name: string
  readonly source: string
  readonly zones: readonly Pick<Zone, 'name' | 'points'>[]
  readonly lines: readonly Pick<Line, 'name' | 'from' | 'to'>[]
  readonly state: CameraState
  readonly stats: CameraStatistics
  readonly counts: Readonly<Record<string, LineCounts>>
  readonly log: readonly AnyEvent[]
}

/** What the page is told of a result. */
export type Shown = Pick<CameraResult, 'tracks' | 'age'> & { readonly width: number; readonly height: number }

export type AnyEvent = CameraResult['events'][number]

const keptEvents = 50
const statisticsMs = 2000
const jpegHeader = '--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '

/** As compiled: a browser can't run TypeScript. */
const clientFile = join(
  packageFolder,
  ...['dist', 'src', 'host', 'platform', 'node', 'camera', 'view', 'client.js'],
)

/** No other site may embed or read any of this, and the page runs no code but its own. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/**
 * A page that shows what a camera sees and what is found in it, for browsers of this machine or of
 * the network.
 */
export class View {
  readonly #server: Server
  readonly #names: readonly string[]
  readonly #pictures = new Clients()
  readonly #listeners = new Clients()
  readonly #log: AnyEvent[] = []
  #camera: Camera | undefined
  #latest: Uint8Array | undefined
  #timer: NodeJS.Timeout | undefined
  /** Where the page is: http://127.0.0.1:8080/ */
  address = ''

  private constructor(server: Server, names: readonly string[]) {
    this.#server = server
    this.#names = names
  }

  /** Starts to listen. Throws E_VIEW_PORT. */
  static async open({ port, host = '127.0.0.1', names = [] }: ViewOptions): Promise<View> {
    const { createServer }: typeof import('node:http') = require('node:http')
    const server = createServer({ requestTimeout: 10_000 })
    server.maxConnections = 100
    const view = new View(server, names)
    server.on('request', (request, response) => view.#answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => reject(portError(cause, host, port)))
      server.listen(port, host, resolve)
    })
    const address = server.address()
    const bound = typeof address === 'object' && address !== null ? address.port : port
    const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
    view.address = `http://${shown}:${bound}/`
    return view
  }

  /** Which camera it shows. */
  attach(camera: Camera): void {
    this.#camera = camera
    this.#timer = setInterval(() => {
      if (this.#listeners.size > 0) this.#tell('stats', camera.stats, true)
    }, statisticsMs)
    this.#timer.unref()
  }

  /** The latest picture. */
  picture(jpeg: Uint8Array): void {
    this.#latest = jpeg
    this.#pictures.sendLatest(jpeg, `${jpegHeader}${jpeg.length}\r\n\r\n`)
  }

  /** What was found in a frame, or what became of the camera. */
  result({ frame, tracks, age, events }: CameraResult): void {
    for (const event of events) {
      this.#log.push(event)
      if (this.#log.length > keptEvents) this.#log.shift()
    }
    if (this.#listeners.size === 0) return
    if (frame !== undefined) {
      const shown: Shown = { tracks, age, width: frame.width, height: frame.height }
      this.#tell('tracks', shown, true)
    }
    for (const event of events) this.#tell('event', event, false)
    if (events.some(({ type }) => type === 'camera')) this.#tell('state', this.#camera?.state, false)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#pictures.close()
    this.#listeners.close()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #tell(kind: string, value: unknown, mayMiss: boolean): void {
    this.#listeners.send(message(kind, value), mayMiss)
  }

  #hello(): Hello | undefined {
    const camera = this.#camera
    if (camera === undefined) return undefined
    const { name, source, zones, lines, state, stats } = camera
    return {
      name,
      source,
      zones: zones.map(({ name, points }) => ({ name, points })),
      lines: lines.map(({ name, from, to }) => ({ name, from, to })),
      state,
      stats,
      counts: camera.counts(),
      log: this.#log,
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const why = refusal(request, this.#names)
    if (why !== undefined) text(response, 403, why)
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      text(response, 405, 'only GET is answered here')
    } else {
      const path = request.url?.split('?')[0] ?? ''
      const answer = Object.hasOwn(this.#answers, path) ? this.#answers[path] : undefined
      if (answer === undefined) text(response, 404, 'there is nothing here')
      else answer(request, response)
    }
  }

  readonly #answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> =
    {
      '/': (_, response) => send(response, 'text/html; charset=utf-8', page),
      '/style.css': (_, response) => send(response, 'text/css; charset=utf-8', style),
      '/client.js': (_, response) => this.#sendClient(response),
      '/state.json': (_, response) => send(response, 'application/json', JSON.stringify(this.#hello() ?? {})),
      '/snapshot.jpg': (_, response) => {
        if (this.#latest === undefined) text(response, 503, 'there is no picture yet')
        else send(response, 'image/jpeg', this.#latest)
      },
      '/stream.mjpg': (request, response) => this.#stream(request, response),
      '/events': (request, response) => this.#listen(request, response),
    }

  #sendClient(response: ServerResponse): void {
    try {
      send(response, 'text/javascript; charset=utf-8', fs.readFileSync(clientFile))
    } catch {
      text(response, 500, `${clientFile} is missing: run \`npm run build\``)
    }
  }

  #stream({ method }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('content-type', 'multipart/x-mixed-replace; boundary=frame')
    if (!this.#begin(method, this.#pictures, response)) return
    response.flushHeaders()
    // Browsers show a part when the next one begins: the first picture is sent twice.
    const latest = this.#latest
    for (let n = 0; latest !== undefined && n < 2; n++) {
      response.write(`${jpegHeader}${latest.length}\r\n\r\n`)
      response.write(latest)
      response.write('\r\n')
    }
  }

  /** Whether an answer without an end has begun. */
  #begin(method: string | undefined, clients: Clients, response: ServerResponse): boolean {
    if (method === 'HEAD') response.end()
    else if (clients.add(response)) response.writeHead(200)
    else text(response, 503, 'too many are watching')
    return method !== 'HEAD' && response.statusCode === 200
  }

  #listen({ method }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('content-type', 'text/event-stream')
    if (!this.#begin(method, this.#listeners, response)) return
    response.write(`retry: 2000\n${message('hello', this.#hello())}`)
  }
}

const message = (kind: string, value: unknown): string => `event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`

function send(response: ServerResponse, type: string, body: string | Uint8Array): void {
  response.setHeader('content-type', type)
  response.end(body)
}

function text(response: ServerResponse, status: number, why: string): void {
  response.statusCode = status
  send(response, 'text/plain; charset=utf-8', `${why}\n`)
}

function portError(cause: NodeJS.ErrnoException, host: string, port: number): OcellusError {
  const why =
    cause.code === 'EADDRINUSE'
      ? 'is taken by another program: give another port'
      : cause.code === 'EACCES'
        ? 'may not be used by this user: give one above 1023'
        : cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND'
          ? 'is no address of this machine: give 127.0.0.1, 0.0.0.0 or one of its own'
          : `can't be listened at (${cause.message})`
  return new OcellusError('E_VIEW_PORT', `port ${port} of ${host} ${why}`, { cause })
}
