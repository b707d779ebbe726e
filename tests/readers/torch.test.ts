import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { writeSafetensors } from '../../src/host/format/safetensors.js'
import { bytesSource } from '../../tools/quantize/readers/byte-source.js'
import { type Checkpoint, openCheckpoint, readCheckpoint } from '../../tools/quantize/readers/checkpoint.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { archive, type Part, pickle, tensor, whole, zip } from '../helpers/torch-file.js'
import { ofAllKindsAsync } from '../helpers/variants.js'

const fixtures = fileURLToPath(new URL('../fixtures/torch/', import.meta.url))
const fixture = (name: string): string => join(fixtures, name)
const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function withFile<T>(path: string, use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  const checkpoint = await openCheckpoint(path)
  try {
    return await use(checkpoint)
  } finally {
    await checkpoint.close()
  }
}

/** The code and message of what reading these bytes throws, every tensor included. */
const refusal = (file: Uint8Array): Promise<string> => ofAllKindsAsync(file, refusalOf)

async function refusalOf(bytes: Uint8Array): Promise<string> {
  try {
    const checkpoint = await readCheckpoint(bytesSource(bytes, 'f.pth'))
    for (const name of checkpoint.names) await checkpoint.read(name)
    return 'none'
  } catch (error) {
    if (error instanceof OcellusError) return `${error.code}: ${error.message}`
    throw error
  }
}

const hostile = (...body: Buffer[]): Promise<string> => refusal(archive(whole(...body)))
const one = (part: Part): Buffer => pickle.dict(pickle.string('w'), tensor(part))
const withPart = (part: Part, storages?: number[]): Promise<string> =>
  refusal(archive(whole(one(part)), storages))

describe.each(['state.pth', 'state-legacy.pth'])('%s, as PyTorch wrote it', (file) => {
  const expected: Record<string, { shape: number[]; values: number[] }> = JSON.parse(
    readFileSync(fixture('values.json'), 'utf8'),
  )

  it('holds what PyTorch says, in every type and by every stride', async () => {
    await withFile(fixture(file), async (checkpoint) => {
      expect(checkpoint.format).toBe('pytorch')
      expect(checkpoint.names).toEqual(Object.keys(expected))
      for (const [name, { shape, values }] of Object.entries(expected)) {
        expect(checkpoint.shape(name), name).toEqual(shape)
        if (name === 'count') continue
        expect([...(await checkpoint.read(name))], name).toEqual([...Float32Array.from(values)])
      }
    })
  })

  it('tells types, and refuses whole numbers and names that it has not', async () => {
    await withFile(fixture(file), async (checkpoint) => {
      expect(['weight', 'half', 'bfloat', 'double', 'count'].map((name) => checkpoint.dtype(name))).toEqual([
        'F32',
        'F16',
        'BF16',
        'F64',
        'I64',
      ])
      await expect(checkpoint.read('count')).rejects.toThrow(/count holds I64/)
      await expect(checkpoint.read('nothing')).rejects.toThrow(/has no tensor nothing/)
      expect([checkpoint.has('half'), checkpoint.has('toString')]).toEqual([true, false])
    })
  })
})

describe('a state dict is found', () => {
  it.each([
    ['small', ['a', 'b']],
    ['module', ['a', 'b']],
    ['training', ['a', 'b']],
    [
      'network',
      [
        '0.weight',
        '0.bias',
        '1.weight',
        '1.bias',
        '1.running_mean',
        '1.running_var',
        '1.num_batches_tracked',
      ],
    ],
  ])('in %s.pth, in both forms', async (name, names) => {
    for (const file of [`${name}.pth`, `${name}-legacy.pth`]) {
      expect(await withFile(fixture(file), async (c) => c.names)).toEqual(names)
    }
  })

  it('not in a dict without one, nor in one that holds itself', async () => {
    expect(await hostile(pickle.dict(pickle.string('epoch'), pickle.int(3)))).toMatch(/^E_TORCH_STATE: /)
    expect(await hostile(pickle.int(3))).toMatch(/^E_TORCH_STATE: /)
    // x = {}; x['model'] = x
    expect(await hostile(Buffer.from('}q\0'), pickle.string('model'), Buffer.from('h\0s'))).toMatch(
      /^E_TORCH_STATE: /,
    )
  })
})

