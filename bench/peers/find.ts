import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OcellusError } from '../../src/host/errors.js'

/** What installs a peer that is not there. */
const installs: Readonly<Record<string, string>> = {
  'onnxruntime-web': 'onnxruntime-web@1.30',
  // Its install script would fetch CUDA libraries; the package has the CPU's inside.
  'onnxruntime-node': '--ignore-scripts onnxruntime-node@1.30',
  '@tensorflow/tfjs-core': '@tensorflow/tfjs-core@4.22 @tensorflow/tfjs-backend-wasm@4.22',
  '@tensorflow/tfjs-backend-wasm': '@tensorflow/tfjs-core@4.22 @tensorflow/tfjs-backend-wasm@4.22',
}

/**
 * A package that need not be there: of ours, of the folder in OCELLUS_PEERS, or of the folder where
 * the command was given. Throws E_OPTION, saying what to install.
 */
export async function findPackage(name: string): Promise<Record<string, unknown>> {
  const folders = [process.env.OCELLUS_PEERS, process.cwd()].filter((folder) => folder !== undefined)
  const own = createRequire(import.meta.url)
  for (const require of [own, ...folders.map((folder) => createRequire(join(folder, 'package.json')))]) {
    let path: string
    try {
      path = require.resolve(name)
    } catch {
      continue
    }
    const found = (await import(pathToFileURL(path).href)) as Record<string, unknown>
    // Of a CommonJS module, all exports are in `default`, and some beside it.
    return (found.default ?? found) as Record<string, unknown>
  }
  throw new OcellusError(
    'E_OPTION',
    `${name} is not installed: npm install --no-save ${installs[name] ?? name}, here or in the folder that OCELLUS_PEERS names`,
  )
}
