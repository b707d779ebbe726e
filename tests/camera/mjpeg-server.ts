import { spawnSync } from 'node:child_process'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sample } from '../cli/run.js'

/** A sample photo as a JPEG of a certain size. */
export function jpeg(width: number, height: number, photo = 'astronaut.jpg'): Buffer {
  const { stdout, stderr } = spawnSync('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-i', sample(photo), '-vf', `scale=${width}:${height}`],
    ...['-f', 'image2pipe', '-c:v', 'mjpeg', 'pipe:1'],
  ])
  if (stdout.length === 0) throw new Error(stderr.toString())
  return stdout
}

/** A camera that sends MJPEG over HTTP, and may freeze, fail and come back. */
export class MjpegCamera {
  readonly #clients = new Set<ServerResponse>()
  #server: Server | undefined
  #timer: NodeJS.Timeout | undefined
  port = 0
  /** What it sends. */
  picture: () => Buffer
  frozen = false
  /** Whether it takes connections and says nothing; those that it took so stay without an answer. */
  silent = false
  connections = 0
  /** User and password, where it wants them. */
  password: string | undefined

  constructor(
    picture: () => Buffer,
    readonly intervalMs = 50,
  ) {
    this.picture = picture
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/video`
  }

  /** Starts, or starts again at the same port. */
  async start(): Promise<void> {
    this.frozen = false
    const server = createServer((request, response) => {
      this.connections++
      if (this.silent) return
      if (this.password !== undefined && request.headers.authorization !== `Basic ${btoa(this.password)}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end()
        return
      }
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' })
      this.#clients.add(response)
      response.on('close', () => this.#clients.delete(response))
    })
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
    this.port = (server.address() as AddressInfo).port
    this.#timer = setInterval(() => this.#send(), this.intervalMs)
  }

  /** As when its plug is pulled. */
  async kill(): Promise<void> {
    clearInterval(this.#timer)
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  /** Ends every connection within a picture. */
  cut(): void {
    const picture = this.picture()
    for (const client of this.#clients) {
      client.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`)
      client.write(picture.subarray(0, picture.length / 2), () => client.destroy())
    }
    this.#clients.clear()
  }

  #send(): void {
    if (this.frozen) return
    const picture = this.picture()
    for (const client of this.#clients) {
      client.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`)
      client.write(picture)
      client.write('\r\n')
    }
  }
}