it('reads safetensors of other writers by the same interface', async () => {
  const half = Uint8Array.of(0x00, 0x3e, 0x00, 0xc0)
  const header = {
    w: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
    n: { dtype: 'I64', shape: [1], data_offsets: [4, 12] },
  }
  const json = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  const bytes = Buffer.concat([size, json, half, Buffer.alloc(8)])
  const checkpoint = await readCheckpoint(bytesSource(bytes, 'f.safetensors'))
  expect([...(await checkpoint.read('w'))]).toEqual([1.5, -2])
  expect([checkpoint.format, checkpoint.names, checkpoint.dtype('n')]).toEqual([
    'safetensors',
    ['w', 'n'],
    'I64',
  ])
  for (let end = 0; end < bytes.length; end++) {
    expect(await refusal(bytes.subarray(0, end)), `cut at ${end}`).toMatch(/^E_(MODEL|CHECKPOINT)_/)
  }
})

it('reads large tensors piece by piece', async () => {
  const values = Float32Array.from({ length: 600_000 }, (_, i) => i % 1000)
  const bits = Uint16Array.from(values, (v) => new Uint32Array(Float32Array.of(v).buffer)[0] >>> 16)
  const data = whole(
    one({ elements: values.length, shape: [values.length], strides: [1], type: 'BFloat16Storage' }),
  )
  const path = join(folder, 'large.pth')
  writeFileSync(
    path,
    zip([
      { name: 'x/data.pkl', data },
      { name: 'x/data/0', data: Buffer.from(bits.buffer) },
    ]),
  )
  const read = await withFile(path, (checkpoint) => checkpoint.read('w'))
  // A bfloat16 has 8 bits of precision.
  expect(read.every((v, i) => Math.abs(v - values[i]) <= values[i] / 128)).toBe(true)
  expect(read).toHaveLength(values.length)
})

