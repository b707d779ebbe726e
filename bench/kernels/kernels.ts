import type { NodeView } from '../../src/host/graph/descriptor.js'
import { winogradProducts } from '../../src/host/graph/kernels/winograd-products.js'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { candidatesOf } from '../../src/host/plan/kernels.js'
import { packageFolder } from '../../src/host/platform/node/package.js'
import { type Build, Session, type StepTime, type TensorData } from '../../src/host/platform/node.js'
import { quantized, testInput } from '../input.js'
import { describeMachine, describeSource, readConditions } from '../machine.js'
import { fasterOf, measurePeaks, type Peak, peakFor } from '../peak.js'
import type { KernelResult, KernelsReport } from '../report/report.js'
import { interleave } from '../run.js'
import { median } from '../statistics.js'
import { findShapes, isKnown, measuredLayer, modelOf, type Shape, type Shapes } from './shapes.js'
import { worksOut } from './works-out.js'

export interface KernelOptions {
  readonly runs: number
  readonly warmup: number
  readonly seconds: number
  readonly build?: Build
  onProgress?(what: string, done: number, total: number): void
}

/** Measures and says on what. */
export async function runKernels(name: string | undefined, options: KernelOptions): Promise<KernelsReport> {
  const lists = findShapes(name)
  const started = new Date().toISOString()
  const before = readConditions()
  const peaks = fasterOf(await measurePeaks(), await measurePeaks())
  const kernels = await measureAllKernels(lists, peaks, options)
  const unknown = lists.flatMap(({ network, layers }) =>
    layers.filter((shape) => !isKnown(shape)).map((shape) => `${network}: ${shape.name} (${shape.op})`),
  )
  return {
    machine: describeMachine(),
    source: describeSource(packageFolder),
    started,
    conditions: { before, after: readConditions() },
    peaks,
    kernels,
    unknown,
  }
}

/** Every candidate for every shape, on one thread: those of a shape in turn. */
export async function measureAllKernels(
  lists: readonly Shapes[],
  peaks: readonly Peak[],
  options: KernelOptions,
): Promise<KernelResult[]> {
  const all = lists.flatMap(({ network, layers }) =>
    layers.filter(isKnown).map((shape) => ({ network, shape })),
  )
  const results: KernelResult[] = []
  for (const [i, { network, shape }] of all.entries()) {
    results.push(...(await measureShape(network, shape, peaks, options)))
    options.onProgress?.('kernels', i + 1, all.length)
  }
  return results
}

async function measureShape(
  network: string,
  shape: Shape,
  peaks: readonly Peak[],
  options: KernelOptions,
): Promise<KernelResult[]> {
  const model = modelOf(shape)
  const { view, operator } = verifyModel(model).views[1]
  const macs = operator.macs(view)
  const peak = peakFor(
    peaks,
    Object.values(view.constants).some((c) => c.dtype === 'int8') ? 'int8' : 'float32',
  )
  const entries = await Promise.all(
    candidatesOf(view, operator).map(({ name }) => entryOf(model, name, options)),
  )
  try {
    const timings = await interleave(entries, options)
    return entries.map(({ kernel, opcode, step, output }, i) => {
      const gmacs = macs / timings[i].medianMs / 1e6
      const products = productsOf(view, opcode(), step, options.runs)
      return {
        ...{ network, layer: shape.name, count: shape.count, op: shape.op },
        ...{ input: view.inputs[0].shape, output: view.output.shape, kernel, macs },
        ...timings[i],
        gmacs,
        percentOfPeak: peak && macs > 0 ? (100 * gmacs * worksOut(opcode())) / peak.gmacs : null,
        ...(products === undefined || peak === undefined
          ? {}
          : { products: { gmacs: products, percentOfPeak: (100 * products) / peak.gmacs } }),
        same: Buffer.compare(bytesOf(output()), bytesOf(entries[0].output())) === 0,
      }
    })
  } finally {
    for (const { close } of entries) close()
  }
}

/** GMAC/s of a Winograd kernel's products alone; undefined for other kernels. */
function productsOf(view: NodeView, opcode: string, step: () => StepTime, runs: number): number | undefined {
  const times = Array.from({ length: runs }, () => step().productsMs)
  if (times[0] === undefined) return undefined
  const macs = winogradProducts(view, opcode)
  return macs / median(times.map((ms) => ms ?? 0)) / 1e6
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TensorData): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

async function entryOf(model: Model, kernel: string, { build }: KernelOptions) {
  const session = await Session.create(model, { build, kernel, threads: 1 })
  const [tensor] = session.inputs
  const values = testInput(model.graph, tensor)
  const input = tensor.quantization ? quantized(values, tensor.quantization) : values
  const step = () => {
    session.setInput(input)
    return session.profile().find(({ name }) => name === measuredLayer)!
  }
  return {
    kernel,
    step,
    time: async () => step().ms,
    opcode: () => step().kernel,
    output: () => session.output('output'),
    close: () => session.close(),
  }
}
