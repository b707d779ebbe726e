import { OcellusError } from '../../../../src/host/errors.js'
import { crc32 } from '../../../../src/host/platform/node/crc32.js'
import type { ByteSource } from '../byte-source.js'
import type { ZipEntry } from './zip.js'

/** Only this much of an entry is held at a time. */
const pieceBytes = 1 << 20

/** Reads all of an entry, piece by piece, and holds it to its checksum. Throws E_TORCH_CHECKSUM. */
export async function verifyEntry(source: ByteSource, entry: ZipEntry): Promise<void> {
  let sum = 0
  for (let done = 0; done < entry.bytes; done += pieceBytes) {
    const length = Math.min(pieceBytes, entry.bytes - done)
    sum = crc32(await source.read(entry.at + done, length), sum)
  }
  if (sum !== entry.crc32) throw damaged(source, entry)
}

/** The bytes of a small entry, which have its checksum. Throws E_TORCH_CHECKSUM. */
export async function readVerified(source: ByteSource, entry: ZipEntry): Promise<Uint8Array> {
  const bytes = await source.read(entry.at, entry.bytes)
  if (crc32(bytes) !== entry.crc32) throw damaged(source, entry)
  return bytes
}

const damaged = ({ file }: ByteSource, { name }: ZipEntry): OcellusError =>
  new OcellusError(
    'E_TORCH_CHECKSUM',
    `${file}: ${name.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')} is not what was written, by its checksum: copy the file again (or, if torch.serialization.set_crc32_options(False) left checksums out, save it with them)`,
  )
