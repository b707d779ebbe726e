import { require } from './builtin.js'

let allowed = false

/**
 * Node 20's V8 has relaxed SIMD behind a flag, and takes it at any time. A flag is for a whole process: programs that own
 * theirs, as the command line does, say so here; a library must leave the choice to its user.
 */
export function allowRelaxed(): void {
  allowed = true
}

/** Before the first relaxed build is compiled and no sooner: Node's own modules start slower after a change of flags. */
export function enableRelaxed(): void {
  if (!allowed || !process.versions.v8.startsWith('11.3.')) return
  const { setFlagsFromString }: typeof import('node:v8') = require('node:v8')
  setFlagsFromString('--experimental-wasm-relaxed-simd')
}
