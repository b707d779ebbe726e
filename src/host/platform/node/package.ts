import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fs } from './builtin.js'

/** The package's own folder: the nearest above this file that holds its package.json. */
export const packageFolder = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!fs.existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
})()
