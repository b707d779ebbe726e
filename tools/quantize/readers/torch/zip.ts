import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import type { ByteSource } from '../byte-source.js'

/** Where the bytes of a file lie in the archive. */
export interface ZipEntry {
  readonly name: string
  /** Not compressed. */
  readonly stored: boolean
  readonly at: number
  readonly bytes: number
  /** Of the unpacked file, as the directory has it. */
  readonly crc32: number
}

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
}
const endBytes = 22
const locatorBytes = 20
const end64Bytes = 56
const centralBytes = 46
const localBytes = 30
/** A comment at the end may have this many bytes. */
const longestComment = 65_535
const longestDirectory = 64 << 20

interface Directory {
  readonly count: number
  readonly at: number
  readonly bytes: number
  /** Where what follows the directory starts. */
  readonly limit: number
}

/**
 * The files of a zip archive as torch.save writes it (APPNOTE 6.3.10; ZIP64 included), from its
 * central directory alone. Nothing is ever unpacked: torch compresses no tensors, and what is
 * compressed is marked so. The files must lie apart, within the archive, where their local headers
 * say. Throws E_TORCH_ZIP, E_TORCH_TRUNCATED.
 */
export async function readZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { file } = source
  const directory = await findDirectory(source)
  const bytes = await source.read(directory.at, directory.bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headers: ZipEntry[] = []
  let at = 0
  for (let n = 0; n < directory.count; n++) {
    if (at + centralBytes > bytes.length || view.getUint32(at, true) !== signatures.central)
      throw bad(file, 'its directory is damaged')
    const flags = view.getUint16(at + 8, true)
    const method = view.getUint16(at + 10, true)
    const nameBytes = view.getUint16(at + 28, true)
    const extraBytes = view.getUint16(at + 30, true)
    const next = at + centralBytes + nameBytes + extraBytes + view.getUint16(at + 32, true)
    if (next > bytes.length) throw bad(file, 'its directory is damaged')
    const nameAt = at + centralBytes
    const name = new TextDecoder().decode(bytes.subarray(nameAt, nameAt + nameBytes))
    const sizes = wide(view, at, nameAt + nameBytes, extraBytes)
    if (sizes === undefined) throw bad(file, 'its directory is damaged')
    if (flags & 1) throw bad(file, 'it is encrypted')
    const checksum = view.getUint32(at + 16, true)
    const stored = method === 0 && sizes.packed === sizes.unpacked
    headers.push({ name, at: sizes.offset, bytes: sizes.packed, stored, crc32: checksum })
    at = next
  }
  if (at !== bytes.length) throw bad(file, 'its directory is longer than its list of files')
  return placed(source, headers, directory.at)
}

async function placed(
  source: ByteSource,
  headers: ZipEntry[],
  limit: number,
): Promise<Map<string, ZipEntry>> {
  const { file } = source
  const entries = new Map<string, ZipEntry>()
  let free = 0
  for (const { at, ...entry } of headers.sort((a, b) => a.at - b.at)) {
    if (at < free || at + localBytes > limit) throw bad(file, 'its files overlap or lie outside it')
    const header = await source.read(at, localBytes)
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
    if (view.getUint32(0, true) !== signatures.local) throw bad(file, 'a file of it has no header')
    const start = at + localBytes + view.getUint16(26, true) + view.getUint16(28, true)
    const { name, bytes } = entry
    if (start + bytes > limit) throw bad(file, 'its files overlap or lie outside it')
    if (entries.has(name)) throw bad(file, 'two files of it have one name')
    entries.set(name, { ...entry, at: start })
    free = start + bytes
  }
  return entries
}

/**
 * Sizes and offset of a directory entry; those that don't fit 32 bits stand in its ZIP64 extra
 * field, in this order.
 */
function wide(
  view: DataView,
  at: number,
  extraAt: number,
  extraBytes: number,
): { packed: number; unpacked: number; offset: number } | undefined {
  const narrow = {
    packed: view.getUint32(at + 20, true),
    unpacked: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  }
  let field = 0
  let fieldEnd = 0
  for (let p = extraAt; p + 4 <= extraAt + extraBytes; ) {
    const bytes = view.getUint16(p + 2, true)
    if (view.getUint16(p, true) === 1) {
      field = p + 4
      fieldEnd = Math.min(p + 4 + bytes, extraAt + extraBytes)
      break
    }
    p += 4 + bytes
  }
  const widen = (value: number): number => {
    if (value !== 0xffffffff) return value
    if (field + 8 > fieldEnd) return Number.NaN
    field += 8
    return Number(view.getBigUint64(field - 8, true))
  }
  const unpacked = widen(narrow.unpacked)
  const packed = widen(narrow.packed)
  const offset = widen(narrow.offset)
  return [unpacked, packed, offset].every(Number.isSafeInteger) ? { packed, unpacked, offset } : undefined
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const { file, size } = source
  const tailAt = Math.max(0, size - endBytes - longestComment)
  const tail = await source.read(tailAt, size - tailAt)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  let end = tail.length - endBytes
  // The record whose comment ends with the file: no other can be the right one.
  while (
    end >= 0 &&
    !(
      view.getUint32(end, true) === signatures.end &&
      end + endBytes + view.getUint16(end + 20, true) === tail.length
    )
  )
    end--
  if (end < 0)
    throw new OcellusError(
      'E_TORCH_TRUNCATED',
      `${file}: the end of its zip archive is missing: copy it again`,
    )
  let found: Directory = {
    count: view.getUint16(end + 10, true),
    bytes: view.getUint32(end + 12, true),
    at: view.getUint32(end + 16, true),
    limit: tailAt + end,
  }
  if (view.getUint16(end + 8, true) !== found.count) throw bad(file, 'it is one part of several')
  const locator = end - locatorBytes
  if (locator >= 0 && view.getUint32(locator, true) === signatures.locator)
    found = await readEnd64(source, view.getBigUint64(locator + 8, true), tailAt + locator)
  const { count, bytes, at, limit } = found
  if (count > limits.zipEntries || bytes > longestDirectory)
    throw bad(file, `it has ${count} files, more than ${limits.zipEntries}`)
  if (!Number.isSafeInteger(at + bytes) || at + bytes !== limit)
    throw bad(file, 'its directory is not where its end says')
  return found
}

async function readEnd64(source: ByteSource, where: bigint, limit: number): Promise<Directory> {
  const { file } = source
  if (where > BigInt(limit - end64Bytes)) throw bad(file, 'its ZIP64 record is not where its locator says')
  const at = Number(where)
  const record = await source.read(at, end64Bytes)
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  if (view.getUint32(0, true) !== signatures.end64) throw bad(file, 'its ZIP64 record is damaged')
  const number = (offset: number): number => Number(view.getBigUint64(offset, true))
  return { count: number(32), bytes: number(40), at: number(48), limit: at }
}

const bad = (file: string, what: string): OcellusError =>
  new OcellusError('E_TORCH_ZIP', `${file} is no sound zip archive: ${what}`)
