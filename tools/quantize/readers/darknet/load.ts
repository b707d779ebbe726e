import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { OcellusError } from '../../../../src/host/errors.js'
import type { Model } from '../../../../src/host/graph/types.js'
import { limits } from '../../../../src/host/limits.js'
import { readCapped } from '../../../../src/host/platform/node/files.js'
import { likelyNames } from '../../../evaluate/known-names.js'
import { assemble, buildNetwork, parseCfg } from '../darknet.js'

export interface LoadOptions {
  /** The .cfg file; the one beside the weights with the same name, where absent. */
  readonly config?: string
  /**
   * A text file with a label a line; one that fits is looked for beside the weights, where absent.
   */
  readonly names?: string
  /** Of batch normalisation; darknet's 1e-5, where absent. */
  readonly epsilon?: number
  /** Takes one line on what the files do not say. */
  readonly report?: (line: string) => void
  /** The weights, where they are in no file. Default: those of the file. */
  readonly bytes?: Uint8Array
}

/** Reads a darknet `.weights` file, its configuration and its labels from disk. */
export async function loadDarknet(weightsPath: string, options: LoadOptions = {}): Promise<Model> {
  const config = options.config ?? withExtension(weightsPath, '.cfg')
  if (options.config === undefined && !(await isFile(config))) {
    throw new OcellusError(
      'E_FILE_MISSING',
      `${weightsPath} needs its cfg, and there is no ${config}: give it with --config`,
    )
  }
  const network = buildNetwork(parseCfg(await readText(config, limits.cfgBytes), config))
  const { classes } = network.heads[0]
  const names =
    options.names === undefined
      ? ((await findNames(weightsPath, config, classes)) ?? assumedNames(weightsPath, classes, options))
      : await readNames(options.names)
  const bytes = options.bytes ?? (await readCapped(weightsPath, limits.modelBytes))
  return assemble(network, { bytes, file: weightsPath }, names, options.epsilon)
}

function assumedNames(weights: string, classes: number, { report }: LoadOptions): string[] | undefined {
  const likely = likelyNames(classes)
  if (likely === undefined) return undefined
  report?.(
    `${weights}: no file names the ${classes} classes, taken as those of ${likely.dataSet}; else give --names`,
  )
  return likely.names
}

/**
 * The labels of a `.names` file: one a line, blank lines at its end left out. Of a `.data` file, as
 * darknet's commands take it, those of the file that it names.
 */
export async function readNames(given: string): Promise<string[]> {
  const path = extname(given).toLowerCase() === '.data' ? await namesOfData(given) : given
  const text = (await readText(path, limits.labelFileBytes)).trimEnd()
  const names = text.split('\n').map((line) => line.trim())
  const blank = names.indexOf('')
  if (blank >= 0)
    throw new OcellusError('E_DATA_LABELS', `${path} line ${blank + 1} is blank: each line names a class`)
  if (names.length > limits.labels) {
    throw new OcellusError('E_DATA_LABELS', `${path} has ${names.length} labels, more than ${limits.labels}`)
  }
  return names
}

/** Darknet reads the path from where it runs, so its file may as well lie beside the `.data`. */
async function namesOfData(path: string): Promise<string> {
  const text = await readText(path, limits.labelFileBytes)
  const found = text.match(/^[ \t]*names[ \t]*=[ \t]*(\S.*?)[ \t\r]*$/m)
  if (found === null)
    throw new OcellusError('E_DATA_LABELS', `${path} has no line names = FILE, so it names no classes`)
  const [, named] = found
  const folder = dirname(path)
  for (const file of [resolve(folder, named), resolve(named), join(folder, basename(named))])
    if (await isFile(file)) return file
  throw new OcellusError('E_FILE_MISSING', `${path}: its names = ${named} is no file`)
}

/**
 * Labels beside the model: `<weights>.names`, else `<cfg>.names`, else the only .names file of the
 * folder that has one line for each class. Undefined where nothing fits, so that a stray file of
 * another network never gives a class a wrong name.
 */
async function findNames(weights: string, config: string, classes: number): Promise<string[] | undefined> {
  for (const path of [withExtension(weights, '.names'), withExtension(config, '.names')]) {
    if (await isFile(path)) return readNames(path)
  }
  const folder = dirname(weights)
  const fitting: string[][] = []
  for (const entry of (await readdir(folder).catch(() => [])).filter((name) => extname(name) === '.names')) {
    const path = join(folder, entry)
    const names = (await isFile(path)) ? await readNames(path).catch(() => []) : []
    if (names.length === classes) fitting.push(names)
  }
  return fitting.length === 1 ? fitting[0] : undefined
}

const withExtension = (path: string, extension: string): string =>
  join(dirname(path), basename(path, extname(path)) + extension)

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

/** Comments may be in any encoding; what isn't UTF-8 there does no harm. */
async function readText(path: string, cap: number): Promise<string> {
  return new TextDecoder().decode(await readCapped(path, cap))
}
