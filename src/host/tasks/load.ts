import { type Address, platform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'
import { checkedModel, readModel } from '../graph/file.js'
import type { Model } from '../graph/types.js'
import { addressOf, type Contents, contentOf, modelContent } from '../source/content.js'

/**
 * What a model can be taken from: its path or address, or its name; the bytes of its file, held or given one after the
 * other; or a model in memory.
 */
export type ModelInput = string | Address | Contents | Model

/** A model from wherever it is, structurally checked; `Session.create` verifies the rest. Throws E_MODEL_*, E_FILE_*, E_OPTION. */
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

/** Options as they were given; E_OPTION for what holds none. */
export function givenOptions<T extends object>(options: T): T {
  if (typeof options === 'object' && options !== null) return options
  throw new OcellusError('E_OPTION', `the options are ${typeNameOf(options)}: give an object or nothing`)
}

const typeNameOf = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'object' ? 'an object of another kind' : `a ${typeof value}`
