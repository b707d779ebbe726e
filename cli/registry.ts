import { join } from 'node:path'
import { OcellusError } from '../src/host/errors.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import { modelFile } from '../src/host/platform/node/models.js'
import { packageFolder } from '../src/host/platform/node/package.js'
import { type PublishedModel, parseRegistry } from '../tools/pull/registry.js'

export const packageRegistry = join(packageFolder, 'models', 'registry.json')

export const registry = async (path: string = packageRegistry): Promise<PublishedModel[]> =>
  parseRegistry(new TextDecoder().decode(await readCapped(path, limits.cfgBytes)))

/** As `modelFile`; of a name that can be pulled, the error says so. */
export async function modelFileOf(word: string): Promise<string> {
  try {
    return await modelFile(word)
  } catch (error) {
    const missing = error instanceof OcellusError && error.code === 'E_FILE_MISSING'
    if (!missing || !(await registry()).some(({ name }) => name === word)) throw error
    throw new OcellusError('E_FILE_MISSING', `${word} is not here yet: fetch it with ocellus pull ${word}`, {
      cause: error,
    })
  }
}
