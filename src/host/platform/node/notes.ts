import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Notes } from '../../engine/platform.js'
import { fs } from './builtin.js'
import { cacheFolder } from './models.js'

const maxBytes = 1 << 20

/**
 * What was found out about this machine, one file a topic. It is only ever a hint: what can't be
 * read or kept is not.
 */
export const notes: Notes = {
  async read(topic) {
    try {
      const file = fileOf(topic)
      if (fs.statSync(file).size > maxBytes) return undefined
      const { machine, values }: { machine?: unknown; values?: unknown } = JSON.parse(
        fs.readFileSync(file, 'utf8'),
      )
      if (machine !== thisMachine() || typeof values !== 'object' || values === null) return undefined
      return new Map(Object.entries(values).filter((entry) => typeof entry[1] === 'string'))
    } catch {
      return undefined
    }
  },
  async write(topic, values) {
    const file = fileOf(topic)
    const written = `${file}.${process.pid}`
    try {
      await mkdir(cacheFolder(), { recursive: true })
      await writeFile(written, JSON.stringify({ machine: thisMachine(), values: Object.fromEntries(values) }))
      await rename(written, file)
    } catch {
      await rm(written, { force: true }).catch(() => {})
    }
  },
}

const fileOf = (topic: string): string => join(cacheFolder(), `${topic}.json`)

/** Another processor or another V8 may be fastest otherwise. */
const thisMachine = (): string => `${cpus()[0]?.model ?? process.arch}, V8 ${process.versions.v8}`
