import type { Command } from 'commander'
import { describeMachine } from '../../bench/machine.js'
import { ocellus } from '../../bench/ocellus.js'
import { onnxruntimeWeb } from '../../bench/peers/onnxruntime-web.js'
import { type Contender, interleave, type Result } from '../../bench/run.js'
import { median } from '../../bench/statistics.js'
import type { Build } from '../host/platform/node.js'
import { openModel, parseBuild, parseCount } from './inputs.js'
import { fixed, print, printJson, progress, table } from './output.js'
import { version } from './version.js'

interface Options {
  model?: string
  config?: string
  against?: string
  runs: number
  warmup: number
  profile?: boolean
  peers?: boolean
  json?: boolean
  build?: Build
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('time a network, alone or against other runtimes in the same run')
    .option('-m, --model <file>', 'model (.safetensors), or darknet .weights; default: the embedded detector')
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--against <model>', 'a second model to time in turn with the first, usually the float original')
    .option('--runs <n>', 'timed inferences', parseCount, 30)
    .option('--warmup <n>', 'inferences before them', parseCount, 5)
    .option('--profile', 'time each layer')
    .option('--peers', 'time onnxruntime-web (Wasm, one thread) on the same networks, in turn with ours')
    .option('--json', 'print JSON')
    .option('--build <build>', 'force a build of the engine: simd or scalar', parseBuild)
    .action(bench)
}

async function bench(options: Options): Promise<void> {
  const model = await openModel(options.model, options)
  const models = options.against === undefined ? [model] : [model, await openModel(options.against, options)]
  const ours = await Promise.all(models.map((m) => ocellus(m, version, options.build)))
  const contenders: Contender[] = [...ours]
  if (options.peers) for (const m of models) contenders.push(await onnxruntimeWeb(m, 1))
  const bar = progress('timing')
  const results = await interleave(contenders, { ...options, onRun: bar.update }).finally(bar.stop)
  const layers = options.profile ? profile(ours[0], options.runs) : []
  for (const contender of contenders) await contender.close()
  const machine = describeMachine()
  const [, height, width] = model.graph.tensors.find((t) => t.name === model.graph.inputs[0])!.shape
  if (options.json) {
    printJson({ machine, model: model.graph.name, input: [height, width], results, layers })
    return
  }
  print(
    `${model.graph.name} at ${width}x${height}, network only, one thread, on ${machine.cpu} (Node ${machine.node})\n`,
  )
  print(resultTable(results))
  if (layers.length > 0) print(`\n${layerTable(layers)}`)
}

function resultTable(results: readonly Result[]): string {
  const rows = results.map((r) => [
    r.runtime,
    r.version,
    r.precision,
    r.build,
    fixed(r.medianMs, 2),
    fixed(r.p95Ms, 2),
    fixed(r.firstMs, 1),
    fixed(r.loadMs, 0),
    fixed(results[0].medianMs / r.medianMs, 2),
  ])
  const header = [
    'runtime',
    'version',
    'precision',
    'build',
    'median ms',
    'p95 ms',
    'first ms',
    'load ms',
    'ours / it',
  ]
  return table(header, rows)
}

interface Layer {
  readonly name: string
  readonly op: string
  readonly kernel: string
  readonly macs: number
  readonly medianMs: number
  readonly gmacs: number
}

function profile({ session, feed }: Awaited<ReturnType<typeof ocellus>>, runs: number): Layer[] {
  const profiles = Array.from({ length: runs }, () => {
    feed()
    return session.profile()
  })
  const { views } = session.plan.model
  const macs = new Map(views.map(({ view, operator }) => [view.node.name, operator.macs(view)]))
  return profiles[0].map(({ name, op, kernel }, i) => {
    const medianMs = median(profiles.map((p) => p[i].ms))
    const count = macs.get(name) ?? 0
    return { name, op, kernel, macs: count, medianMs, gmacs: count / medianMs / 1e6 }
  })
}

function layerTable(layers: readonly Layer[]): string {
  const total = layers.reduce((sum, l) => sum + l.medianMs, 0)
  const rows = layers.map((l) => [
    l.name,
    l.op,
    l.macs === 0 ? '' : fixed(l.macs / 1e6, 2),
    fixed(l.medianMs, 3),
    `${fixed((100 * l.medianMs) / total, 1)} %`,
    l.macs === 0 ? '' : fixed(l.gmacs, 1),
  ])
  return table(['layer', 'operator', 'MMAC', 'median ms', 'share', 'GMAC/s'], rows)
}
