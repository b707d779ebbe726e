/**
 * node checksums.mjs FOLDER: loads the built library, runs every network of FOLDER/networks.json in every build that
 * works here and on every number of threads asked for, and prints the outputs' checksums as JSON.
 * Plain JavaScript, so that any Node on any processor can run it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builds, readModel, Session } from '../../../dist/src/host/platform/node.js'

const folder = process.argv[2]
const { networks, threads } = JSON.parse(readFileSync(join(folder, 'networks.json'), 'utf8'))

/** FNV-1a of the bytes of all outputs, in their order. */
function checksum(session) {
  let hash = 0x811c9dc5
  for (const { name } of session.outputs) {
    const { buffer } = session.output(name)
    for (const byte of new Uint8Array(buffer)) hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}

const results = []
for (const { name, kernel } of networks) {
  const model = readModel(readFileSync(join(folder, `${name}.safetensors`)), name)
  const { buffer } = Uint8Array.from(readFileSync(join(folder, `${name}.input`)))
  for (const build of builds) {
    const file = new URL(`../../../build/ocellus.${build}.wasm`, import.meta.url)
    if (!WebAssembly.validate(readFileSync(file))) continue
    for (const count of build === 'scalar' ? [1] : threads) {
      // Nothing is measured: what a slow machine would choose is not the question.
      const session = await Session.create(model, {
        build,
        kernel,
        threads: count,
        threadTimeoutMs: 120_000,
        tuneMs: 0,
      })
      const took = await session.ready()
      session.setInput(
        session.inputs[0].dtype === 'float32' ? new Float32Array(buffer) : new Int8Array(buffer),
      )
      session.run()
      results.push({ name, build, threads: took, sum: checksum(session) })
      session.close()
    }
  }
}
console.log(JSON.stringify({ node: process.version, arch: process.arch, results }))
