import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type StoredTensor, writeSafetensors } from '../../src/host/format/safetensors.js'
import type { AutoencoderTask, Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { loadNetwork, type NetworkOptions } from '../../tools/quantize/readers/networks.js'
import { maeWeights, type Weights } from '../helpers/mae.js'
import { randomInput } from '../helpers/models.js'
import { sharedTrial, skipUnless } from '../helpers/require.js'
import { runModel } from '../helpers/session.js'
import { pickle, whole, zip } from '../helpers/torch-file.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Values = Float32Array | Buffer

const values = (...shape: number[]): { shape: number[]; data: Float32Array } => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 11) / 11 - 0.4),
})

/** The generator of the PyTorch examples for pictures of 16x16, and its discriminator. */
const generator = (): Weights => {
  const weights: Weights = new Map([['main.0.weight', values(6, 8, 4, 4)]])
  norm(weights, 'main.1', 8)
  weights.set('main.3.weight', values(8, 4, 4, 4))
  norm(weights, 'main.4', 4)
  return weights.set('main.6.weight', values(4, 3, 4, 4))
}

const discriminator = (): Weights => {
  const weights: Weights = new Map([
    ['main.0.weight', values(4, 3, 4, 4)],
    ['main.2.weight', values(8, 4, 4, 4)],
  ])
  norm(weights, 'main.3', 8)
  return weights.set('main.5.weight', values(1, 8, 4, 4))
}

function norm(weights: Weights, name: string, channels: number): void {
  for (const role of ['weight', 'bias', 'running_mean']) weights.set(`${name}.${role}`, values(channels))
  weights.set(`${name}.running_var`, { shape: [channels], data: new Float32Array(channels).fill(1) })
}

const prefixed = (prefix: string, weights: Weights): Weights =>
  new Map([...weights].map(([name, tensor]) => [prefix + name, tensor]))

let count = 0
function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, `${count++}-${name}`)
  writeFileSync(path, bytes)
  return path
}

function safetensors(weights: Weights, metadata: Record<string, string> = {}): string {
  const tensors = [...weights].map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: 'F32', shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  ])
  const bytes = writeSafetensors({ metadata: new Map(Object.entries(metadata)), tensors: new Map(tensors) })
  return written('f.safetensors', bytes)
}

/** Pickled values and the storages that they refer to. */
class Saved {
  readonly storages: Values[] = []

  tensor({ shape, data }: { shape: readonly number[]; data: Values }, type = 'FloatStorage'): Buffer {
    const key = String(this.storages.push(data) - 1)
    const elements = type === 'FloatStorage' ? data.length : data.length / 8
    let stride = 1
    const strides = [...shape].reverse().map((side) => {
      const own = stride
      stride *= side
      return own
    })
    const storage = pickle.tuple(
      pickle.string('storage'),
      pickle.global('torch', type),
      pickle.string(key),
      pickle.string('cpu'),
      pickle.int(elements),
    )
    const args = pickle.tuple(
      Buffer.concat([storage, Buffer.from('Q')]),
      pickle.int(0),
      pickle.tuple(...shape.map(pickle.int)),
      pickle.tuple(...strides.reverse().map(pickle.int)),
      pickle.false,
      pickle.dict(),
    )
    return Buffer.concat([pickle.global('torch._utils', '_rebuild_tensor_v2'), args, pickle.reduce])
  }

  dict(weights: Weights, ...more: Buffer[]): Buffer {
    const pairs = [...weights].flatMap(([name, tensor]) => [pickle.string(name), this.tensor(tensor)])
    return pickle.dict(...pairs, ...more)
  }

  file(root: Buffer): string {
    const files = this.storages.map((data, key) => ({
      name: `x/data/${key}`,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    }))
    return written('f.pth', zip([{ name: 'x/data.pkl', data: whole(root) }, ...files]))
  }
}

const torch = (weights: Weights, ...more: Buffer[]): string => {
  const saved = new Saved()
  return saved.file(saved.dict(weights, ...more))
}