describe('what a pickle may not do', () => {
  const call = (module: string, name: string): Buffer =>
    Buffer.concat([pickle.global(module, name), pickle.tuple(pickle.string('echo harm')), pickle.reduce])

  it.each([
    ['os.system', call('os', 'system')],
    ['posix.system', call('posix', 'system')],
    ['builtins.eval', call('builtins', 'eval')],
    ['torch.load', call('torch', 'load')],
    ['torch._utils.__builtins__', call('torch._utils', '__builtins__')],
    ['collections.OrderedDict.__class__', call('collections', 'OrderedDict.__class__')],
    ['__proto__.constructor', call('__proto__', 'constructor')],
    ['os.system', Buffer.concat([pickle.string('os'), pickle.string('system'), Buffer.of(0x93)])],
  ])('name %s', async (name, body) => {
    expect(await hostile(body)).toMatch(
      `E_TORCH_GLOBAL: f.pth: the pickle names ${name}, which no state dict needs`,
    )
  })

  it.each([
    ['INST', Buffer.from('(ios\nsystem\n')],
    ['OBJ', Buffer.from('(o')],
    ['PERSID', Buffer.from('P0\n')],
    ['EXT1', Buffer.of(0x82, 1)],
    ['NEWOBJ_EX', Buffer.of(0x92)],
    ['INT', Buffer.from('I1\n')],
    ['0xff', Buffer.of(0xff)],
    ['0x00', Buffer.of(0)],
  ])('use the opcode %s', async (name, body) => {
    expect(await hostile(body)).toMatch(/^E_TORCH_PICKLE: .* has the opcode 0x/)
    expect(await hostile(body)).toContain(name)
  })

  it.each([
    ['call a number', Buffer.concat([pickle.int(1), pickle.tuple(), pickle.reduce])],
    ['call a storage type', call('torch', 'FloatStorage')],
    [
      'make a tensor of nothing',
      Buffer.concat([pickle.global('torch._utils', '_rebuild_tensor_v2'), pickle.tuple(), pickle.reduce]),
    ],
    ['take from an empty stack', Buffer.from('R')],
    ['take over a mark', Buffer.from('N(R')],
    ['end a list that was not begun', Buffer.from('t')],
    ['recall what was never stored', Buffer.from('h\x07')],
    ['append to a dict', Buffer.from('}Na')],
    ['set items of a list', Buffer.from(']NNs')],
    ['set a key without a value', Buffer.from('}(Nu')],
    [
      'set the state of a name',
      Buffer.concat([pickle.global('collections', 'OrderedDict'), Buffer.from('}b')]),
    ],
    ['refer to another thing than a storage', Buffer.from('NQ')],
    ['name something by a number', Buffer.concat([pickle.int(1), pickle.int(2), Buffer.of(0x93)])],
    ['be of a protocol to come', Buffer.of(0x80, 9)],
    ['end early', Buffer.from('X\xff\xff\xff\x00', 'latin1')],
    [
      'look through one long list again and again',
      Buffer.concat([
        pickle.tuple(...Array.from({ length: 5000 }, () => pickle.none)),
        Buffer.from('q\0'),
        ...Array.from({ length: 5000 }, () =>
          Buffer.concat([pickle.global('torch', 'Size'), Buffer.from('h\0\x85R')]),
        ),
      ]),
    ],
  ])('%s', async (_what, body) => {
    expect(await hostile(body)).toMatch(/^E_TORCH_PICKLE: /)
  })

  it.each([
    ['whole-module.pth', 'E_TORCH_GLOBAL', /torch\.nn\.modules\.container\.Sequential.*state_dict/],
    ['torchscript.pth', 'E_TORCH_ZIP', /TorchScript/],
  ])('be %s', async (file, code, message) => {
    await expect(openCheckpoint(fixture(file))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

describe('a tensor', () => {
  it.each([
    ['as it should be', { elements: 16, shape: [4, 4], strides: [4, 1] }, 'none'],
    ['at the end of its storage', { elements: 16, shape: [2, 4], strides: [4, 1], offset: 8 }, 'none'],
    ['one element beyond it', { elements: 16, shape: [2, 4], strides: [4, 1], offset: 9 }, 'E_TORCH_TENSOR'],
    ['whose strides leave it', { elements: 16, shape: [4, 4], strides: [5, 1] }, 'E_TORCH_TENSOR'],
    [
      'whose strides overflow',
      { elements: 16, shape: [2, 2], strides: [2 ** 31 - 1, 2 ** 31 - 1] },
      'E_TORCH_TENSOR',
    ],
    ['of more strides than sides', { elements: 16, shape: [4], strides: [4, 1] }, 'E_TORCH_TENSOR'],
    ['of nine sides', { elements: 16, shape: Array(9).fill(1), strides: Array(9).fill(1) }, 'E_TORCH_TENSOR'],
    ['of a side of 0', { elements: 16, shape: [0, 4], strides: [4, 1] }, 'E_TORCH_TENSOR'],
    ['of too many elements', { elements: 16, shape: [65536, 65536], strides: [0, 0] }, 'E_TORCH_TENSOR'],
    [
      'that repeats a few bytes to gigabytes',
      { elements: 16, shape: [2 ** 29], strides: [0] },
      'E_TORCH_TENSOR',
    ],
    ['of a negative stride', { elements: 16, shape: [4], strides: [-1] }, 'E_TORCH_PICKLE'],
    ['of a negative size of its storage', { elements: -16, shape: [4], strides: [1] }, 'E_TORCH_PICKLE'],
    [
      'of an unknown type',
      { elements: 16, shape: [4], strides: [1], type: 'QInt8Storage' },
      'E_TORCH_GLOBAL',
    ],
    [
      'of a storage that is not there',
      { elements: 16, shape: [4], strides: [1], key: '7' },
      'E_TORCH_STORAGE',
    ],
    ['of a storage with too few bytes', { elements: 17, shape: [4], strides: [1] }, 'E_TORCH_TRUNCATED'],
  ])('%s', async (_what, part, code) => {
    expect((await withPart(part)).split(':')[0]).toBe(code)
  })

  it('spread thinly over a large storage is refused', async () => {
    const elements = 4 << 20
    expect(await withPart({ elements, shape: [2], strides: [elements - 1] }, [elements * 4])).toMatch(
      /^E_TORCH_TENSOR: .* spreads 2 elements/,
    )
  })
})

describe('an archive', () => {
  const data = whole(one({ elements: 16, shape: [16], strides: [1] }))
  const storage = { name: 'x/data/0', data: Buffer.alloc(64) }
  const code = async (bytes: Uint8Array): Promise<string> => (await refusal(bytes)).split(':')[0]

  it.each([
    ['sound', zip([{ name: 'x/data.pkl', data }, storage]), 'none'],
    [
      'compressed: a bomb in the making',
      zip([
        { name: 'x/data.pkl', data },
        { ...storage, method: 8, unpacked: 2 ** 31 },
      ]),
      'E_TORCH_ZIP',
    ],
    [
      'with files larger than they are',
      zip([
        { name: 'x/data.pkl', data },
        { ...storage, unpacked: 2 ** 31 },
      ]),
      'E_TORCH_ZIP',
    ],
    [
      'encrypted',
      zip([
        { name: 'x/data.pkl', data },
        { ...storage, flags: 1 },
      ]),
      'E_TORCH_ZIP',
    ],
    ['with one file twice', zip([{ name: 'x/data.pkl', data }, storage, storage]), 'E_TORCH_ZIP'],
    ['without a pickle', zip([storage]), 'E_TORCH_ZIP'],
    [
      'with two pickles',
      zip([
        { name: 'x/data.pkl', data },
        { name: 'y/data.pkl', data },
      ]),
      'E_TORCH_ZIP',
    ],
    ['whose files are elsewhere', zip([{ name: 'x/data.pkl', data }, storage], 1), 'E_TORCH_ZIP'],
    [
      'from a big-endian machine',
      zip([{ name: 'x/data.pkl', data }, storage, { name: 'x/byteorder', data: Buffer.from('big') }]),
      'E_TORCH_ZIP',
    ],
    ['without files', zip([]), 'E_TORCH_ZIP'],
  ])('%s', async (_what, bytes, expected) => {
    expect(await code(bytes)).toBe(expected)
  })

  it('whose files overlap is refused', async () => {
    const bytes = zip([{ name: 'x/data.pkl', data }, storage])
    // The directory's second entry is told to start where the first does.
    bytes.writeUInt32LE(0, bytes.lastIndexOf('x/data/0') - 4)
    expect(await code(bytes)).toBe('E_TORCH_ZIP')
  })
})

it.each([
  ['nothing', '', 'E_CHECKPOINT_FORMAT'],
  ['a text', 'a text that is long enough', 'E_CHECKPOINT_FORMAT'],
  ['a pickle of another kind', whole(pickle.int(5)), 'E_CHECKPOINT_FORMAT'],
])('%s is no checkpoint', async (_what, content, code) => {
  expect((await refusal(Buffer.from(content))).split(':')[0]).toBe(code)
})

test('files that are not there, or folders, are named', async () => {
  await expect(openCheckpoint(join(folder, 'none.pth'))).rejects.toMatchObject({ code: 'E_FILE_MISSING' })
  await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'E_FILE_READ' })
})

test('the shared checkpoints hold the same as their safetensors', async (context) => {
  const pth = sharedData('dcgan-mnist/mnist28_ryhan9834.original.pth')
  const safe = sharedData('dcgan-mnist/mnist28_ryhan9834.safetensors')
  skipUnless(context, pth && safe, 'dcgan-mnist of the shared data')
  await withFile(pth, (a) =>
    withFile(safe, async (b) => {
      for (const name of b.names) {
        expect(a.shape(name)).toEqual(b.shape(name))
        expect(
          Buffer.compare(Buffer.from((await a.read(name)).buffer), Buffer.from((await b.read(name)).buffer)),
        ).toBe(0)
      }
    }),
  )
})

test('our own writer of safetensors is read too', async () => {
  const data = new Uint8Array(Float32Array.of(1, 2, 3).buffer)
  const bytes = writeSafetensors({
    metadata: new Map(),
    tensors: new Map([['w', { dtype: 'F32', shape: [3], data }]]),
  })
  const checkpoint = await readCheckpoint(bytesSource(bytes, 'f.safetensors'))
  expect([...(await checkpoint.read('w'))]).toEqual([1, 2, 3])
})
