import { crc32 } from '../../src/host/platform/node/crc32.js'

const text = (value: string): Buffer => Buffer.from(value)

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Pieces of a pickle of protocol 2. */
export const pickle = {
  start: Buffer.of(0x80, 2),
  stop: text('.'),
  global: (module: string, name: string): Buffer => text(`c${module}\n${name}\n`),
  string: (value: string): Buffer => Buffer.concat([text('X'), u32(Buffer.byteLength(value)), text(value)]),
  int: (value: number): Buffer => {
    const bytes = Buffer.alloc(5)
    bytes.write('J')
    bytes.writeInt32LE(value, 1)
    return bytes
  },
  tuple: (...items: Buffer[]): Buffer => Buffer.concat([text('('), ...items, text('t')]),
  reduce: text('R'),
  none: text('N'),
  false: Buffer.of(0x89),
  dict: (...pairs: Buffer[]): Buffer => Buffer.concat([text('}('), ...pairs, text('u')]),
}

export interface Part {
  readonly elements: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset?: number
  readonly key?: string
  readonly type?: string
}

/** A tensor as torch.save pickles it. */
export function tensor({
  elements,
  shape,
  strides,
  offset = 0,
  key = '0',
  type = 'FloatStorage',
}: Part): Buffer {
  const storage = pickle.tuple(
    pickle.string('storage'),
    pickle.global('torch', type),
    pickle.string(key),
    pickle.string('cpu'),
    pickle.int(elements),
  )
  const args = pickle.tuple(
    Buffer.concat([storage, text('Q')]),
    pickle.int(offset),
    pickle.tuple(...shape.map(pickle.int)),
    pickle.tuple(...strides.map(pickle.int)),
    pickle.false,
    pickle.dict(),
  )
  return Buffer.concat([pickle.global('torch._utils', '_rebuild_tensor_v2'), args, pickle.reduce])
}

export const whole = (...body: Buffer[]): Buffer => Buffer.concat([pickle.start, ...body, pickle.stop])

export interface ZipFile {
  readonly name: string
  readonly data: Uint8Array
  readonly method?: number
  /** Said to be the size once unpacked. */
  readonly unpacked?: number
  readonly flags?: number
  /** Said to be the CRC-32. */
  readonly checksum?: number
}

/** A zip archive, true or lying. */
export function zip(files: readonly ZipFile[], shift = 0): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, data, method = 0, unpacked = data.length, flags = 0, checksum = crc32(data) } of files) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(flags, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(checksum, 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(unpacked, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([text('PK\x03\x04'), common, text(name), data])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at + shift, 10)
    directory.push(Buffer.concat([text('PK\x01\x02'), Buffer.alloc(2), common, tail, text(name)]))
    locals.push(local)
    at += local.length
  }
  const bytes = directory.reduce((sum, d) => sum + d.length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...directory, end])
}

/** A checkpoint of this pickle with storages of these sizes. */
export const archive = (data: Buffer, storages: readonly number[] = [64]): Buffer =>
  zip([
    { name: 'x/data.pkl', data },
    ...storages.map((bytes, key) => ({ name: `x/data/${key}`, data: Buffer.alloc(bytes, 0x3f) })),
  ])
