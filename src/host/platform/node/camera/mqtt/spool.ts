import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fs } from '../../builtin.js'
import { makeFolder, writeWhole } from '../../write.js'
import { lockFile } from './lock.js'

/** A message that has not arrived yet. */
export interface Spooled {
  readonly number: number
  readonly text: string
}

export interface SpoolOptions {
  readonly file: string
  /** Most bytes of messages that wait; the oldest go first. */
  readonly keepBytes: number
  readonly warn: (text: string) => void
}

/** A file is written anew when it is longer than this and most of it has arrived. */
const compactBytes = 64 << 10
/** No message of ours is as long; a longer line is damage. */
const longestLine = 1 << 20

const identifier = (): string =>
  BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .slice(0, 8)

/*
 * The file: lines that are only ever added.
 *
 *     =k3f9x1ab 17          the identifier of this spool, and the number of the next message
 *     +17 {"v":1,...}       a message
 *     -17                   this message, and all before it, have arrived
 *
 * A last line that was not written to its end, as when the power fails, counts as not written.
 */

/** Messages in order, on disk until they have arrived. */
export class Spool {
  /** Of this file alone: the start of every message's `uid`. */
  readonly id: string
  /** Messages that are on disk, or can't be, in their order. */
  readonly pending: Spooled[] = []
  /** Called when there are new ones. */
  onReady: (() => void) | undefined
  readonly #options: SpoolOptions
  readonly #unlock: () => void
  #handle: FileHandle | undefined
  #next = 1
  #bytes = 0
  #fileBytes = 0
  #incoming: Spooled[] = []
  #lines: string[] = []
  #work: Promise<void> | undefined
  #failing = false
  #dropped = 0
  #unwritten = 0
  #closed = false

  private constructor(options: SpoolOptions, unlock: () => void) {
    this.#options = options
    this.#unlock = unlock
    this.id = this.#read() ?? identifier()
  }

  /**
   * Opens a spool with what waits in it. Throws E_MQTT where another process has it, and
   * E_FILE_WRITE where it can't be kept.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    makeFolder(dirname(options.file))
    const unlock = lockFile(options.file)
    try {
      const spool = new Spool(options, unlock)
      spool.#cap()
      await spool.#rewrite()
      return spool
    } catch (error) {
      unlock()
      throw error
    }
  }

  /** Adds a message that is made with its own `uid`. It is pending once it is on disk. */
  add(make: (uid: string) => string): void {
    const number = this.#next++
    const text = make(`${this.id}-${number}`)
    this.#incoming.push({ number, text })
    this.#unwritten++
    this.#lines.push(`+${number} ${text}\n`)
    this.#flush()
  }

  /** All messages up to this one have arrived. */
  arrived(number: number): void {
    let count = 0
    while (count < this.pending.length && this.pending[count].number <= number)
      this.#bytes -= this.pending[count++].text.length
    if (count === 0) return
    this.pending.splice(0, count)
    if (this.pending.length === 0) this.#dropped = 0
    this.#lines.push(`-${number}\n`)
    this.#flush()
  }

  /** Whether no message waits for the disk. */
  get isWritten(): boolean {
    return this.#unwritten === 0
  }

  /** Settles when all is on disk. */
  async close(): Promise<void> {
    while (this.#work !== undefined) await this.#work
    this.#closed = true
    await this.#handle?.close().catch(() => {})
    this.#unlock()
  }

  #flush(): void {
    this.#work ??= this.#write().finally(() => {
      this.#work = undefined
      if (this.#lines.length > 0 && !this.#closed) this.#flush()
    })
  }

  async #write(): Promise<void> {
    const text = this.#lines.join('')
    const incoming = this.#incoming
    this.#lines = []
    this.#incoming = []
    try {
      await this.#append(text, incoming)
      if (this.#failing) this.#options.warn(`mqtt: events are kept in ${this.#options.file} again`)
      this.#failing = false
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      if (!this.#failing)
        this.#options.warn(`E_MQTT: events that wait for the broker are kept in memory only: ${why}`)
      this.#failing = true
      this.#take(incoming)
    }
    this.#unwritten -= incoming.length
    if (incoming.length > 0) this.onReady?.()
  }

  async #append(text: string, incoming: readonly Spooled[]): Promise<void> {
    // After a failure nobody knows what the file's end is.
    const mostHasArrived = this.#fileBytes > compactBytes && this.#fileBytes > 2 * this.#bytes
    if (this.#failing || mostHasArrived) {
      this.#take(incoming)
      await this.#rewrite()
      return
    }
    await this.#handle?.appendFile(text)
    this.#fileBytes += text.length
    // That a message has arrived may be forgotten: it is then sent once more, under its own uid.
    if (incoming.length > 0) await this.#handle?.datasync()
    this.#take(incoming)
  }

  #take(incoming: readonly Spooled[]): void {
    for (const each of incoming) {
      if (each.number <= (this.pending.at(-1)?.number ?? 0)) continue
      this.pending.push(each)
      this.#bytes += each.text.length
    }
    this.#cap()
  }

  #cap(): void {
    const { keepBytes, warn } = this.#options
    let count = 0
    while (this.#bytes > keepBytes && count < this.pending.length)
      this.#bytes -= this.pending[count++].text.length
    if (count === 0) return
    if (this.#dropped === 0)
      warn(`E_MQTT: more than ${keepBytes} bytes of events wait for the broker: the oldest are dropped`)
    this.#dropped += count
    const [{ number }] = this.pending.splice(0, count).slice(-1)
    this.#lines.push(`-${number}\n`)
  }

  async #rewrite(): Promise<void> {
    const { file } = this.#options
    const lines = this.pending.map(({ number, text }) => `+${number} ${text}\n`).join('')
    const whole = `=${this.id} ${this.#next}\n${lines}`
    await this.#handle?.close().catch(() => {})
    this.#handle = undefined
    writeWhole(file, whole)
    this.#handle = await open(file, 'a')
    this.#fileBytes = whole.length
  }

  /** Reads the file, and returns its identifier where it has one. */
  #read(): string | undefined {
    const { file, keepBytes, warn } = this.#options
    const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (size === 0) return undefined
    const put = (why: string): undefined => {
      fs.renameSync(file, `${file}.bad`)
      warn(`E_MQTT: ${file} ${why}; it is ${file}.bad now`)
    }
    if (size > 4 * keepBytes + (1 << 20)) return put(`has ${size} bytes, and is no spool of ours`)
    const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1)
    const head = /^=([a-z0-9]{1,16}) (\d{1,15})$/.exec(lines[0] ?? '')
    if (head === null) return put('is no spool of ours')
    this.#next = Number(head[2])
    let unread = 0
    for (const line of lines.slice(1)) if (!this.#readLine(line)) unread++
    if (unread > 0) warn(`E_MQTT: ${file} has ${unread} damaged lines, which are left out`)
    return head[1]
  }

  #readLine(line: string): boolean {
    const [, sign, digits, text = ''] = /^([+-])(\d{1,15})(?: (\{.*\}))?$/.exec(line) ?? []
    const number = Number(digits)
    if (sign === undefined || line.length > longestLine || (sign === '+') !== (text !== '')) return false
    if (sign === '-') {
      while (this.pending.length > 0 && this.pending[0].number <= number)
        this.#bytes -= this.pending.shift()?.text.length ?? 0
    } else {
      if (number <= (this.pending.at(-1)?.number ?? 0)) return false
      this.pending.push({ number, text })
      this.#bytes += text.length
    }
    this.#next = Math.max(this.#next, number + 1)
    return true
  }
}
