/**
 * Makes C99 of a Wasm module without vectors, function by function, by Binaryen's view of it as
 * trees. Binaryen first flattens a function so that no expression sets a local or branches, and
 * sinks values back into the expressions that use them: each statement of C is then an expression
 * without side effects, but for calls, which get statements of their own.
 *
 * Addresses stay numbers of 32 bits. On a microcontroller they are pointers; on a PC they count
 * from `m`, which every function that touches memory is given (tools/firmware/c/ocellus_rt.h). The
 * module's static data was laid out from `tableBase` on, where nothing else lies, so a constant from
 * there is known to be its address.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { operationsOf } from './operations.mjs'
import { FunctionWriter } from './statements.mjs'

/** The compiler's own copy of Binaryen. */
async function loadBinaryen() {
  const near = createRequire(import.meta.resolve('assemblyscript'))
  const module = await import(pathToFileURL(near.resolve('binaryen')).href)
  return module.default
}

const passes = [
  'flatten',
  'simplify-locals-notee-nostructure',
  'vacuum',
  'remove-unused-names',
  'merge-blocks',
  'coalesce-locals',
  'simplify-locals-notee-nostructure',
  'reorder-locals',
  'vacuum',
  'remove-unused-names',
]

export async function translate(bytes, tableBase) {
  const binaryen = await loadBinaryen()
  const module = binaryen.readBinary(bytes)
  module.setFeatures(binaryen.Features.BulkMemory | binaryen.Features.NontrappingFPToInt)
  binaryen.setOptimizeLevel(2)
  module.runPasses(passes)
  const tables = staticData(bytes, tableBase)
  const infos = Array.from({ length: module.getNumFunctions() }, (_, n) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(n)),
  )
  const names = cNames(infos)
  const { binary, unary } = operationsOf(binaryen)
  const context = { binaryen, names, binary, unary, tableBase, tableBytes: tables.length }
  const functions = infos
    .filter(({ base }) => base === '')
    .map((info) => new FunctionWriter(context, info).write())
  const byName = new Map(functions.map((one) => [one.name, one]))
  markMemory(byName)
  const exports = {}
  for (let n = 0; n < module.getNumExports(); n++) {
    const { name, value, kind } = binaryen.getExportInfo(module.getExportByIndex(n))
    if (kind === binaryen.ExternalFunction) exports[name] = names.get(value)
  }
  module.dispose()
  return { tables, exports, functions }
}

/** The module's data segments, one after the other: section 11 of its binary form. */
function staticData(bytes, tableBase) {
  let at = 8
  const number = () => {
    let value = 0
    for (let bits = 0; ; bits += 7) {
      const byte = bytes[at++]
      value += (byte & 127) * 2 ** bits
      if (byte < 128) return value
    }
  }
  const parts = []
  while (at < bytes.length) {
    const id = bytes[at++]
    const length = number()
    const end = at + length
    for (let left = id === 11 ? number() : 0; left > 0; left--) {
      // An active segment of memory 0: 0, i32.const, its address, end.
      if (bytes[at++] !== 0 || bytes[at++] !== 0x41) throw new Error('a data segment is not active')
      const address = number()
      at++
      const count = number()
      parts.push({ at: address - tableBase, data: bytes.subarray(at, at + count) })
      at += count
    }
    at = end
  }
  const tables = new Uint8Array(Math.max(0, ...parts.map((part) => part.at + part.data.length)))
  for (const part of parts) tables.set(part.data, part.at)
  return tables
}

/** A function is called as its file and itself: `assembly/micro/conv_s8/tile` is conv_s8_tile. */
function cNames(infos) {
  const names = new Map()
  const taken = new Set()
  for (const { name, base } of infos) {
    const parts = name.replace(/<.*>/, (types) => `_${types}`).split('/')
    const own = parts.pop()
    const file = parts.pop()
    let c = base !== '' ? `oc_${base}` : file === undefined || file === own ? own : `${file}_${own}`
    c = c.replace(/\W+/g, '_').replace(/^_+|_+$/g, '')
    while (base === '' && taken.has(c)) c += '_'
    taken.add(c)
    names.set(name, c)
  }
  return names
}

/** A function is given the memory if it, or one that it calls, touches memory. */
function markMemory(byName) {
  for (let changed = true; changed; ) {
    changed = false
    for (const one of byName.values()) {
      if (one.usesMemory || !one.calls.some((name) => byName.get(name)?.usesMemory)) continue
      one.usesMemory = true
      changed = true
    }
  }
  // Which calls and signatures name the memory is known only now.
  for (const one of byName.values()) {
    one.c = one.c.replace(/@M\((\w+)(, )?\)/g, (_, name, more) =>
      byName.get(name)?.usesMemory ? (more ? 'M_ ' : 'M1_') : '',
    )
    one.c = one.c.replace(/@P(, )?/, (_, more) =>
      one.usesMemory ? (more ? 'MEM_ ' : 'MEM1_') : more ? '' : 'void',
    )
    one.prototype = `${one.c.slice(0, one.c.indexOf(' {\n'))};`
  }
}