/** Keys and values as a pickled dict. */
const outer = (entries: Readonly<Record<string, Buffer>>): Buffer =>
  pickle.dict(...Object.entries(entries).flatMap(([key, value]) => [pickle.string(key), value]))

const called = (module: string, name: string, ...args: Buffer[]): Buffer =>
  Buffer.concat([pickle.global(module, name), pickle.tuple(...args), pickle.reduce])

interface Told {
  readonly model: Model
  readonly lines: string[]
}

async function load(path: string, options: NetworkOptions = {}): Promise<Told> {
  const lines: string[] = []
  const model = await loadNetwork(path, { ...options, report: (line) => lines.push(line) })
  verifyModel(model)
  return { model, lines }
}

const refusal = (path: string, options?: NetworkOptions): Promise<string> =>
  load(path, options).then(
    () => 'none',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )

const plain = () => load(torch(generator()))

describe('every tensor of a checkpoint is used, known not to matter, or named', () => {
  it.each<[string, (weights: Weights) => void, string]>([
    [
      'a PReLU',
      (w) => w.set('main.2.weight', values(1)).set('main.5.weight', values(1)),
      'main.2.weight, main.5.weight',
    ],
    ['a layer that no DCGAN has', (w) => w.set('mapping.0.weight', values(6, 6)), 'mapping.0.weight'],
    ['a bias of another module', (w) => w.set('main.9.bias', values(3)), 'main.9.bias'],
    [
      'many of them',
      (w) => {
        for (let n = 0; n < 50; n++) w.set(`style.${n}.weight`, values(2))
      },
      ' and 42 more have no place',
    ],
  ])('%s, in both formats', async (_what, change, names) => {
    const weights = generator()
    change(weights)
    for (const path of [safetensors(weights), torch(weights)]) {
      const told = await refusal(path)
      expect(told).toMatch(/^E_CHECKPOINT_NETWORK: /)
      expect(told).toContain(names)
    }
  })

  it.each<[string, (weights: Weights) => void, string]>([
    [
      'LayerScale',
      (w) => w.set('blocks.0.ls1.gamma', values(128)).set('blocks.1.ls1.gamma', values(128)),
      'blocks.0.ls1.gamma, blocks.1.ls1.gamma',
    ],
    ['LayerScale of BEiT', (w) => w.set('blocks.0.gamma_1', values(128)), 'blocks.0.gamma_1'],
    ['a norm before the blocks', (w) => w.set('norm_pre.weight', values(128)), 'norm_pre.weight'],
    ['norms of queries', (w) => w.set('blocks.1.attn.q_norm.weight', values(64)), 'q_norm'],
    ['relative positions', (w) => w.set('blocks.0.attn.rel_pos_bias', values(4)), 'rel_pos_bias'],
    ['a token of distillation', (w) => w.set('dist_token', values(1, 1, 128)), 'dist_token'],
    [
      'a gap between its blocks',
      (w) => {
        for (const [name, tensor] of [...w]) {
          if (!name.startsWith('blocks.1.')) continue
          w.delete(name)
          w.set(name.replace('blocks.1.', 'blocks.2.'), tensor)
        }
      },
      'blocks.1.norm1.weight is missing',
    ],
    ['a block that is not whole', (w) => w.delete('blocks.1.norm1.weight'), 'blocks.1.'],
  ])('a vision transformer with %s', async (_what, change, names) => {
    const weights = maeWeights(1)
    change(weights)
    const told = await refusal(safetensors(weights))
    expect(told).toMatch(/^E_CHECKPOINT_NETWORK: /)
    expect(told).toContain(names)
  })

  it('counters, classifiers and empty buffers may be left', async () => {
    const weights = generator()
    weights.set('total_ops', values(1)).set('main.1.total_params', values(1))
    weights.set('scratch', values(0)).set('main.2.buffer', values(0, 4))
    expect(await refusal(safetensors(weights))).toBe('none')
    const saved = new Saved()
    const counter = saved.tensor({ shape: [], data: Buffer.alloc(8) }, 'LongStorage')
    const root = saved.dict(weights, pickle.string('main.1.num_batches_tracked'), counter)
    expect(await refusal(saved.file(root))).toBe('none')
    const classifier = maeWeights(2).set('head.weight', values(10, 128)).set('head.bias', values(10))
    expect(await refusal(safetensors(classifier))).toBe('none')
  })

  it('an empty tensor matters where it is needed', async () => {
    const weights = generator().set('main.4.bias', values(0))
    expect(await refusal(torch(weights))).toMatch(/main\.4\.bias/)
    expect(await refusal(safetensors(weights))).toMatch(/main\.4\.bias/)
  })
})

