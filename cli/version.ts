import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from '../src/host/platform/node/package.js'

export const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  version: string
}
