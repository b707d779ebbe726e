import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { OcellusError } from '../../src/host/errors.js'
import { flush, isSpecial, sweep, temporaryOf } from '../../src/host/platform/node/write.js'
import { makeFolder, warn } from '../output.js'

/** Where the lines of a run go. */
export interface LineWriter {
  /** Settles when there is room for more. */
  write(line: string): Promise<void>
  /** Throws E_FILE_WRITE where a file could not be written whole: what was there before stays. */
  close(): Promise<void>
  /** Instead of `close`, where a run has failed: a file that would be made anew stays as it was. */
  discard(): Promise<void>
}

/** Standard output: who reads it sets the pace. */
export function printedLines(): LineWriter {
  return {
    write: (line) => written(process.stdout, line),
    close: async () => {},
    discard: async () => {},
  }
}

/**
 * A file. Lines of a live source are added to it; where it can't be written to any more, as on a
 * full disk, that is told once, and the rest goes on. Lines of a video file make it anew, under a
 * temporary name until they are complete.
 */
export async function fileLines(path: string, live: boolean): Promise<LineWriter> {
  makeFolder(dirname(path))
  // A device or a pipe is written to as it is: nothing may be renamed over it.
  const inPlace = live || isSpecial(path)
  const target = inPlace ? path : temporaryOf(path)
  if (!inPlace) sweep(path)
  const stream = createWriteStream(target, { flags: inPlace ? 'a' : 'w' })
  const unwritten = (cause: unknown): OcellusError =>
    new OcellusError(
      'E_FILE_WRITE',
      `${path} can't be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  let failure: OcellusError | undefined
  const failed = (cause: unknown): void => {
    if (failure === undefined && live) warn(`E_FILE_WRITE: ${unwritten(cause).message}`)
    failure ??= unwritten(cause)
  }
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve())
    stream.once('error', (cause) => reject(unwritten(cause)))
  })
  stream.on('error', failed)
  const end = (): Promise<void> =>
    new Promise((resolve) => {
      if (stream.closed) return resolve()
      stream.once('close', () => resolve())
      stream.end()
    })
  const drop = async (): Promise<void> => {
    if (!inPlace) await rm(target, { force: true }).catch(() => {})
  }
  return {
    async write(line) {
      if (failure === undefined) await written(stream, line)
    },
    async close() {
      await end()
      if (live) return
      try {
        if (failure !== undefined) throw failure
        if (inPlace) return
        flush(target)
        await rename(target, path).catch((cause: unknown) => {
          throw unwritten(cause)
        })
        flush(dirname(path))
      } catch (error) {
        await drop()
        throw error
      }
    },
    async discard() {
      await end()
      await drop()
    },
  }
}

function written(stream: Writable, line: string): Promise<void> {
  if (stream.write(`${line}\n`) || stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('error', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('error', done).on('close', done)
  })
}
