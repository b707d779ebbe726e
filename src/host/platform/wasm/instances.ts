import { demangle } from '@assemblyscript/loader'
import type { Build, EngineExports, Instance } from '../../engine/engine.js'
import { createMemory } from './memory.js'

/** A build of the engine as compiled code: the one for one thread, or the one for several. */
export type Compile = (build: Build, threads: boolean) => WebAssembly.Module | Promise<WebAssembly.Module>

/** Compiles each build once in a process or page, whatever the number of sessions. */
export function compiledOnce(compile: Compile): Compile {
  const known = new Map<string, WebAssembly.Module | Promise<WebAssembly.Module>>()
  return (build, threads) => {
    const key = `${build}${threads ? '-threads' : ''}`
    const found = known.get(key)
    if (found !== undefined) return found
    const module = compile(build, threads)
    known.set(key, module)
    if (module instanceof Promise) {
      module.then(
        (done) => known.set(key, done),
        // What failed may work later, as when a server comes back.
        () => known.delete(key),
      )
    }
    return module
  }
}

/** What the engine asks of the host while a thread waits for others: 1 ends the run. */
export type Stalled = (times: number, phase: number) => number

const neverStalled: Stalled = () => 1

export const importsOf = (memory: WebAssembly.Memory, stalled: Stalled = neverStalled) => ({
  env: { memory, stalled },
})

export const exportsOf = (instance: WebAssembly.Instance): EngineExports =>
  demangle(instance.exports) as unknown as EngineExports

/** An instance for one thread, at once: for runtimes that do not mind to wait. */
export function instantiateNow(module: WebAssembly.Module, bytes: number): Instance {
  const memory = createMemory(bytes, false)
  return { exports: exportsOf(new WebAssembly.Instance(module, importsOf(memory))), memory }
}

/**
 * An instance for one thread. Not by the loader's `instantiate`: it asks for `Response`, which Node
 * takes 40 ms to load.
 */
export async function instantiate(module: WebAssembly.Module, bytes: number): Promise<Instance> {
  const memory = createMemory(bytes, false)
  return { exports: exportsOf(await WebAssembly.instantiate(module, importsOf(memory))), memory }
}
