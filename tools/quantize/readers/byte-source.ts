import { type FileHandle, open } from 'node:fs/promises'
import { OcellusError } from '../../../src/host/errors.js'
import { checkFile } from '../../../src/host/platform/node/files.js'
import { plainBytes } from '../../../src/host/source/bytes.js'

/** Bytes that are read where and when they are needed. */
export interface ByteSource {
  /** Name for messages. */
  readonly file: string
  readonly size: number
  /** Exactly these bytes, which must lie within the source. */
  read(at: number, length: number): Promise<Uint8Array>
  /** As `read`, into memory that is there already. */
  readInto(target: Uint8Array, at: number): Promise<void>
  close(): Promise<void>
}

export function bytesSource(given: Uint8Array, file: string): ByteSource {
  const bytes = plainBytes(given)
  const within = (at: number, length: number): Uint8Array => {
    if (at + length > bytes.length) throw shrunk(file)
    return bytes.subarray(at, at + length)
  }
  return {
    file,
    size: bytes.length,
    read: async (at, length) => within(at, length),
    readInto: async (target, at) => target.set(within(at, target.length)),
    close: async () => {},
  }
}

/** Opens a file that is no larger than a cap. Throws E_FILE_*. */
export async function openFile(path: string, cap: number): Promise<ByteSource> {
  const { size } = checkFile(path, cap)
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new OcellusError('E_FILE_READ', `${path} can't be read: ${String(cause)}`, { cause })
  })
  return fileSource(handle, path, size)
}

/** Some systems read no more than 2 GiB at once. */
const most = 1 << 30

function fileSource(handle: FileHandle, file: string, size: number): ByteSource {
  const readInto = async (target: Uint8Array, at: number): Promise<void> => {
    if (at + target.length > size) throw shrunk(file)
    for (let done = 0; done < target.length; ) {
      const length = Math.min(most, target.length - done)
      const { bytesRead } = await handle.read(target, done, length, at + done).catch((cause: unknown) => {
        throw new OcellusError('E_FILE_READ', `${file} can't be read: ${String(cause)}`, { cause })
      })
      if (bytesRead === 0) throw shrunk(file)
      done += bytesRead
    }
  }
  return {
    file,
    size,
    readInto,
    async read(at, length) {
      if (at + length > size) throw shrunk(file)
      const bytes = new Uint8Array(length)
      await readInto(bytes, at)
      return bytes
    },
    close: () => handle.close(),
  }
}

const shrunk = (file: string): OcellusError =>
  new OcellusError('E_FILE_READ', `${file} ends before what is read of it: did it change?`)
