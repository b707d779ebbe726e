/**
 * Writes dist/firmware: the C of every kernel that firmware may hold, as JSON, and the files of C
 * that are the same for all models. `ocellus pack` makes firmware of them without any compiler.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { translate } from './translate.mjs'

export async function writeKernels(wasm, tableBase, folder) {
  const { tables, exports, functions } = await translate(readFileSync(wasm), tableBase)
  // Firmware has no globals: a kernel that keeps numbers in one between calls can't be in it.
  const refused = new Set(functions.filter(({ globals }) => globals.length > 0).map(({ name }) => name))
  for (let changed = true; changed; ) {
    changed = false
    for (const { name, calls } of functions)
      if (!refused.has(name) && calls.some((one) => refused.has(one))) {
        refused.add(name)
        changed = true
      }
  }
  const kept = functions.filter(({ name }) => !refused.has(name))
  const kernels = {
    tables: Buffer.from(tables).toString('base64'),
    exports: Object.fromEntries(Object.entries(exports).filter(([, name]) => !refused.has(name))),
    functions: kept.map(({ name, c, prototype, calls, usesMemory, usesTables }) => ({
      name,
      c,
      prototype,
      calls: calls.filter((one) => !one.startsWith('oc_')),
      usesMemory,
      usesTables,
    })),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/kernels.json`, `${JSON.stringify(kernels)}\n`)
  cpSync('tools/firmware/c', `${folder}/c`, { recursive: true })
  return kernels.functions.length
}
