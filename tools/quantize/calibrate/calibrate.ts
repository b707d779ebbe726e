import { Session, type SessionOptions } from '../../../src/host/engine/session.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Model, Quantization } from '../../../src/host/graph/types.js'
import { factorsOf, seams } from '../passes/equalize.js'
import type { Precision } from '../passes/precision.js'
import { freshTensors, shareScales } from '../passes/share.js'
import { rangeWarnings } from '../report/warnings.js'
import { type Samples, show } from '../samples.js'
import { ChannelStatistics } from './channels.js'
import { Histogram } from './histogram.js'
import { Likeness } from './likeness.js'
import { fromRange, type ObserverOptions, observe } from './observers.js'
import { keptMeans } from './ranges.js'

export interface CalibrateOptions extends ObserverOptions {
  readonly session?: SessionOptions
  readonly progress?: (stage: 'equalize' | 'calibrate', done: number, total: number) => void
}

/** Factors that even out the ranges of channels, as a first look at the samples shows them. */
export async function factorsOn(
  model: Model,
  samples: Samples,
  options: CalibrateOptions,
): Promise<Map<string, Float64Array>> {
  const names = seams(model).map(({ first }) => first.outputs[0])
  if (names.length === 0) return new Map()
  const session = await Session.create(
    { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...names] } },
    options.session,
  )
  try {
    const channels = channelStatistics(session, names)
    await samples.each(
      (sample) => {
        show(session, sample)
        for (const [name, statistics] of channels) statistics.add(session.output(name) as Float32Array)
      },
      (done, total) => options.progress?.('equalize', done, total),
    )
    return factorsOf(model, channels)
  } finally {
    session.close()
  }
}

/** Of a latent's normal numbers one in 16,000 lies beyond this, and is clipped to it. */
const latentRange = 4

export interface Calibration {
  /** Of each group of tensors that share one, by the tensor that stands for it. */
  readonly scales: ReadonlyMap<string, Quantization>
  /** Of the channels of each tensor that meets weights. */
  readonly means: ReadonlyMap<string, Float64Array>
  /** Of what the layers made. */
  readonly warnings: readonly string[]
  readonly likeness: Likeness
}

function channelStatistics(session: Session, names: readonly string[]): Map<string, ChannelStatistics> {
  const { tensorsByName } = session.plan.model
  return new Map(names.map((name) => [name, new ChannelStatistics(tensorsByName.get(name)!.shape.at(-1)!)]))
}

export async function calibrate(
  float: Model,
  session: Session,
  samples: Samples,
  precision: ReadonlyMap<string, Precision>,
  options: CalibrateOptions,
): Promise<Calibration> {
  const known = inputScales(float)
  const inputs = session.inputs.filter(({ name, dtype }) => dtype === 'float32' && !known.has(name))
  const names = [...inputs.map(({ name }) => name), ...freshTensors(float, precision)]
  const histograms = new Map(names.map((name) => [name, new Histogram()]))
  const weighted = float.graph.nodes.filter(({ op }) => operators.get(op)!.scales === 'weights')
  const channels = channelStatistics(
    session,
    weighted.map((node) => node.inputs[0]),
  )
  const [picture] = session.inputs
  const scale = known.get(picture.name)?.scale
  const likeness = new Likeness(scale === undefined ? undefined : scale * 255)
  await samples.each(
    (sample) => {
      show(session, sample)
      for (const [name, histogram] of histograms) histogram.add(session.output(name) as Float32Array)
      for (const [name, statistics] of channels) statistics.add(session.output(name) as Float32Array)
      if (picture.dtype === 'float32')
        likeness.add(session.output(picture.name) as Float32Array, picture.shape)
    },
    (done, total) => options.progress?.('calibrate', done, total),
  )
  const warnings = rangeWarnings(
    new Map(
      float.graph.nodes.flatMap(({ name, outputs: [output] }) => {
        const histogram = histograms.get(output)
        return histogram === undefined ? [] : [[name, histogram] as const]
      }),
    ),
  )
  const groups = shareScales(float, precision)
  const merged = new Map<string, Histogram>()
  for (const [name, histogram] of histograms) {
    const group = groups.get(name)!
    const known = merged.get(group)
    if (known === undefined) merged.set(group, histogram)
    else known.merge(histogram)
  }
  const chosen = new Map(known)
  for (const [group, histogram] of merged)
    if (!chosen.has(group)) chosen.set(group, observe(histogram, options))
  return {
    scales: chosen,
    means: keptMeans(new Map([...channels].map(([name, { means }]) => [name, means]))),
    warnings,
    likeness,
  }
}

/**
 * Scales of inputs whose range is known: a latent's, and a picture's, whose bytes, normalised, span
 * it; without mean and deviation int8 holds them exactly.
 */
function inputScales({ graph }: Model): Map<string, Quantization> {
  const [first] = graph.inputs
  if (graph.task.kind === 'generation') return new Map([[first, fromRange(-latentRange, latentRange)]])
  if (graph.preprocessing === undefined) return new Map()
  const { mean, std } = graph.preprocessing
  const low = Math.min(...mean.map((m, c) => -m / std[c]))
  const high = Math.max(...mean.map((m, c) => (1 - m) / std[c]))
  return new Map([[first, fromRange(low, high)]])
}
