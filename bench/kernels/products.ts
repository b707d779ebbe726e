import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeView, OperatorDescriptor } from '../../src/host/graph/descriptor.js'
import { candidatesOf } from '../../src/host/plan/kernels.js'
import { packageFolder } from '../../src/host/platform/node.js'

interface ProductsModule {
  readonly memory: WebAssembly.Memory
  products(
    ...words: [
      x: number,
      w: number,
      m: number,
      taps: number,
      pairs: number,
      panels: number,
      groups: number,
      dot: number,
    ]
  ): void
}

const repeats = 60
const place = { address: 0, stride: 0 }

/**
 * Billions of multiply-accumulates a second in the matrix products of a Winograd kernel, with its own blocks, in the
 * second-level cache as there; undefined for other kernels. The best of many calls: a share of the peak, which is one too.
 */
export function timeProducts(view: NodeView, operator: OperatorDescriptor, name: string): number | undefined {
  const candidate = candidatesOf(view, operator).find((c) => c.name === name)!
  const instruction = candidate.emit(view, { input: () => place, output: place, block: () => 0, scratch: 0 })
  if (instruction.opcode !== 'winograd43S8' && instruction.opcode !== 'winograd23S8') return undefined
  const { block, chunk, inputChannels, product } = instruction.fields
  const taps = instruction.opcode === 'winograd43S8' ? 36 : 16
  const pairs = Math.ceil(inputChannels / 8) * 4
  const exports = load()
  const x = 65536
  const w = x + taps * (block * pairs * 16 + 64)
  const m = w + taps * chunk * (pairs * 32 + 32)
  const missing =
    Math.ceil((m + block * chunk * taps * 128) / 65536) - exports.memory.buffer.byteLength / 65536
  if (missing > 0) exports.memory.grow(missing)
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < repeats; i++) {
    const start = performance.now()
    exports.products(x, w, m, taps, pairs, chunk, block, product === 0 ? 1 : 0)
    best = Math.min(best, performance.now() - start)
  }
  return (taps * block * 4 * pairs * 2 * chunk * 8) / best / 1e6
}

function load(): ProductsModule {
  const bytes = readFileSync(join(packageFolder, 'build', 'ocellus.product.wasm'))
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as ProductsModule
}
