import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, extname, isAbsolute, join } from 'node:path'
import { OcellusError } from '../../errors.js'
import { fs } from './builtin.js'
import { packageFolder } from './package.js'

const ending = '.safetensors'

/** Models that are part of the package. */
export const embeddedFolder = join(packageFolder, 'models', 'quantized')
export const embeddedDetector = join(embeddedFolder, 'detector.safetensors')
export const embeddedAutoencoder = join(embeddedFolder, 'autoencoder.safetensors')

/**
 * Where `ocellus pull` keeps what it fetched: OCELLUS_CACHE, else `ocellus` in the user's cache
 * folder (XDG_CACHE_HOME, Library/Caches or LOCALAPPDATA; `.cache` of the home where none is told).
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  system: NodeJS.Platform = process.platform,
): string {
  // The XDG specification: a relative path in these variables is to be ignored.
  const told = (name: string): string | undefined => {
    const value = env[name]
    return value !== undefined && isAbsolute(value) ? value : undefined
  }
  const own = told('OCELLUS_CACHE')
  if (own !== undefined) return own
  const usual =
    system === 'darwin'
      ? join(homedir(), 'Library', 'Caches')
      : ((system === 'win32' ? told('LOCALAPPDATA') : undefined) ?? join(homedir(), '.cache'))
  return join(told('XDG_CACHE_HOME') ?? usual, 'ocellus')
}

export const pulledFolder = (): string => join(cacheFolder(), 'models')

export interface KnownModel {
  readonly name: string
  readonly file: string
  readonly embedded: boolean
}

/** All models that can be told by name: those of the package first, then those that were pulled. */
export async function knownModels(): Promise<KnownModel[]> {
  const inside = async (folder: string, embedded: boolean): Promise<KnownModel[]> =>
    (await readdir(folder).catch(() => []))
      .filter((file) => extname(file) === ending)
      .sort()
      .map((file) => ({ name: basename(file, ending), file: join(folder, file), embedded }))
  const embedded = await inside(embeddedFolder, true)
  const pulled = await inside(pulledFolder(), false)
  return [...embedded, ...pulled.filter(({ name }) => !embedded.some((e) => e.name === name))]
}

/** Whether a word can be a model's name: a path has a separator or an ending. */
export const isModelName = (word: string): boolean => /^[a-z0-9][a-z0-9-]*(\.\d+[a-z0-9-]*)*$/i.test(word)

/**
 * The file that a word tells: a model's name, embedded or pulled, else a path. The name of a model
 * wins over a file of that name without an ending, which `./name` still reaches. Throws
 * E_FILE_MISSING for a name that is neither.
 */
export async function modelFile(word: string): Promise<string> {
  if (!isModelName(word)) return word
  for (const folder of [embeddedFolder, pulledFolder()]) {
    const file = join(folder, word + ending)
    if (fs.existsSync(file)) return file
  }
  if (fs.existsSync(word)) return word
  const names = (await knownModels()).map(({ name }) => name).join(', ')
  throw new OcellusError(
    'E_FILE_MISSING',
    `${word}: no such file, and no model of this name: there are ${names}`,
  )
}