describe('prefixes and neighbours', () => {
  it.each(['module.', 'model.', 'netG.', 'generator.', '_orig_mod.', 'net.G.', 'module.model.'])(
    '%s before every name, in both formats',
    async (prefix) => {
      const { model } = await plain()
      for (const path of [safetensors(prefixed(prefix, generator())), torch(prefixed(prefix, generator()))]) {
        const told = await load(path)
        expect(told.model.constants).toEqual(model.constants)
        expect(told.lines).toEqual([])
      }
    },
  )

  it('stray tensors beside the network are left out, and said', async () => {
    const saved = new Saved()
    const root = outer({
      fixed_noise: saved.tensor(values(4, 6, 1, 1)),
      netG: saved.dict(generator()),
      history: saved.tensor(values(3)),
      epoch: pickle.int(3),
    })
    const { model, lines } = await load(saved.file(root))
    expect(model.constants).toEqual((await plain()).model.constants)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/leaves out .*fixed_noise, history/)
    const flat = prefixed('netG.', generator()).set('fixed_noise', values(4, 6, 1, 1))
    expect((await load(safetensors(flat))).lines[0]).toMatch(/leaves out .*fixed_noise/)
  })

  it('modules beside a prefix that no network has are an error, until the key says otherwise', async () => {
    const path = safetensors(prefixed('netG.', generator()).set('mapping.0.weight', values(6, 6)))
    expect(await refusal(path)).toMatch(/^E_CHECKPOINT_NETWORK: .*mapping\.0\.weight .*--key netG/)
    expect(await refusal(path, { key: 'netG' })).toBe('none')
  })

  it('of several networks the generator is read, which is said; --key reads another', async () => {
    const nested = new Saved()
    const file = nested.file(
      outer({ netD: nested.dict(discriminator()), netG: nested.dict(generator()), epoch: pickle.int(1) }),
    )
    const flat = safetensors(
      new Map([...prefixed('netD.', discriminator()), ...prefixed('netG.', generator())]),
    )
    for (const path of [file, flat]) {
      const { model, lines } = await load(path)
      expect(model.graph.task.kind).toBe('generation')
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/reads netG, .*--key .*netD/)
      expect((await load(path, { key: 'netD' })).model.graph.task.kind).toBe('discrimination')
      expect((await load(path, { task: 'discrimination' })).model.graph.task.kind).toBe('discrimination')
      expect(await refusal(path, { key: 'netX' })).toMatch(/^E_OPTION: .*netX.*netG, netD/)
    }
  })

  it('a state dict is found under any key, and in a tuple', async () => {
    const saved = new Saved()
    const inner = outer({ anything: saved.dict(generator()) })
    expect(await refusal(saved.file(outer({ checkpoint: inner })))).toBe('none')
    const pair = new Saved()
    expect(await refusal(pair.file(pickle.tuple(pickle.int(7), pair.dict(generator()))))).toBe('none')
  })
})

