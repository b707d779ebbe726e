import { join, sep } from 'node:path'
import { OcellusError } from '../../../src/host/errors.js'
import { packageFolder } from '../../../src/host/platform/node/package.js'
import { countersName, instrumented, mostBlocks } from './instrument.js'

export interface Bundle {
  readonly file: string
  /** How many blocks it counts. */
  readonly blocks: number
}

/**
 * The targets and all that they reach as one module whose blocks count how often they run. Throws
 * E_ENGINE_BUILD where there is no bundler.
 */
export async function bundleTargets(): Promise<Bundle> {
  const { rolldown } = await import('rolldown').catch((cause: unknown) => {
    throw new OcellusError('E_ENGINE_BUILD', 'guided runs need rolldown: run `npm ci`', { cause })
  })
  const dist = join(packageFolder, 'dist')
  // The harness itself is not what is to be explored.
  const harness = join(dist, 'tools', 'fuzz') + sep
  let blocks = 0
  const build = await rolldown({
    input: join(dist, 'tools', 'fuzz', 'guided', 'entry.js'),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith(dist),
    treeshake: false,
    checks: { pluginTimings: false },
    plugins: [
      {
        name: 'count-blocks',
        transform(code, id) {
          if (id.startsWith(harness)) return null
          return instrumented(code, this.parse(code), () => Math.min(blocks++, mostBlocks - 1))
        },
      },
    ],
  })
  const file = join(dist, 'tools', 'fuzz', 'guided', 'targets.bundle.js')
  const banner = `const ${countersName} = (globalThis.${countersName} ??= new Uint8Array(${mostBlocks}))`
  await build.write({ file, format: 'esm', banner, codeSplitting: false })
  await build.close()
  return { file, blocks }
}
