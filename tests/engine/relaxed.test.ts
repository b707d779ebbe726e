import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { writeModel } from '../../src/host/graph/file.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { skipUnless } from '../helpers/require.js'
import { transformer } from '../helpers/transformer.js'

const platform = fileURLToPath(new URL('../../dist/src/host/platform/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ocellus-relaxed-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'narrow.safetensors')
writeFileSync(file, writeModel(quantizeLinears(transformer(3, { visible: 11, width: 64, heads: 2 }), 7)))

/** The build that a process of its own uses for weights of 7 bits. */
async function buildOf(words: readonly string[]): Promise<string> {
  const program = `import { loadModel, Session } from '${platform}node.js'
    const session = await Session.create(await loadModel('${file}'), { threads: 2 })
    await session.ready()
    console.log(session.build)
    session.close()`
  const all = [...words, '--input-type=module', '--eval', program]
  return (await promisify(execFile)(process.execPath, all)).stdout.trim()
}

describe('the relaxed build where V8 has it behind a flag', () => {
  it.for([
    ['not by itself', [], 'simd'],
    ['with the flag', ['--experimental-wasm-relaxed-simd'], 'relaxed'],
  ] as const)('%s', async ([, words, expected], context) => {
    skipUnless(context, process.versions.v8.startsWith('11.3.'), 'Node 20')
    expect(await buildOf(words)).toBe(expected)
  })
})
