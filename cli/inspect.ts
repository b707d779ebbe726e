import { type Command, Option } from 'commander'
import { planKernels } from '../src/host/engine/choose.js'
import { chooseThreads } from '../src/host/engine/threads.js'
import { OcellusError } from '../src/host/errors.js'
import { constantBytes } from '../src/host/graph/descriptor.js'
import { formOf } from '../src/host/graph/form.js'
import type { Tensor } from '../src/host/graph/types.js'
import { verifyModel } from '../src/host/graph/verify.js'
import { checkImageSize } from '../src/host/image/pixels.js'
import { memoryOf } from '../src/host/plan/plan.js'
import { shown } from '../src/host/shown.js'
import { addNetworkOptions, type ModelWords, openModel, parseCount, parseEpsilon } from './inputs.js'
import { bytes, print, printJson, table } from './output.js'

interface Options extends ModelWords {
  frame: Frame
  threads?: number
  json?: boolean
}

interface Frame {
  readonly width: number
  readonly height: number
}

export function addInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description('show what a model is made of and what it needs: operators, scales, MACs, memory')
    .argument('[model]', 'model (.safetensors) or darknet .weights; default: the embedded detector')
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--names <file>', 'labels, one a line, or darknet .data that names such a file')
    .option('--epsilon <value>', 'of batch normalisation in float weights', parseEpsilon)
    .addOption(
      new Option('--frame <width>x<height>', 'size of the pictures, for the memory')
        .argParser(parseFrame)
        .default({ width: 1280, height: 720 }, '1280x720'),
    )
    .option('--threads <n>', 'threads, for the memory; default: as many as would be used', parseCount)
    .option('--json', 'print JSON')
    .action(inspect)
  addNetworkOptions(command)
}

async function inspect(path: string | undefined, options: Options): Promise<void> {
  const model = verifyModel(await openModel(path, options), Number.POSITIVE_INFINITY)
  const threads = chooseThreads(options.threads, model)
  const plan = await planKernels(model, threads, {})
  const frame = plan.preprocessing === undefined ? undefined : options.frame
  const { graph } = model
  const operators = model.views.map(({ view, operator }) => ({
    name: view.node.name,
    op: view.node.op,
    shape: view.output.shape,
    dtype: view.output.dtype,
    ...view.output.quantization,
    attributes: view.node.attributes,
    macs: operator.macs(view),
    weightBytes: Object.values(view.constants).reduce((sum, c) => sum + constantBytes(c), 0),
    place: plan.places.get(view.output.name)?.address,
  }))
  const total = (value: (o: (typeof operators)[number]) => number): number =>
    operators.reduce((sum, o) => sum + value(o), 0)
  const ends = (names: readonly string[]) =>
    names.map((name) => {
      const tensor = model.tensorsByName.get(name) as Tensor
      const { shape, dtype, quantization } = tensor
      const { shape: outside, layout } = formOf(graph, tensor)
      return { name, shape, dtype, ...quantization, form: { shape: outside, layout } }
    })
  const summary = {
    name: graph.name,
    task: graph.task.kind,
    macs: total((o) => o.macs),
    weightBytes: total((o) => o.weightBytes),
    packedBytes: plan.packedBytes,
    arenaBytes: plan.arenaBytes,
    arenaLowerBound: plan.arenaLowerBound,
    memoryBytes: memoryOf(plan),
    ...(frame === undefined ? {} : { frame, memoryWithFrameBytes: memoryOf(plan, frame) }),
    threads,
    inputs: ends(graph.inputs),
    outputs: ends(graph.outputs),
    ...('labels' in graph.task ? { labels: graph.task.labels } : {}),
    preprocessing: graph.preprocessing,
    provenance: graph.provenance,
  }
  if (options.json) {
    printJson({ ...summary, operators })
    return
  }
  const rows = operators.map((o) => [
    o.name,
    o.op + kernelOf(o.attributes),
    o.shape.slice(1).join('x'),
    o.dtype,
    o.scale === undefined ? '' : o.scale.toPrecision(4),
    o.zeroPoint === undefined ? '' : String(o.zeroPoint),
    o.macs === 0 ? '' : (o.macs / 1e6).toFixed(2),
    o.weightBytes === 0 ? '' : bytes(o.weightBytes),
  ])
  print(table(['layer', 'operator', 'output', 'type', 'scale', 'zero', 'MMAC', 'weights'], rows))
  const { labels } = summary
  const described = ({ name, shape, dtype, form }: (typeof summary.inputs)[number]): string =>
    graph.task.kind === 'tensors'
      ? `${shown(name)} ${form.shape.join('x')} ${dtype}`
      : `${shape.slice(1).join('x')} ${dtype}`
  print(`
${shown(graph.name)}: ${graph.task.kind}${labels === undefined ? '' : `, ${labels.length} labels`}
input    ${summary.inputs.map(described).join(', ')}${graph.preprocessing === undefined ? '' : ` (${graph.preprocessing.mode})`}
output   ${summary.outputs.map(described).join(', ')}
MACs     ${(summary.macs / 1e9).toFixed(3)} G
weights  ${bytes(summary.weightBytes)} in the file, ${bytes(summary.packedBytes)} packed
arena    ${bytes(summary.arenaBytes)} (no plan can need less than ${bytes(summary.arenaLowerBound)})
memory   ${bytes(summary.memoryBytes)}${frame === undefined ? '' : `, ${bytes(memoryOf(plan, frame))} with a picture of ${frame.width}x${frame.height}`} (${threads} thread${threads === 1 ? '' : 's'})`)
  if (labels !== undefined) print(`labels   ${summarise(labels)}`)
  for (const [key, value] of Object.entries(graph.provenance))
    print(`${shown(key).padEnd(8)} ${shown(String(value), 400)}`)
}

function parseFrame(word: string): Frame {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(word) ?? []
  if (width === undefined) throw new OcellusError('E_OPTION', `${word} is no size: give one like 1280x720`)
  checkImageSize(Number(width), Number(height), 'the frame')
  return { width: Number(width), height: Number(height) }
}

function kernelOf(attributes: Readonly<Record<string, unknown>>): string {
  const { kernel, strides, groups, activation } = attributes
  const parts = [
    Array.isArray(kernel) ? ` ${kernel.join('x')}` : '',
    Array.isArray(strides) && strides.some((s) => s !== 1) ? `/${strides[0]}` : '',
    typeof groups === 'number' && groups > 1 ? ` g${groups}` : '',
    typeof activation === 'string' && activation !== 'linear' ? ` ${activation}` : '',
  ]
  return parts.join('')
}

const summarise = (labels: readonly string[]): string =>
  labels.length <= 20
    ? labels.map((label) => shown(label, 60)).join(', ')
    : `${labels
        .slice(0, 20)
        .map((label) => shown(label, 60))
        .join(', ')} ... and ${labels.length - 20} more`
