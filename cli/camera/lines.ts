import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { OcellusError } from '../../src/host/errors.js'
import { makeFolder, warn } from '../output.js'

/** Where the lines of a run go. */
export interface LineWriter {
  /** Settles when there is room for more. */
  write(line: string): Promise<void>
  close(): Promise<void>
}

/** Standard output: who reads it sets the pace. */
export function printedLines(): LineWriter {
  return {
    write: (line) => written(process.stdout, line),
    close: async () => {},
  }
}

/**
 * A file. Lines of a live source are added to it; those of a video file make it anew, under a
 * temporary name until they are complete. A file that can't be written to any more, as on a full
 * disk, is told of once, and the rest goes on.
 */
export async function fileLines(path: string, live: boolean): Promise<LineWriter> {
  makeFolder(dirname(path))
  const target = live ? path : `${path}.${process.pid}.tmp`
  const stream = createWriteStream(target, { flags: live ? 'a' : 'w' })
  let failure: Error | undefined
  const failed = (cause: Error): void => {
    if (failure === undefined) warn(`E_FILE_WRITE: ${path} can't be written: ${cause.message}`)
    failure = cause
  }
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve())
    stream.once('error', (cause) =>
      reject(new OcellusError('E_FILE_WRITE', `${path} can't be written: ${cause.message}`, { cause })),
    )
  })
  stream.on('error', failed)
  return {
    async write(line) {
      if (failure === undefined) await written(stream, line)
    },
    async close() {
      if (failure === undefined) await new Promise<void>((resolve) => stream.end(() => resolve()))
      if (live) return
      if (failure === undefined) await rename(target, path)
      else await rm(target, { force: true })
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
