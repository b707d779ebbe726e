import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import { cacheFolder, pulledFolder } from '../src/host/platform/node/models.js'
import { packageFolder } from '../src/host/platform/node/package.js'
import type { PublishedModel } from '../tools/pull/registry.js'
import { type Fetched, isAddress, Store, sourceOf } from '../tools/pull/store.js'
import { parseRanges } from '../tools/quantize/calibrate/ranges.js'
import { bytes, makeFolder, print, progress, writeWhole } from './output.js'
import { addQuantize } from './quantize.js'
import { packageRegistry, registry } from './registry.js'

interface Options {
  from?: string
  calibrate?: string[]
  timeout: number
  force?: boolean
  registry?: string
}

const attempts = 3

export function addPull(program: Command): void {
  program
    .command('pull')
    .description('fetch published float weights by name, and quantise them; without a name: what there is')
    .argument('[name]', 'a model of the registry')
    .option(
      '--from <source>',
      'a file, a folder or an address (a mirror: ending in /) instead of the published one',
    )
    .option(
      '--calibrate <photos...>',
      'photos, folders or globs to calibrate on; default: ranges that the registry has, else the three samples',
    )
    .option('--timeout <seconds>', 'without a byte, before giving up', parseSeconds, 30)
    .option('--registry <file>', 'a registry of your own; default: the one of this package')
    .option('--force', 'fetch and quantise again what is there already')
    .action(pull)
}

/** Names and licences, a model a line. */
export function licences(models: readonly PublishedModel[]): string {
  const width = Math.max(...models.map((m) => m.name.length))
  return models.map((m) => `${m.name.padEnd(width)}  ${m.licence}`).join('\n')
}

async function pull(name: string | undefined, options: Options): Promise<void> {
  const models = await registry(options.registry)
  if (name === undefined) {
    print(licences(models))
    return
  }
  const model = models.find((m) => m.name === name)
  if (model === undefined) {
    const names = models.map((m) => m.name).join(', ')
    throw new OcellusError('E_OPTION', `no model ${name} in the registry: there are ${names}`)
  }
  print(`${model.title}\nby       ${model.authors}, ${model.home}\nlicence  ${model.licence}`)
  const fetched = await fetchAll(model, options)
  const out = join(pulledFolder(), `${model.name}.safetensors`)
  await quantise(model, fetched, out, options)
  print(`\nkept as ${out}\nocellus detect PHOTO --model ${model.name}`)
}

async function fetchAll(model: PublishedModel, options: Options): Promise<Fetched[]> {
  const folder = join(cacheFolder(), 'downloads', model.name)
  makeFolder(folder)
  const store = await Store.open(folder)
  const fetched: Fetched[] = []
  // All sources first: what cannot be had should be known before the first byte.
  const sources = await Promise.all(model.files.map((file, i) => sourceOf(file, i === 0, options.from)))
  for (const [i, file] of model.files.entries()) {
    const bar = progress(`fetching ${file.name}`)
    const got = await store
      .fetch(file, sources[i], {
        timeoutMs: options.timeout * 1000,
        attempts,
        force: options.force ?? false,
        onProgress: (done, total) => {
          if (total !== undefined) bar.update(done, total)
        },
        writeRecord: async (path, text) => writeWhole(path, text),
      })
      .finally(bar.stop)
    fetched.push(got)
    print(`${file.name}: ${bytes(got.bytes)}, ${got.fresh ? 'from' : 'already here, from'} ${got.source}`)
    print(`  SHA-256 ${got.sha256}: ${saysOf(got, file.md5 !== undefined)}`)
  }
  return fetched
}

function saysOf({ checked, since }: Fetched, hasMd5: boolean): string {
  if (checked === 'published') return 'as the registry says'
  const md5 = hasMd5 ? '; its MD5 is the one published' : ''
  if (checked === 'recorded') return `as when it was first fetched, ${since}${md5}`
  return `recorded now, at first use: its authors publish none${md5}`
}

/**
 * By the words of the verb itself, so that a pulled model is what anybody gets by hand. Ranges that
 * the registry has were seen on more photos than the samples; these then measure the noise.
 */
async function quantise(
  model: PublishedModel,
  [weights]: readonly Fetched[],
  out: string,
  { calibrate, registry: file = packageRegistry }: Options,
): Promise<void> {
  const verb = new Command('ocellus').exitOverride()
  addQuantize(verb)
  const source = isAddress(weights.source) ? weights.source : `${model.home} (${weights.source})`
  const words = ['--name', model.name, '--license', model.licence, '--source', source, '--out', out]
  const ranges = await rangesOf(model, weights, file)
  if (calibrate === undefined && ranges !== undefined) words.push('--ranges', ranges)
  const photos = calibrate ?? [join(packageFolder, 'samples')]
  await verb.parseAsync(['quantize', weights.path, ...words, '--calibrate', ...photos], { from: 'user' })
}

/** The registry's ranges of a model, if they were seen with these weights. */
async function rangesOf(
  { ranges }: PublishedModel,
  { sha256 }: Fetched,
  registryFile: string,
): Promise<string | undefined> {
  if (ranges === undefined) return undefined
  const file = join(dirname(registryFile), 'ranges', ranges)
  const text = new TextDecoder().decode(await readCapped(file, limits.cfgBytes))
  return parseRanges(text, file).weights === sha256 ? file : undefined
}

function parseSeconds(word: string): number {
  const value = Number(word)
  if (!(value >= 0.1 && value <= 86_400))
    throw new OcellusError('E_OPTION', `${word} is not 0.1 to 86400 seconds`)
  return value
}
