import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, connect as open } from 'node:net'
import { join } from 'node:path'
import { connect, type MqttClient } from 'mqtt'
import { temporaryFolder } from '../../cli/run.js'

/** Debian has the broker where only its administrator looks for programs. */
const program = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(existsSync)
export const hasMosquitto = program !== undefined

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A broker of our own, which may be stopped and started again at the same port. */
export class Mosquitto {
  readonly #folder = temporaryFolder()
  #child: ChildProcess | undefined
  port = 0

  get address(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** With a user and a password, no one else is let in. */
  async start(user?: { readonly name: string; readonly password: string }): Promise<void> {
    if (program === undefined) throw new Error('mosquitto is not installed')
    this.port ||= await freePort()
    const file = join(this.#folder, 'mosquitto.conf')
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'persistence true',
      `persistence_location ${this.#folder}/`,
      'max_queued_messages 0',
      'user root',
      `allow_anonymous ${user === undefined}`,
    ]
    if (user !== undefined) {
      const passwords = join(this.#folder, 'passwords')
      spawnSync('mosquitto_passwd', ['-b', '-c', passwords, user.name, user.password])
      lines.push(`password_file ${passwords}`)
    }
    writeFileSync(file, `${lines.join('\n')}\n`)
    this.#child = spawn(program, ['-c', file], { stdio: 'ignore' })
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries > 200) throw new Error('mosquitto does not start')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Stops it as its service does: it keeps what it has to. */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = open(this.port, '127.0.0.1')
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
  }
}

/** Listens to all topics with a session that outlives the broker's restarts. */
export class Listener {
  readonly messages: { readonly topic: string; readonly text: string; readonly retain: boolean }[] = []
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('error', () => {})
    client.on('message', (topic, payload, { retain }) =>
      this.messages.push({ topic, text: payload.toString(), retain }),
    )
  }

  static async open(address: string, user?: { name: string; password: string }): Promise<Listener> {
    const client = connect(address, {
      clientId: `listener-${Math.random()}`,
      clean: false,
      reconnectPeriod: 100,
      ...(user !== undefined && { username: user.name, password: user.password }),
    })
    const listener = new Listener(client)
    await client.subscribeAsync('#', { qos: 1 })
    return listener
  }

  /** The latest message of a topic. */
  last(topic: string): string | undefined {
    return this.messages.filter((message) => message.topic === topic).at(-1)?.text
  }

  /** Events by their uid, and how many came more than once. */
  events(topic: string): { uids: string[]; repeated: number } {
    const all = this.messages
      .filter((message) => message.topic === topic)
      .map(({ text }) => (JSON.parse(text) as { uid: string }).uid)
    const uids = [...new Set(all)]
    return { uids, repeated: all.length - uids.length }
  }

  async until(what: string, check: () => boolean): Promise<void> {
    for (let tries = 0; !check(); tries++) {
      if (tries > 1200) throw new Error(`waited for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
