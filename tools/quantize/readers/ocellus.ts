import { OcellusError } from '../../../src/host/errors.js'
import { dataStart, readSafetensorsIndex } from '../../../src/host/format/safetensors.js'
import { readModel } from '../../../src/host/graph/file.js'
import type { Model } from '../../../src/host/graph/types.js'
import { limits } from '../../../src/host/limits.js'
import { openModel } from '../../../src/host/platform/node/files.js'
import { type ByteSource, bytesSource, openFile } from './byte-source.js'
import { elementSizes } from './elements.js'

/**
 * Reads one of our own model files; undefined for a safetensors file that holds something else.
 * Throws E_MODEL_*, E_FILE_*.
 */
export async function readOcellus({
  file,
  bytes,
}: {
  readonly file: string
  readonly bytes?: Uint8Array
}): Promise<Model | undefined> {
  try {
    return readModel(bytes ?? (await openModel(file)), file)
  } catch (error) {
    // Element types that no model of ours has fail by their header, and checkpoints may be larger.
    const codes = ['E_MODEL_FORMAT', 'E_MODEL_HEADER', 'E_FILE_TOO_LARGE']
    if (!(error instanceof OcellusError) || !codes.includes(error.code)) throw error
    const source = bytes ? bytesSource(bytes, file) : await openFile(file, limits.checkpointBytes)
    if (await isOurs(source)) throw error
    return undefined
  }
}

/**
 * Whether a safetensors file says that it is ours. A damaged one counts, so that its own error is
 * told.
 */
async function isOurs(source: ByteSource): Promise<boolean> {
  const { size, file } = source
  try {
    const start = dataStart(await source.read(0, Math.min(9, size)), size, file)
    const header = await source.read(8, start - 8)
    return readSafetensorsIndex(header, size, elementSizes, file).metadata.get('format') === 'ocellus'
  } catch (error) {
    if (error instanceof OcellusError) return true
    throw error
  } finally {
    await source.close()
  }
}
