import { OcellusError } from '../../../src/host/errors.js'
import type { Model } from '../../../src/host/graph/types.js'
import { shown } from '../../../src/host/shown.js'
import { bytesSource } from './byte-source.js'
import { type Checkpoint, type CheckpointFile, openCheckpointFile, readCheckpointFile } from './checkpoint.js'
import type { Dictionary } from './dictionary.js'
import { courseDiscriminator, courseGenerator } from './gan/course.js'
import { examplesDiscriminator, examplesGenerator } from './gan/examples.js'
import { pytorchGanDiscriminator, pytorchGanGenerator } from './gan/pytorch-gan.js'
import { Ledger, listed, mayStayOut } from './ledger.js'
import { maskedAutoencoder } from './mae.js'
import type { NetworkOptions, NetworkReader } from './network-reader.js'

export type { NetworkOptions } from './network-reader.js'

/** Of a file with several networks the first of these is read that fits one of them. */
const readers: readonly NetworkReader[] = [
  maskedAutoencoder,
  examplesGenerator,
  pytorchGanGenerator,
  courseGenerator,
  examplesDiscriminator,
  pytorchGanDiscriminator,
  courseDiscriminator,
]

const known =
  'masked autoencoders with the names of facebookresearch/mae; DCGAN generators and discriminators of the PyTorch examples (main.0.weight), of PyTorch-GAN (l1.0.weight, adv_layer.0.weight) and of the DeepLearning.AI course (gen.0.0.weight, disc.0.0.weight)'

/** A network that was found in a file. */
interface Found {
  readonly reader: NetworkReader
  readonly dictionary: Dictionary
  readonly prefix: string
  /**
   * What `--key` calls it: where its dictionary stands, then its prefix; nothing where neither is.
   */
  readonly key: string
  readonly checkpoint: Checkpoint
}

/**
 * The network of a PyTorch or safetensors checkpoint, recognised by the names and shapes of its
 * tensors. Every tensor must be used or be known not to matter. The checkpoint is a file, or bytes
 * with a name. Throws E_CHECKPOINT_NETWORK where none is known by its tensors or some have no
 * place, E_OPTION, and what the readers throw.
 */
export async function loadNetwork(
  source: string | { readonly file: string; readonly bytes?: Uint8Array },
  options: NetworkOptions = {},
): Promise<Model> {
  const { file: name, bytes } = typeof source === 'string' ? { file: source } : source
  const file = bytes ? await readCheckpointFile(bytesSource(bytes, name)) : await openCheckpointFile(name)
  try {
    return await read(choose(file, options), options)
  } finally {
    await file.close()
  }
}

async function read({ reader, checkpoint }: Found, options: NetworkOptions): Promise<Model> {
  const ledger = new Ledger(checkpoint)
  const model = await reader.read(ledger.checkpoint, options)
  ledger.finish(reader.title, reader.mayStay(checkpoint, options))
  return model
}

function choose(file: CheckpointFile, { key, task, report = () => {} }: NetworkOptions): Found {
  const all = networksIn(file)
  if (all.length === 0) throw unknownNetwork(file)
  const asked = key === undefined ? all : all.filter((one) => isUnder(one.key, key))
  const found: Found | undefined = asked.find((one) => one.reader.task === task) ?? asked[0]
  if (found === undefined) {
    const keys = all.map((one) => one.key).filter((one) => one !== '')
    const there = keys.length === 0 ? 'it holds one alone, without a key' : `there are ${listed(keys)}`
    throw new OcellusError('E_OPTION', `${file.file} has no network under the key ${shown(key!)}: ${there}`)
  }
  const strays = key === undefined ? checkStrays(file, found, all) : []
  const others = all.filter((one) => one.dictionary !== found.dictionary || one.prefix !== found.prefix)
  if (others.length > 0) {
    const keys = listed(others.map((one) => (one.key === '' ? '.' : one.key)))
    report(
      `${file.file}: reads ${shown(found.key) || 'the network without a key'}, a ${found.reader.title}; with --key it reads ${keys} instead`,
    )
  }
  if (strays.length > 0) report(`${file.file}: leaves out what lies beside the network: ${listed(strays)}`)
  return found
}

const isUnder = (path: string, key: string): boolean =>
  path === (key === '.' ? '' : key) || path.startsWith(`${key}.`)

/** Networks of one kind that are looked for in one dictionary. */
const mostPrefixes = 64

function networksIn(file: CheckpointFile): Found[] {
  const found: Found[] = []
  for (const reader of readers) {
    for (const dictionary of file.dictionaries) {
      const prefixes = dictionary.names
        .filter((name) => name === reader.mark || name.endsWith(`.${reader.mark}`))
        .map((name) => name.slice(0, -reader.mark.length))
      for (const prefix of prefixes.slice(0, mostPrefixes)) {
        const checkpoint = file.part(dictionary, prefix)
        const key = [dictionary.path, prefix.slice(0, -1)].filter((part) => part !== '').join('.')
        if (reader.fits(checkpoint)) found.push({ reader, dictionary, prefix, key, checkpoint })
      }
    }
  }
  return found
}

/** A tensor on its own that a training script keeps beside its networks. */
const loose = /^(\w*_)?(noise|latents?|z)$/

/**
 * What is left out beside the network that is read. Tensors of other dictionaries are nothing to
 * it. Those of its own dictionary, but without its prefix, may well be: unless they belong to
 * another network, this throws E_CHECKPOINT_NETWORK.
 */
function checkStrays(
  file: CheckpointFile,
  { dictionary, prefix, key }: Found,
  all: readonly Found[],
): string[] {
  const others = all.filter((one) => one.dictionary === dictionary).map((one) => one.prefix)
  const beside = dictionary.names.filter((name) => !others.some((other) => name.startsWith(other)))
  const whole = file.part(dictionary, '')
  const wrong = beside.filter((name) => !mayStayOut(name, [loose]) && !whole.shape(name).includes(0))
  if (prefix !== '' && wrong.length > 0) {
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${file.file}: ${listed(wrong)} stand${wrong.length === 1 ? 's' : ''} beside ${shown(key)} and belong to no network that is known: give --key ${shown(key)} if they don't matter to it`,
    )
  }
  const elsewhere = file.dictionaries.filter(
    (one) => one !== dictionary && !all.some((other) => other.dictionary === one),
  )
  const names = elsewhere.flatMap(({ path, names }) => (path === '' ? names : [path]))
  return [...beside.filter((name) => loose.test(name)), ...names]
}

function unknownNetwork({ file, dictionaries }: CheckpointFile): OcellusError {
  const names = dictionaries.flatMap((dictionary) => dictionary.names)
  const [first = 'none'] = names
  return new OcellusError(
    'E_CHECKPOINT_NETWORK',
    `${file}: its tensors (${shown(first, 80)}, ... ${names.length} in all) belong to no network that is known: ${known} are`,
  )
}
