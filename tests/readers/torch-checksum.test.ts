import { expect, it, test } from 'vitest'
import { crc32, plainCrc32 } from '../../src/host/platform/node/crc32.js'
import { bytesSource } from '../../tools/quantize/readers/byte-source.js'
import { readCheckpoint } from '../../tools/quantize/readers/checkpoint.js'
import { Random } from '../helpers/kernel.js'
import { pickle, tensor, whole, zip } from '../helpers/torch-file.js'

const large = 600_000
const data = whole(
  pickle.dict(
    Buffer.concat([pickle.string('a'), tensor({ elements: 16, shape: [16], strides: [1] })]),
    Buffer.concat([pickle.string('b'), tensor({ elements: 16, shape: [4], strides: [2], offset: 8 })]),
    Buffer.concat([pickle.string('c'), tensor({ elements: large, shape: [2], strides: [1], key: '1' })]),
  ),
)
const storages = [Buffer.alloc(64, 0x3f), Buffer.alloc(large * 4, 0x3e)]
const files = [
  { name: 'x/data.pkl', data },
  { name: 'x/byteorder', data: Buffer.from('little') },
  ...storages.map((bytes, key) => ({ name: `x/data/${key}`, data: bytes })),
]

/** The archive with one bit of a file flipped after its checksum was made. */
function flipped(name: string, at: number): Buffer {
  const bytes = zip(files)
  bytes[bytes.indexOf(name) + name.length + at] ^= 1
  return bytes
}

const open = (bytes: Uint8Array) => readCheckpoint(bytesSource(bytes, 'f.pth'))
const damaged = (name: string) => ({
  code: 'E_TORCH_CHECKSUM',
  message: expect.stringMatching(
    `^f.pth: ${name} is not what was written, by its checksum: copy the file again`,
  ),
})

it('reads what has its checksum', async () => {
  const checkpoint = await open(zip(files))
  for (const name of ['a', 'b', 'c']) expect(await checkpoint.read(name)).toBeInstanceOf(Float32Array)
})

it.each([
  ['x/data.pkl', 40],
  ['x/byteorder', 2],
])('refuses a changed %s when it opens the file', async (name, at) => {
  await expect(open(flipped(name, at))).rejects.toMatchObject(damaged(name))
})

it.each([0, 63])('refuses every tensor of a storage whose byte %i changed, and no other', async (at) => {
  const checkpoint = await open(flipped('x/data/0', at))
  for (const name of ['b', 'a', 'b'])
    await expect(checkpoint.read(name)).rejects.toMatchObject(damaged('x/data/0'))
  expect([...(await checkpoint.read('c'))]).toHaveLength(2)
})

it.each([
  ['its first', 0],
  ['a later', large * 4 - 1],
])('finds a change in %s piece of a large storage, beyond what is read of it too', async (_which, at) => {
  await expect((await open(flipped('x/data/1', at))).read('c')).rejects.toMatchObject(damaged('x/data/1'))
})

it('refuses a file whose checksum in the directory is another', async () => {
  const [first, ...others] = files
  await expect(open(zip([{ ...first, checksum: crc32(first.data) ^ 1 }, ...others]))).rejects.toMatchObject(
    damaged('x/data.pkl'),
  )
})

it('verifies a storage once, piece by piece', async () => {
  const source = bytesSource(zip(files), 'f.pth')
  const lengths: number[] = []
  const checkpoint = await readCheckpoint({
    ...source,
    read: (at, length) => {
      lengths.push(length)
      return source.read(at, length)
    },
  })
  lengths.length = 0
  for (let n = 0; n < 3; n++) await checkpoint.read('c')
  expect(lengths).toEqual([1 << 20, 1 << 20, large * 4 - (2 << 20)])
})

test('the checksum is that of the standard, by both ways and in pieces', () => {
  const random = new Random(5)
  const bytes = Uint8Array.from({ length: 1000 }, () => random.integer(0, 255))
  for (const sum of [crc32, plainCrc32]) {
    expect(sum(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(sum(new Uint8Array())).toBe(0)
    expect(sum(bytes.subarray(300), sum(bytes.subarray(0, 300)))).toBe(sum(bytes))
  }
  expect(plainCrc32(bytes)).toBe(crc32(bytes))
})
