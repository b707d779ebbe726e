import { platform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'
import { checkedModel, readModel } from '../graph/file.js'
import type { Model } from '../graph/types.js'
import { type Address, addressOf, type Contents, contentOf, modelContent } from '../source/content.js'

/**
 * Where a model comes from: the name of one that is embedded or was pulled; the path or address of
 * its file; the bytes of that file, held or given one after the other; or a model in memory.
 */
export type ModelInput = string | Address | Contents | Model

/**
 * Reads an Ocellus model file and checks its structure; `Session.create` verifies the rest. Without
 * a source, the embedded detector. `openModel` of `ocellus/tools` opens other formats.
 *
 * Throws E_FILE_* where the file can't be read, E_MODEL_* where it holds no sound model, and
 * E_OPTION for what is neither a file nor a model.
 *
 * @example
 * const model = await loadModel('detector-small')
 * const { graph } = await loadModel(new URL('model.safetensors', import.meta.url))
 */
export async function loadModel(source?: ModelInput): Promise<Model> {
  if (isModel(source)) return checkedModel(source)
  const content = source === undefined ? undefined : await contentOf(source, modelContent)
  if (content !== undefined) return readModel(content.bytes, content.file)
  const address = addressOf(source)
  if (source !== undefined && address === undefined) {
    throw new OcellusError(
      'E_OPTION',
      `the model is ${typeNameOf(source)}: give its path, address or name, the bytes of its file, or a model in memory`,
    )
  }
  const { bytes, file } = await platform().readModel(address)
  return readModel(bytes, file)
}

const isModel = (source: unknown): source is Model =>
  typeof source === 'object' && source !== null && 'graph' in source

/** Whether nobody but us holds what a model was read of, so that it can't change any more. */
export const isOurs = (source: ModelInput | undefined): boolean =>
  source === undefined || addressOf(source) !== undefined

const typeNameOf = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'object' ? 'an object of another kind' : `a ${typeof value}`
