import { join } from 'node:path'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import { packageFolder } from '../src/host/platform/node/package.js'

/** The package's version. Throws E_FILE_* where its package.json can't be read. */
export async function readVersion(): Promise<string> {
  const bytes = await readCapped(join(packageFolder, 'package.json'), limits.cfgBytes)
  const { version } = JSON.parse(new TextDecoder().decode(bytes)) as { version: string }
  return version
}
