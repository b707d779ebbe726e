import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { temporaryFolder } from '../cli/run.js'

export interface RtspOptions {
  readonly tls?: boolean
  /** User and password, with a colon between. */
  readonly password?: string
}

/**
 * A camera that speaks RTSP: ffmpeg makes the pictures, of 320x240 pixels 15 times a second, and
 * sends them to this server as RTP, which hands them on by TCP or UDP as the client wants them.
 */
export class RtspCamera {
  readonly #options: RtspOptions
  readonly #folder = temporaryFolder()
  readonly #clients = new Set<Socket>()
  readonly #sinks = new Set<(packet: Buffer) => void>()
  readonly #udp = createSocket('udp4')
  #server: Server | undefined
  #encoder: ChildProcess | undefined
  port = 0
  /** How each client wanted its packets. */
  readonly transports: string[] = []

  constructor(options: RtspOptions = {}) {
    this.#options = options
  }

  get address(): string {
    return `${this.#options.tls ? 'rtsps' : 'rtsp'}://127.0.0.1:${this.port}/stream`
  }

  async start(): Promise<void> {
    const rtp = await bound(this.#udp)
    this.#udp.on('message', (packet) => {
      for (const sink of this.#sinks) sink(packet)
    })
    const sdp = join(this.#folder, 'sdp')
    const source = ['-re', '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=15']
    const codec = ['-c:v', 'mpeg4', '-g', '5', '-pix_fmt', 'yuv420p']
    this.#encoder = spawn(
      'ffmpeg',
      [
        '-nostdin',
        '-v',
        'error',
        ...source,
        ...codec,
        '-sdp_file',
        sdp,
        '-f',
        'rtp',
        `rtp://127.0.0.1:${rtp}`,
      ],
      { stdio: 'ignore' },
    )
    for (let tries = 0; !existsSync(sdp) || readFileSync(sdp).length === 0; tries++) {
      if (tries > 400) throw new Error('ffmpeg describes no stream')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    // Where ffmpeg sends its packets is no concern of the client's.
    const description = readFileSync(sdp, 'latin1')
      .replace(/^m=video \d+/m, 'm=video 0')
      .replace(/^SDP:\r?\n/, '')
      .trimEnd()
      .concat('\r\na=control:track\r\n')
    const serve = (socket: Socket): void => this.#serve(socket, description)
    this.#server = this.#options.tls ? createTlsServer(this.#certificate(), serve) : createServer(serve)
    const server = this.#server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.port = address.port
  }

  async stop(): Promise<void> {
    this.#encoder?.kill('SIGKILL')
    for (const client of this.#clients) client.destroy()
    this.#udp.close()
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined))
  }

  #certificate(): { key: Buffer; cert: Buffer } {
    const [key, cert] = [join(this.#folder, 'key.pem'), join(this.#folder, 'cert.pem')]
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
    execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  }

  #serve(socket: Socket, description: string): void {
    this.#clients.add(socket)
    let sink: ((packet: Buffer) => void) | undefined
    let udp: Datagrams | undefined
    const gone = (): void => {
      this.#clients.delete(socket)
      if (sink !== undefined) this.#sinks.delete(sink)
      udp?.close()
      udp = undefined
    }
    socket.on('close', gone).on('error', () => {})
    let text = ''
    socket.on('data', async (chunk) => {
      // RTCP by TCP begins with a dollar: nobody reads it here.
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(Math.max(text.search(/[A-Z_]+ rtsps?:/), 0), end)
        text = text.slice(end + 4)
        const field = (name: string): string =>
          new RegExp(`^${name}: *(.*)$`, 'im').exec(request)?.[1].trim() ?? ''
        const answer = (status: string, lines: readonly string[] = [], body = ''): void => {
          const length = body === '' ? [] : [`Content-Length: ${body.length}`]
          const all = [`RTSP/1.0 ${status}`, `CSeq: ${field('CSeq')}`, ...lines, ...length]
          socket.write(`${all.join('\r\n')}\r\n\r\n${body}`)
        }
        const { password } = this.#options
        if (password !== undefined && field('Authorization') !== `Basic ${btoa(password)}`) {
          answer('401 Unauthorized', ['WWW-Authenticate: Basic realm="camera"'])
          continue
        }
        const wanted = field('Transport')
        switch (/^[A-Z_]+/.exec(request)?.[0]) {
          case 'OPTIONS':
            answer('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN'])
            break
          case 'DESCRIBE':
            answer('200 OK', ['Content-Type: application/sdp', `Content-Base: ${this.address}/`], description)
            break
          case 'SETUP': {
            this.transports.push(wanted)
            const port = /client_port=(\d+)/.exec(wanted)?.[1]
            if (port === undefined) {
              sink = (packet) => socket.write(interleaved(packet))
              answer('200 OK', ['Session: 1', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1'])
            } else {
              udp = createSocket('udp4')
              const own = await bound(udp)
              sink = (packet) => udp?.send(packet, Number(port), '127.0.0.1')
              const ports = `client_port=${port}-${Number(port) + 1};server_port=${own}-${own + 1}`
              answer('200 OK', ['Session: 1', `Transport: RTP/AVP;unicast;${ports}`])
            }
            break
          }
          case 'PLAY':
            answer('200 OK', ['Session: 1', 'Range: npt=0.000-'])
            if (sink !== undefined) this.#sinks.add(sink)
            break
          default:
            answer('200 OK', ['Session: 1'])
        }
      }
    })
  }
}

async function bound(socket: Datagrams): Promise<number> {
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket.address().port
}

/** A packet of channel 0 within the connection. */
function interleaved(packet: Buffer): Buffer {
  const head = Buffer.from([0x24, 0, 0, 0])
  head.writeUInt16BE(packet.length, 2)
  return Buffer.concat([head, packet])
}
