import { expect } from 'vitest'
import type { Fields, Opcode } from '../../src/host/program/instruction.js'
import {
  type Build,
  builds,
  type EngineExports,
  loadEngine,
  programStart,
  writeInstruction,
} from './engine.js'

/** xorshift32, so that a failing case can be repeated. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b9) | 1
  }

  bits(): number {
    let s = this.#state
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    this.#state = s
    return s >>> 0
  }

  /** An integer, both ends included. */
  integer(low: number, high: number): number {
    return low + (this.bits() % (high - low + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.bits() % list.length]
  }

  /** float32 in -1..1. */
  float(): number {
    return Math.fround((this.bits() / 0x80000000 - 1) * this.pick([1, 1, 0.01]))
  }

  /** int8, the extremes often among them. */
  int8(): number {
    return this.bits() % 8 === 0 ? this.pick([-128, 127]) : this.bits() >> 24
  }
}

/** A tensor's place: pixels of `channels` values, `stride` bytes apart. */
export interface View {
  readonly address: number
  readonly stride: number
  readonly channels: number
  /** Bytes of a value. */
  readonly size: 1 | 4
}

const arenaStart = programStart + 128
const mostThreads = 5

/**
 * The engine's memory as a test lays it out. Everything in it is random to begin with, and the
 * kernel must leave it as it was, but for its output and its scratch.
 */
export class Arena {
  readonly random: Random
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly scratches: [number, number][] = []
  #next = arenaStart
  /** In how many shares the next instruction is done. */
  #threads: number

  constructor(seed: number, bytes = 1 << 18) {
    this.#threads = 1 + (seed % mostThreads)
    this.random = new Random(seed)
    this.bytes = new Uint8Array(bytes)
    new Uint32Array(this.bytes.buffer).forEach((_, i, words) => {
      words[i] = this.random.bits()
    })
  }

  allocate(bytes: number, alignment = 64): number {
    const address = Math.ceil(this.#next / alignment) * alignment
    this.#next = address + bytes + 64
    if (this.#next > programStart + this.bytes.length) throw new Error('the arena is full')
    return address
  }

  scratch(bytes: number): number {
    const address = this.allocate(bytes)
    this.scratches.push([address, bytes])
    return address
  }

  /** Pixels that lie among others' channels, at any alignment, unless `packed`. */
  view(pixels: number, channels: number, size: 1 | 4, packed = false): View {
    const before = packed ? 0 : this.random.integer(0, 5) * size
    const after = packed ? 0 : this.random.integer(0, 5) * size
    const stride = channels * size + before + after
    return { address: this.allocate(pixels * stride) + before, stride, channels, size }
  }

  /** Fills a view with values of its size; returns them pixel by pixel. */
  fill(view: View, pixels: number, value: (random: Random) => number): number[] {
    const values: number[] = []
    for (let n = 0; n < pixels * view.channels; n++) {
      values.push(this.put(this.bytes, view, n, value(this.random)))
    }
    return values
  }

  /** Writes value `n` of a view, counted pixel by pixel, into a copy of the memory. */
  put(bytes: Uint8Array, view: View, n: number, value: number): number {
    const pixel = Math.floor(n / view.channels)
    const at = view.address - programStart + pixel * view.stride + (n % view.channels) * view.size
    if (view.size === 1) {
      bytes[at] = value
      return (bytes[at] << 24) >> 24
    }
    const data = new DataView(bytes.buffer)
    data.setFloat32(at, value, true)
    return data.getFloat32(at, true)
  }

  /** Where value `n` of a view stands in what `run` returns, in bytes. */
  offsetOf(view: View, n: number): number {
    const pixel = Math.floor(n / view.channels)
    return view.address - programStart + pixel * view.stride + (n % view.channels) * view.size
  }

  /** A block of float32 at an address of its own. */
  floats(values: ArrayLike<number>): number {
    const view = { address: this.allocate(values.length * 4), stride: 4, channels: 1, size: 4 } as const
    for (let n = 0; n < values.length; n++) this.put(this.bytes, view, n, values[n])
    return view.address
  }

  /** A block of int32 at an address of its own. */
  integers(values: readonly number[]): number {
    const address = this.allocate(values.length * 4)
    const data = new DataView(this.bytes.buffer)
    for (const [n, value] of values.entries()) data.setInt32(address - programStart + n * 4, value, true)
    return address
  }

  /**
   * The whole memory after one instruction, which a varying number of threads share: one after the
   * other here, so that they may have one scratch, and the last first. `look` sees it before
   * scratch is put back.
   */
  run<O extends Opcode>(
    build: Build,
    opcode: O,
    fields: Fields<O>,
    prepare: (engine: EngineExports, memory: WebAssembly.Memory) => void = () => {},
    look: (after: Uint8Array<ArrayBuffer>) => void = () => {},
  ): Uint8Array {
    const { memory, exports } = loadEngine(build, this.bytes.length)
    const bytes = new Uint8Array(memory.buffer, programStart, this.bytes.length)
    bytes.set(this.bytes)
    prepare(exports, memory)
    writeInstruction(memory, programStart, opcode, fields)
    const threads = this.#threads
    this.#threads = 1 + (threads % mostThreads)
    for (let thread = threads - 1; thread >= 0; thread--) {
      expect(exports.run(programStart, 1, thread, threads)).toBe(0)
    }
    const after = bytes.slice()
    look(after)
    after.set(this.bytes.subarray(0, 128))
    for (const [address, length] of this.scratches) {
      const at = address - programStart
      after.set(this.bytes.subarray(at, at + length), at)
    }
    return after
  }

  /**
   * Runs an instruction on every build: each must give `values` in `output`, and touch nothing
   * else.
   */
  check<O extends Opcode>(
    opcode: O,
    fields: Fields<O>,
    output: View,
    values: ArrayLike<number>,
    prepare?: (engine: EngineExports, memory: WebAssembly.Memory) => void,
  ): void {
    const expected = this.bytes.slice()
    for (let n = 0; n < values.length; n++) this.put(expected, output, n, values[n])
    for (const build of builds) {
      const at = firstDifference(this.run(build, opcode, fields, prepare), expected)
      if (at < 0) continue
      const place = at + programStart - output.address
      const pixel = Math.floor(place / output.stride)
      expect.fail(
        `${opcode}, ${build}: byte ${place} from the output's first (pixel ${pixel}, byte ${place - pixel * output.stride} of it), ` +
          `fields ${JSON.stringify(fields)}`,
      )
    }
  }
}

export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1
  return a.findIndex((byte, i) => byte !== b[i])
}

const bits = new DataView(new ArrayBuffer(4))

/** The bits of a float32. */
export function floatBits(value: number): number {
  bits.setFloat32(0, value)
  return bits.getInt32(0)
}

/** Rounds half to even. */
export function roundEven(value: number): number {
  const low = Math.floor(value)
  if (value - low !== 0.5) return Math.round(value)
  return low % 2 === 0 ? low : low + 1
}

export const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high)