describe('what stands beside the weights in a pickle', () => {
  const numpyScalar = called(
    'numpy.core.multiarray',
    'scalar',
    called('numpy', 'dtype', pickle.string('f8'), pickle.false, pickle.false),
    called('_codecs', 'encode', pickle.string('x'), pickle.string('latin1')),
  )
  it.each<[string, Buffer]>([
    ['a path', called('pathlib', 'PosixPath', pickle.string('/'), pickle.string('x'))],
    ['a path of Python 3.13', called('pathlib._local', 'WindowsPath', pickle.string('x'))],
    ['a scalar of numpy', numpyScalar],
    ['a set', called('__builtin__', 'set', pickle.tuple(pickle.int(1)))],
    ['a set of protocol 4', Buffer.from([0x8f, 0x28, 0x4b, 1, 0x90])],
    ['a frozenset of protocol 4', Buffer.from([0x28, 0x4b, 1, 0x91])],
    ['a defaultdict', called('collections', 'defaultdict', pickle.global('__builtin__', 'list'))],
    ['a counter', called('collections', 'Counter', pickle.dict())],
    ['a dtype of torch', pickle.global('torch', 'float16')],
    ['a dtype of numpy', pickle.global('numpy', 'float32')],
    ['a date', called('datetime', 'datetime', Buffer.from('C\x01a'))],
    ['a class of the training script', called('__main__', 'Config')],
    ['a class of somebody else', called('project.settings', 'Config')],
    ['settings of omegaconf', called('omegaconf.dictconfig', 'DictConfig')],
    ['a random state', called('numpy.random._pickle', '__randomstate_ctor', pickle.string('MT19937'))],
    ['a quantised tensor', called('torch._utils', '_rebuild_qtensor')],
    ['a long number', Buffer.concat([Buffer.from([0x8b, 9, 0, 0, 0]), Buffer.alloc(9, 1)])],
  ])('%s is an opaque value', async (_what, value) => {
    const saved = new Saved()
    const root = outer({ netG: saved.dict(generator()), args: value, more: pickle.tuple(value) })
    expect(await refusal(saved.file(root))).toBe('none')
  })

  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['nt', 'system'],
    ['subprocess', 'Popen'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    ['builtins', 'exec'],
    ['runpy', '_run_code'],
    ['shutil', 'rmtree'],
    ['operator', 'attrgetter'],
    ['functools', 'partial'],
    ['importlib', 'import_module'],
    ['socket', 'socket'],
    ['webbrowser', 'open'],
    ['torch', 'load'],
    ['torch.hub', 'load'],
    ['numpy', 'load'],
    ['numpy.f2py.crackfortran', 'myeval'],
    ['types', 'CodeType'],
    ['collections', 'OrderedDict.__class__'],
  ])('%s.%s is refused, even beside sound weights', async (module, name) => {
    const saved = new Saved()
    const root = outer({ netG: saved.dict(generator()), args: called(module, name, pickle.string('x')) })
    expect(await refusal(saved.file(root))).toMatch(`E_TORCH_GLOBAL: `)
  })

  it('opaque values among the weights count as tensors', async () => {
    const qtensor = called('torch._utils', '_rebuild_qtensor')
    expect(await refusal(torch(generator(), pickle.string('main.2.scale'), qtensor))).toMatch(
      /^E_CHECKPOINT_NETWORK: .*main\.2\.scale/,
    )
    const weights = generator()
    weights.delete('main.4.bias')
    expect(await refusal(torch(weights, pickle.string('main.4.bias'), qtensor))).toMatch(
      /^E_CHECKPOINT_NETWORK: .*main\.4\.bias/,
    )
  })
})

