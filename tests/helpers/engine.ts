import { readFileSync } from 'node:fs'
import { builds as all, type Build } from '../../src/host/engine/engine.js'
import { programStart } from '../../src/host/program/control.js'
import { encode } from '../../src/host/program/encode.js'
import type { PackExports } from '../../src/host/program/exports.js'
import {
  type Fields,
  type Instruction,
  instructionWords,
  type Opcode,
} from '../../src/host/program/instruction.js'

export type { Build }
export { programStart }

const bytesOf = (build: Build): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(new URL(`../../build/ocellus.${build}.wasm`, import.meta.url)))

/**
 * The builds that must give the same bytes, but for relaxed SIMD where this runtime lacks it, as
 * Node 20 does.
 */
export const builds = all.filter((build) => WebAssembly.validate(bytesOf(build)))

export interface EngineExports extends PackExports {
  version(): number
  probe(at: number): number
  run(program: number, count: number, thread: number, threads: number): number
}

export interface Engine {
  readonly memory: WebAssembly.Memory
  readonly exports: EngineExports
}

const modules = new Map<Build, WebAssembly.Module>()

/** A fresh instance of build/ocellus.<build>.wasm with `bytes` of memory beyond its static data. */
export function loadEngine(build: Build, bytes = 0): Engine {
  let module = modules.get(build)
  if (module === undefined) {
    module = new WebAssembly.Module(bytesOf(build))
    modules.set(build, module)
  }
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((programStart + bytes) / 65536),
    maximum: 65536,
  })
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  return { memory, exports: exports as unknown as EngineExports }
}

/** Writes one instruction at `at`. */
export function writeInstruction<O extends Opcode>(
  memory: WebAssembly.Memory,
  at: number,
  opcode: O,
  values: Fields<O>,
): void {
  const words = encode({ opcode, fields: values } as Instruction)
  new Int32Array(memory.buffer, at, instructionWords).set(words)
}
