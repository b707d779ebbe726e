import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { writeModel } from '../../src/host/graph/file.js'
import type { Constant, Model, Node, Tensor } from '../../src/host/graph/types.js'
import { skipUnless } from '../helpers/require.js'

/** Products one after the other, down to a picture of one pixel: nearly nothing but weights. */
function heavy(): Model {
  const sides = [4096, 4096, 4096, 4096, 4096, 3]
  const constants = new Map<string, Constant>()
  const add = (name: string, shape: number[], dtype: Constant['dtype'], data: Constant['data']): string => {
    constants.set(name, { name, shape, dtype, data })
    return name
  }
  const tensors = sides.map(
    (side, n): Tensor => ({ name: `x${n}`, shape: [1, 1, 1, side], dtype: 'float32' }),
  )
  const nodes = sides.slice(1).map((outputs, n): Node => {
    const inputs = sides[n]
    return {
      name: `linear${n}`,
      op: 'linear',
      inputs: [`x${n}`],
      outputs: [`x${n + 1}`],
      attributes: {},
      constants: {
        weight: add(`w${n}`, [outputs, inputs], 'int8', new Int8Array(outputs * inputs).fill(n + 1)),
        weightScale: add(`s${n}`, [outputs], 'float32', new Float32Array(outputs).fill(0.01)),
        bias: add(`b${n}`, [outputs], 'float32', new Float32Array(outputs)),
      },
    }
  })
  const graph = {
    name: 'heavy',
    task: { kind: 'generation' },
    tensors,
    inputs: ['x0'],
    outputs: ['x5'],
    nodes,
    provenance: {},
  } as const
  return { constants, graph }
}

it('a large model takes little more memory than its file has bytes', (context) => {
  skipUnless(context, existsSync('/proc/self/status') ? '/proc' : undefined, '/proc of Linux')
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-large-'))
  try {
    const path = join(folder, 'heavy.safetensors')
    writeFileSync(path, writeModel(heavy()))
    const script = fileURLToPath(new URL('large/load.mjs', import.meta.url))
    const answer = execFileSync(process.execPath, [script, path], { encoding: 'utf8' })
    const { before, after, memoryBytes } = JSON.parse(answer)
    const fileBytes = statSync(path).size
    expect(memoryBytes).toBeGreaterThan(fileBytes)
    // Another copy of the weights would be 64 MiB.
    expect((after - before) * 1024).toBeLessThan(memoryBytes + (32 << 20))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