describe('a masked autoencoder', () => {
  /** The weights of the encoder alone. */
  const encoder = (): Weights => new Map([...maeWeights(3)].filter(([name]) => !/^(decoder|mask)/.test(name)))

  it('says what was assumed, and takes heads and norm_pix_loss from the file', async () => {
    const assumed = await load(safetensors(maeWeights(3)))
    expect(assumed.lines).toHaveLength(1)
    expect(assumed.lines[0]).toMatch(/assumed: 2 heads for 128 channels .*2 heads .*no norm_pix_loss/)
    expect((assumed.model.graph.task as AutoencoderTask).normalizedPatches).toBe(false)

    const metadata = { norm_pix_loss: 'True', num_heads: '4', decoder_num_heads: '1' }
    const told = await load(safetensors(maeWeights(3), metadata))
    expect(told.lines).toEqual([])
    expect((told.model.graph.task as AutoencoderTask).normalizedPatches).toBe(true)
    const heads = told.model.graph.nodes.filter(({ op }) => op === 'attention').map((n) => n.attributes.heads)
    expect(heads).toEqual([4, 4, 1])
  })

  it('takes them from the arguments of the training script, whatever else these hold', async () => {
    const saved = new Saved()
    const args = Buffer.concat([
      called('argparse', 'Namespace'),
      pickle.dict(
        ...[pickle.string('out'), called('pathlib', 'PosixPath', pickle.string('x'))],
        ...[pickle.string('norm_pix_loss'), Buffer.of(0x88)],
        ...[pickle.string('num_heads'), pickle.int(8)],
      ),
      Buffer.from('b'),
    ])
    const { model, lines } = await load(saved.file(outer({ model: saved.dict(maeWeights(3)), args })))
    expect((model.graph.task as AutoencoderTask).normalizedPatches).toBe(true)
    expect(model.graph.nodes.find(({ op }) => op === 'attention')!.attributes.heads).toBe(8)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/assumed: 2 heads for the decoder's 64 channels \(--decoder-heads\)$/)
  })

  it('gives the features that finetuning with global pooling made', async () => {
    const weights = encoder()
    const [gamma, beta] = [values(128), values(128)]
    weights.delete('norm.weight')
    weights.delete('norm.bias')
    const pooled = new Map([...weights, ['fc_norm.weight', gamma], ['fc_norm.bias', beta]] as const)
    const { model } = await load(safetensors(pooled))
    const task = model.graph.task as AutoencoderTask
    const outputs = await runModel(model, randomInput(model, 5), 'simd')
    const rows = outputs.get(task.features!)!
    // The same by plain loops: the mean of all tokens but the class token's, normalised, as
    // forward_features has it.
    const tokens = outputs.get(task.latent)!
    const count = tokens.length / 128
    const mean = Array.from({ length: 128 }, (_, c) => {
      let sum = 0
      for (let t = 1; t < count; t++) sum += tokens[t * 128 + c]
      return sum / (count - 1)
    })
    const centre = mean.reduce((a, b) => a + b, 0) / 128
    const variance = mean.reduce((sum, v) => sum + (v - centre) ** 2, 0) / 128
    expect(rows).toHaveLength(256)
    mean.forEach((v, c) => {
      const expected = ((v - centre) / Math.sqrt(variance + 1e-6)) * gamma.data[c] + beta.data[c]
      expect(rows[128 + c]).toBeCloseTo(expected, 4)
    })
  })
})

describe('the shared trials', () => {
  it.each([
    ['dcgan-args-with-posixpath.pth', 'none'],
    ['dcgan-dataparallel-module-prefix.safetensors', 'none'],
    ['dcgan-empty-buffer.pth', 'none'],
    ['dcgan-training-checkpoint-fixed_noise-beside-netG.pth', 'none'],
    ['dcgan-prelu-read-silently-as-relu.pth', 'main.2.weight, main.5.weight, main.8.weight, main.11.weight'],
    ['vit-layerscale-gamma-dropped-silently.pth', 'blocks.0.ls1.gamma, blocks.0.ls2.gamma'],
    ['vit-block-1-missing-rest-dropped-silently.pth', 'blocks.1.norm1.weight'],
    ['mae-finetuned-global-pool-fc_norm.pth', 'none'],
  ])('%s', async (name, expected) => {
    const path = sharedTrial(`inputs/${name}`)
    const told = path === undefined ? expected : await refusal(path)
    expect(told).toContain(expected)
  })

  it('are there', (context) => skipUnless(context, sharedTrial('inputs'), 'the shared trials'))
})
