import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OcellusError } from '../../../errors.js'
import type { VideoEvent } from '../../../video/types.js'

export interface SnapshotOptions {
  readonly folder: string
  /** Name of the camera: only pictures that begin with it are ever removed. */
  readonly camera: string
  /** Most pictures and most bytes of them; the oldest go first. */
  readonly keep: number
  readonly keepBytes: number
  /** Told once when pictures can't be written, and when they can again. */
  readonly warn: (text: string) => void
}

interface Kept {
  readonly file: string
  readonly bytes: number
}

/** Pictures that may still be asked for: a result comes some frames after its picture. */
const recentPictures = 64

/** Writes the picture of each object's start to a folder, which never grows beyond its caps. */
export class Snapshots {
  readonly #options: SnapshotOptions
  readonly #kept: Kept[]
  readonly #recent = new Map<number, Uint8Array>()
  /** Names of pictures that are still to come, by their numbers. */
  readonly #wanted: { readonly number: number; readonly file: string }[] = []
  #work: Promise<void> = Promise.resolve()
  #failing = false
  /** Called with each picture that was written. */
  onWritten: ((jpeg: Uint8Array) => void) | undefined

  private constructor(options: SnapshotOptions, kept: Kept[]) {
    this.#options = options
    this.#kept = kept
  }

  /** Makes the folder, and counts what is in it. Throws E_FILE_WRITE. */
  static async open(options: SnapshotOptions): Promise<Snapshots> {
    const { folder, camera } = options
    try {
      await mkdir(folder, { recursive: true })
      const ours = new RegExp(`^${camera.replaceAll('.', '\\.')}_[\\dTZ.-]+_[\\w-]+_[\\w-]+\\.jpg$`)
      const names = (await readdir(folder)).filter((name) => ours.test(name))
      const found = await Promise.all(
        names.map(async (file) => {
          const { size, mtimeMs } = await stat(join(folder, file))
          return { file, bytes: size, mtimeMs }
        }),
      )
      const kept = found.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.file < b.file ? -1 : 1))
      const snapshots = new Snapshots(options, kept)
      await snapshots.#prune()
      return snapshots
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new OcellusError('E_FILE_WRITE', `snapshots can't be kept in ${folder}: ${why}`, { cause })
    }
  }

  /** A picture, by its frame's number. */
  picture(jpeg: Uint8Array, number: number): void {
    // A new connection counts anew.
    if (this.#recent.has(number) || (number === 0 && this.#recent.size > 0)) this.#recent.clear()
    this.#recent.set(number, jpeg)
    if (this.#recent.size > recentPictures) this.#recent.delete(this.#recent.keys().next().value ?? 0)
    for (let at = this.#wanted.findIndex((wanted) => wanted.number <= number); at >= 0; ) {
      const [{ file }] = this.#wanted.splice(at, 1)
      this.#write(file, jpeg)
      at = this.#wanted.findIndex((wanted) => wanted.number <= number)
    }
  }

  /** Keeps the picture of the frame with an event, and returns the name of its file. */
  take({ camera = '', time, position = 0, label, id }: VideoEvent, number: number): string {
    const at = time ?? `${position.toFixed(3).padStart(10, '0')}`
    const plain = label.replace(/[^\w-]+/g, '-')
    const file = `${camera}_${at.replaceAll(':', '-')}_${plain}_${id}.jpg`
    const jpeg = this.#recent.get(number)
    if (jpeg === undefined) this.#wanted.push({ number, file })
    else this.#write(file, jpeg)
    return file
  }

  /** Settles when all that was asked for is written. */
  async close(): Promise<void> {
    this.#wanted.length = 0
    await this.#work
  }

  #write(file: string, jpeg: Uint8Array): void {
    this.#work = this.#work.then(async () => {
      const path = join(this.#options.folder, file)
      const temporary = `${path}.${process.pid}.tmp`
      try {
        await writeFile(temporary, jpeg)
        await rename(temporary, path)
        this.#kept.push({ file, bytes: jpeg.length })
        if (this.#failing) this.#options.warn('snapshots are written again')
        this.#failing = false
        this.onWritten?.(jpeg)
      } catch (cause) {
        await rm(temporary, { force: true }).catch(() => {})
        const why = cause instanceof Error ? cause.message : String(cause)
        if (!this.#failing) this.#options.warn(`E_FILE_WRITE: ${path} can't be written: ${why}`)
        this.#failing = true
      }
      await this.#prune()
    })
  }

  async #prune(): Promise<void> {
    const { folder, keep, keepBytes } = this.#options
    let bytes = this.#kept.reduce((sum, each) => sum + each.bytes, 0)
    while (this.#kept.length > keep || (bytes > keepBytes && this.#kept.length > 0)) {
      const oldest = this.#kept.shift()
      if (oldest === undefined) break
      bytes -= oldest.bytes
      await rm(join(folder, oldest.file), { force: true }).catch(() => {})
    }
  }
}
