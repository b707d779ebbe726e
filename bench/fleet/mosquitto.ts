import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, connect as open } from 'node:net'
import { join } from 'node:path'

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
  #child: ChildProcess | undefined
  port = 0
  /** Seconds of processor time that runs which have ended took. */
  #seconds = 0

  /** The folder is for its files. */
  constructor(readonly folder: string) {}

  get address(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** Seconds of processor time so far, where the system has /proc. */
  get seconds(): number {
    return this.#seconds + secondsOf(this.#child?.pid)
  }

  /** With a user and a password, no one else is let in. */
  async start(user?: { readonly name: string; readonly password: string }): Promise<void> {
    if (program === undefined) throw new Error('mosquitto is not installed')
    this.port ||= await freePort()
    const file = join(this.folder, 'mosquitto.conf')
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'persistence true',
      `persistence_location ${this.folder}/`,
      'max_queued_messages 0',
      'user root',
      `allow_anonymous ${user === undefined}`,
    ]
    if (user !== undefined) {
      const passwords = join(this.folder, 'passwords')
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
    if (child === undefined || child.exitCode !== null) return
    this.#seconds += secondsOf(child.pid)
    this.#child = undefined
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

/** A tick is 10 ms on every Linux that we know. */
function secondsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}
