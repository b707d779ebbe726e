import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import type { RawTensor } from './file.js'

/**
 * Reads values that stand beside the model, in a file of the model's own folder and nowhere else.
 * Throws E_ONNX_EXTERNAL.
 */
export function externalReader(file: string, largest: number): (tensor: RawTensor) => Uint8Array {
  const folder = dirname(file)
  return (tensor) => {
    const fail = (why: string, cause?: unknown) =>
      new OcellusError('E_ONNX_EXTERNAL', `${file}: the values of ${tensor.name} ${why}`, { cause })
    const location = tensor.external?.get('location') ?? ''
    const path = within(folder, location)
    if (path === undefined) throw fail(`stand in '${location}', which is no file of the model's own folder`)
    const [offset, length] = ['offset', 'length'].map((key) => {
      const text = tensor.external?.get(key)
      if (text !== undefined && !/^\d{1,15}$/.test(text)) throw fail(`have a damaged ${key}`)
      return text === undefined ? undefined : Number(text)
    })
    let handle: number
    try {
      handle = openSync(path, 'r')
    } catch (cause) {
      throw fail(`stand in ${location}, which can't be opened: put it beside the model`, cause)
    }
    try {
      const { size } = fstatSync(handle)
      if (!fstatSync(handle).isFile()) throw fail(`stand in ${location}, which is no regular file`)
      const from = offset ?? 0
      const bytes = length ?? size - from
      if (from + bytes > size || bytes < 0 || bytes > largest)
        throw fail(`would be ${bytes} bytes from ${from} on, and ${location} has ${size}`)
      const into = new Uint8Array(bytes)
      if (readSync(handle, into, 0, bytes, from) !== bytes) throw fail(`can't be read whole from ${location}`)
      return into
    } finally {
      closeSync(handle)
    }
  }
}

/**
 * The real path of a file in `folder`, symbolic links followed, or undefined where it lies outside.
 */
function within(folder: string, location: string): string | undefined {
  if (location === '' || isAbsolute(location) || location.includes('\0')) return undefined
  try {
    const root = realpathSync(folder || '.')
    const path = join(root, location)
    const inside = (to: string) => to !== '' && to !== '..' && !to.startsWith(`..${sep}`) && !isAbsolute(to)
    if (!inside(relative(root, path))) return undefined
    const real = realpathSync(path)
    return inside(relative(root, real)) ? real : undefined
  } catch {
    // It does not exist: the caller says so when it opens it.
    return join(folder, location)
  }
}
