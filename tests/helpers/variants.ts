import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'

/** The same bytes as one of the kinds of objects in which callers hold them. */
export interface Variant {
  readonly name: string
  readonly bytes: Uint8Array
  /** Fails where the bytes, or those beside them, were changed. */
  check(): void
}

const canary = 0xa5
/** Odd, so that no vector load and no wider array is aligned by luck. */
const before = 67
const after = 61

type Make = (memory: ArrayBuffer | SharedArrayBuffer, at: number, length: number) => ArrayBufferView

const foreign = runInNewContext('({ Uint8Array, ArrayBuffer })') as {
  readonly Uint8Array: typeof Uint8Array
  readonly ArrayBuffer: typeof ArrayBuffer
}

const kinds: readonly (readonly [
  name: string,
  make: Make,
  memory: new (bytes: number) => ArrayBuffer | SharedArrayBuffer,
])[] = [
  ['a view at an odd offset', (memory, at, n) => new Uint8Array(memory, at, n), ArrayBuffer],
  ['a Buffer in a pool', (memory, at, n) => Buffer.from(memory, at, n), ArrayBuffer],
  ['a DataView', (memory, at, n) => new DataView(memory, at, n), ArrayBuffer],
  ['clamped bytes', (memory, at, n) => new Uint8ClampedArray(memory, at, n), ArrayBuffer],
  ['shared memory', (memory, at, n) => new Uint8Array(memory, at, n), SharedArrayBuffer],
  ['bytes of another realm', (memory, at, n) => new foreign.Uint8Array(memory, at, n), foreign.ArrayBuffer],
]

/** Every kind, the bytes between canaries. */
export const variantsOf = (bytes: Uint8Array): Variant[] => kinds.map((_, n) => variantOf(bytes, n))

/** One kind by a number, for tests that go through thousands of inputs. */
export function variantOf(bytes: Uint8Array, n: number): Variant {
  const [name, make, memory] = kinds[n % kinds.length]
  const buffer = new memory(before + bytes.length + after)
  const all = new Uint8Array(buffer).fill(canary)
  all.set(bytes, before)
  const copy = Uint8Array.from(all)
  return {
    name,
    // Parsers say that they take a Uint8Array; callers without types give what they have.
    bytes: make(buffer, before, bytes.length) as Uint8Array,
    check: () => expect(Buffer.compare(all, copy), `${name}: memory has changed`).toBe(0),
  }
}

/**
 * What `parse` makes of bytes. Whatever object holds them, it must make the same, and leave the
 * memory as it was.
 */
export function ofAllKinds<T>(bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
  const expected = parse(Uint8Array.from(bytes))
  for (const { name, bytes: variant, check } of variantsOf(bytes)) {
    expect(parse(variant), name).toEqual(expected)
    check()
  }
  return expected
}

/** As `ofAllKinds`, for parsers that end later. */
export async function ofAllKindsAsync<T>(
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const expected = await parse(Uint8Array.from(bytes))
  for (const { name, bytes: variant, check } of variantsOf(bytes)) {
    expect(await parse(variant), name).toEqual(expected)
    check()
  }
  return expected
}
