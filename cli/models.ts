import type { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { type KnownModel, knownModels } from '../src/host/platform/node/models.js'
import { loadModel } from '../src/host/platform/node.js'
import { bytes, print, printJson, table } from './output.js'
import { licences } from './pull.js'
import { registry } from './registry.js'

interface Row {
  readonly name: string
  readonly where: 'embedded' | 'pulled'
  readonly file: string
  readonly task?: string
  readonly input?: readonly number[]
  readonly labels?: readonly string[]
  readonly weightBytes?: number
  readonly provenance?: Readonly<Record<string, unknown>>
  readonly error?: string
}

export function addModels(program: Command): void {
  program
    .command('models')
    .description('list the models that can be told by name: embedded, pulled, and to be pulled')
    .option('--json', 'print JSON')
    .action(models)
}

async function models(options: { json?: boolean }): Promise<void> {
  const rows: Row[] = []
  for (const known of await knownModels()) rows.push(await describe(known))
  const names = new Set(rows.map((row) => row.name))
  const others = (await registry()).filter(({ name }) => !names.has(name))
  if (options.json) {
    const published = others.map(({ name, title, licence, home }) => ({ name, title, licence, home }))
    printJson({ models: rows, published })
    return
  }
  print(
    table(
      ['model', 'where', 'task', 'input', 'labels', 'weights', 'licence'],
      rows.map((row) => [
        row.name,
        row.where,
        row.error ?? row.task ?? '',
        row.input?.join('x') ?? '',
        row.labels === undefined ? '' : String(row.labels.length),
        row.weightBytes === undefined ? '' : bytes(row.weightBytes),
        String(row.provenance?.license ?? ''),
      ]),
    ),
  )
  if (others.length > 0) {
    print(`\nto be had by \`ocellus pull NAME\`:\n`)
    print(licences(others))
  }
}

/** A broken file among the pulled ones is a row that says so: the others are still listed. */
async function describe({ name, file, embedded }: KnownModel): Promise<Row> {
  const where = embedded ? 'embedded' : 'pulled'
  try {
    const { graph, constants } = await loadModel(file)
    const input = graph.tensors.find((t) => t.name === graph.inputs[0])
    return {
      name,
      where,
      file,
      task: graph.task.kind,
      input: input?.shape.slice(1),
      labels: 'labels' in graph.task ? graph.task.labels : undefined,
      weightBytes: [...constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
      provenance: graph.provenance,
    }
  } catch (error) {
    if (!(error instanceof OcellusError)) throw error
    return { name, where, file, error: error.code }
  }
}
