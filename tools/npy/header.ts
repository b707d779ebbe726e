import { OcellusError } from '../../src/host/errors.js'
import { quoted } from '../../src/host/format/json.js'

/** What the header of a NumPy array file says. */
export interface NpyHeader {
  /** As in numpy: `<f4`, `|u1`, ... */
  readonly descr: string
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  /** Where the data starts. */
  readonly start: number
}

/** numpy's own limit is 10,000 bytes; no array of a few dimensions needs more than 200. */
const headerBytes = 1 << 16
const dimensions = 32
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/**
 * Reads magic, version (1, 2 or 3) and dictionary. Throws E_NPY_FORMAT, E_NPY_TRUNCATED,
 * E_NPY_SHAPE, E_NPY_TYPE.
 */
export function readHeader(bytes: Uint8Array, file: string): NpyHeader {
  if (magic.some((byte, i) => i < bytes.length && bytes[i] !== byte))
    throw new OcellusError('E_NPY_FORMAT', `${file} is no NumPy array (.npy): save one with numpy.save`)
  const [version, minor] = bytes.subarray(6, 8)
  const lengthBytes = version === 1 ? 2 : 4
  const start = 8 + lengthBytes
  if (bytes.length < start) throw truncated(file, 'in its header')
  if (version < 1 || version > 3 || minor !== 0)
    throw new OcellusError('E_NPY_FORMAT', `${file} has version ${version}.${minor}; 1.0 to 3.0 are read`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > headerBytes)
    throw new OcellusError(
      'E_NPY_FORMAT',
      `${file} has a header of ${length} bytes; the most is ${headerBytes}`,
    )
  if (bytes.length < start + length) throw truncated(file, 'in its header')
  const text = new TextDecoder().decode(bytes.subarray(start, start + length))
  return { ...readDictionary(text, file), start: start + length }
}

export const truncated = (file: string, where: string): OcellusError =>
  new OcellusError('E_NPY_TRUNCATED', `${file} ends ${where}: copy it again`)

/**
 * The three entries of the dictionary, each once, in any order: a small part of Python's literals.
 */
function readDictionary(text: string, file: string): Omit<NpyHeader, 'start'> {
  const fail = (what: string): never => {
    throw new OcellusError('E_NPY_FORMAT', `${file}: its header ${what}`)
  }
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (body === undefined) return fail('is no dictionary')
  const found = new Map<string, string>()
  const entry = /\s*(['"])(\w{1,64})\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[[^\]]*\])\s*(?:,|$)/gy
  while (entry.lastIndex < body.trimEnd().length) {
    const match = entry.exec(body)
    if (match === null) return fail('can not be read')
    if (found.has(match[2])) return fail(`has ${match[2]} twice`)
    found.set(match[2], match[3])
  }
  const value = (key: string): string => found.get(key) ?? fail(`has no ${key}`)
  const descr = value('descr')
  const order = value('fortran_order')
  const shape = value('shape')
  if (found.size !== 3) return fail('has unknown entries')
  if (order !== 'True' && order !== 'False') return fail('has no truth value for fortran_order')
  if (!shape.startsWith('(')) return fail('has no tuple for its shape')
  if (descr.startsWith('['))
    throw new OcellusError('E_NPY_TYPE', `${file} holds records; an array of plain numbers is needed`)
  return { descr: descr.slice(1, -1), fortranOrder: order === 'True', shape: readShape(shape, file) }
}

function readShape(tuple: string, file: string): number[] {
  const refuse = (): never => {
    throw new OcellusError(
      'E_NPY_SHAPE',
      `${file} has the shape ${quoted(tuple.slice(0, 80))}, which is none`,
    )
  }
  const inside = tuple.slice(1, -1).trim()
  if (inside === '') return []
  // A tuple of one has its comma.
  const parts = inside.split(',').map((part) => part.trim())
  if (parts.at(-1) === '') parts.pop()
  else if (parts.length === 1) refuse()
  if (parts.length > dimensions || parts.some((part) => !/^\d{1,15}L?$/.test(part))) refuse()
  return parts.map((part) => Number(part.replace('L', '')))
}
