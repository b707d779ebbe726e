import { fs } from '../../builtin.js'
import { writeWhole } from '../../write.js'

const most = 10_000

/**
 * What Home Assistant was told of in earlier runs: retained messages outlive the zones and labels
 * that they were for.
 */
export class Memory {
  readonly #file: string
  topics: readonly string[] = []
  labels: readonly string[] = []

  constructor(file: string) {
    this.#file = file
    try {
      const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'))
      if (typeof value !== 'object' || value === null) return
      if ('topics' in value) this.topics = strings(value.topics)
      if ('labels' in value) this.labels = strings(value.labels)
    } catch {
      // There was no earlier run, or nobody can read what it left.
    }
  }

  save(topics: readonly string[], labels: readonly string[], warn: (text: string) => void): void {
    const before = JSON.stringify([this.topics, this.labels])
    this.topics = topics
    this.labels = labels
    if (JSON.stringify([topics, labels]) === before) return
    try {
      writeWhole(this.#file, `${JSON.stringify({ topics, labels })}\n`)
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error))
    }
  }
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) && value.length <= most
    ? value.filter((each) => typeof each === 'string' && /^[^+#\n]{1,1000}$/.test(each))
    : []
