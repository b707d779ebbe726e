import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Build } from '../engine/build.js'
import { usePlatform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'
import type { Pixels } from '../image/pixels.js'
import { limits } from '../limits.js'
import { embeddedFolder, modelFile } from './node/models.js'
import { notes } from './node/notes.js'
import { packageFolder } from './node/package.js'

export * from '../index.js'
export { packageFolder }

export const embeddedDetector = join(embeddedFolder, 'detector.safetensors')
export const embeddedAutoencoder = join(embeddedFolder, 'autoencoder.safetensors')

/** The bytes of a file that is no larger than a cap, checked before it is read. */
export async function readCapped(path: string, cap: number): Promise<Uint8Array> {
  let size: number
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw new OcellusError('E_FILE_READ', `${path} is a folder, not a file`)
    size = found.size
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw new OcellusError('E_FILE_MISSING', `${path}: no such file`, { cause })
  }
  if (size > cap) throw new OcellusError('E_FILE_TOO_LARGE', `${path} has ${size} bytes, more than ${cap}`)
  try {
    return await readFile(path)
  } catch (cause) {
    throw new OcellusError('E_FILE_READ', `${path} can't be read: ${String(cause)}`, { cause })
  }
}

usePlatform({
  name: 'node',
  notes,
  async loadEngine(build: Build): Promise<WebAssembly.Module> {
    const path = join(packageFolder, 'build', `ocellus.${build}.wasm`)
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new OcellusError('E_ENGINE_BUILD', `${path} is missing: run \`npm run build\``, { cause })
    })
    return WebAssembly.compile(bytes)
  },
  async readModel(source) {
    const file =
      source === undefined
        ? embeddedDetector
        : source instanceof URL
          ? fileURLToPath(source)
          : await modelFile(source)
    return { bytes: await readCapped(file, limits.modelBytes), file }
  },
  async decodeImage(source): Promise<Pixels> {
    const { decodeImage } = await import('./node/canvas.js')
    if (source instanceof Uint8Array) return decodeImage(source, 'image')
    if (source instanceof ArrayBuffer) return decodeImage(new Uint8Array(source), 'image')
    if (typeof source === 'string' || source instanceof URL) {
      const file = source instanceof URL ? fileURLToPath(source) : source
      return decodeImage(await readCapped(file, limits.imageFileBytes), file)
    }
    throw new OcellusError(
      'E_IMAGE_INPUT',
      'give a path, the bytes of an image file, or { width, height, data } in RGBA',
    )
  },
})
