import { Session, type SessionOptions } from '../../src/host/engine/session.js'
import { OcellusError } from '../../src/host/errors.js'
import { operators } from '../../src/host/graph/ops/index.js'
import type { Model, Quantization, Tensor } from '../../src/host/graph/types.js'
import { ChannelStatistics } from './calibrate/channels.js'
import { exposeAll } from './calibrate/expose.js'
import { Histogram } from './calibrate/histogram.js'
import { Likeness } from './calibrate/likeness.js'
import { fromRange, type ObserverOptions, observe } from './calibrate/observers.js'
import { equalize, seams } from './passes/equalize.js'
import { type Precision, precisionOf } from './passes/precision.js'
import { rewriteInt8 } from './passes/rewrite.js'
import { freshTensors, shareScales } from './passes/share.js'
import { type LayerNoise, Noise } from './report/noise.js'
import { noiseWarnings, rangeWarnings, sampleWarnings } from './report/warnings.js'
import { holdBack, type OnDropped, type Sample, Samples, show } from './samples.js'

export type { Photo, Sample } from './samples.js'

export interface QuantizeOptions extends ObserverOptions {
  readonly reduceRange: boolean
  /** Even out the ranges of channels between convolutions first. */
  readonly equalize: boolean
  /** Correct biases for what rounding the weights changes in the mean. */
  readonly biasCorrection: boolean
  /** Names of nodes that stay float32. Throws E_OPTION for one that is none. */
  readonly float?: readonly string[]
  readonly session?: SessionOptions
  /** Samples on which int8 is compared with float, at most. */
  readonly compare: number
  /** Samples to compare on, beside those that calibrate. Default: a tenth of these is held back. */
  readonly held?: readonly Sample[]
  /** What messages call the samples. Default: samples. */
  readonly noun?: string
  /** The samples are drawn at random, not given: there are as many as are wanted. */
  readonly drawn?: boolean
  readonly onDropped?: OnDropped
  /** Called after each sample of each stage. */
  readonly progress?: (stage: 'equalize' | 'calibrate' | 'compare', done: number, total: number) => void
}

export interface QuantizeResult {
  readonly model: Model
  /** Signal-to-noise ratio of each tensor that a node makes, in the order of the network. */
  readonly layers: readonly LayerNoise[]
  /** How many samples calibrated. */
  readonly calibrated: number
  /** On how many samples noise was measured. */
  readonly compared: number
  /** Whether these are others than those that calibrated. */
  readonly heldBack: boolean
  /** What the user should look at, a line each. */
  readonly warnings: readonly string[]
}

/**
 * Post-training quantisation of a float network to int8, calibrated on samples: photos, latents or
 * inputs by name.
 */
export async function quantizeModel(
  original: Model,
  given: readonly Sample[],
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  if (given.length === 0)
    throw new OcellusError('E_CALIBRATION_EMPTY', 'no photos to calibrate on: give a folder that has some')
  // A layer's name that is none is told before the work starts.
  precisionOf(original, options.float)
  const split =
    options.held === undefined
      ? holdBack(given, options.compare)
      : { calibrate: given, held: options.held.slice(0, options.compare) }
  const samples = new Samples(split.calibrate, options.onDropped)
  const float = options.equalize ? await equalized(original, samples, options) : original
  const reference = await Session.create(exposeAll(float), options.session)
  try {
    const precision = precisionOf(float, options.float)
    const { scales, means, warnings, likeness } = await calibrate(
      float,
      reference,
      samples,
      precision,
      options,
    )
    const model = rewriteInt8(float, scales, {
      precision,
      reduceRange: options.reduceRange,
      means: options.biasCorrection ? means : undefined,
    })
    const noise = await measureNoise(reference, model, split, options)
    const sampled = options.drawn
      ? []
      : sampleWarnings(options.noun ?? 'samples', samples.size, noise.heldBack, likeness)
    return {
      ...noise,
      model,
      calibrated: samples.size,
      warnings: [...sampled, ...warnings, ...noiseWarnings(noise.layers)],
    }
  } finally {
    reference.close()
  }
}

/** Compares on what was held back, and on what calibrated where nothing of it can be read. */
async function measureNoise(
  reference: Session,
  model: Model,
  { calibrate, held }: ReturnType<typeof holdBack>,
  options: QuantizeOptions,
): Promise<Pick<QuantizeResult, 'layers' | 'compared' | 'heldBack'>> {
  for (const samples of [held, calibrate.slice(0, options.compare)]) {
    if (samples.length === 0) continue
    const own = new Samples(samples, samples === held ? options.onDropped : undefined)
    const layers = await compare(reference, model, own, options).catch((error: unknown) => {
      if (own.size > 0 || samples !== held) throw error
      return []
    })
    if (own.size > 0) return { layers, compared: own.size, heldBack: samples === held }
  }
  return { layers: [], compared: 0, heldBack: false }
}

/**
 * The same network with the ranges of its channels evened out, as far as a first look at the
 * samples shows them.
 */
async function equalized(model: Model, samples: Samples, options: QuantizeOptions): Promise<Model> {
  const names = seams(model).map(({ first }) => first.outputs[0])
  if (names.length === 0) return model
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
    return equalize(model, channels)
  } finally {
    session.close()
  }
}

/** Of a latent's normal numbers one in 16,000 lies beyond this, and is clipped to it. */
const latentRange = 4

interface Calibration {
  readonly scales: ReadonlyMap<string, Quantization>
  readonly means: ReadonlyMap<string, Float64Array>
  /** Of what the layers made. */
  readonly warnings: readonly string[]
  readonly likeness: Likeness
}

function channelStatistics(session: Session, names: readonly string[]): Map<string, ChannelStatistics> {
  const { tensorsByName } = session.plan.model
  return new Map(names.map((name) => [name, new ChannelStatistics(tensorsByName.get(name)!.shape.at(-1)!)]))
}

async function calibrate(
  float: Model,
  session: Session,
  samples: Samples,
  precision: ReadonlyMap<string, Precision>,
  options: QuantizeOptions,
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
    scales: new Map(
      float.graph.tensors
        .filter(({ dtype }) => dtype === 'float32')
        .map(({ name }) => [name, chosen.get(groups.get(name)!)!]),
    ),
    means: new Map([...channels].map(([name, { means }]) => [name, means])),
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

/** Signal-to-noise ratio of each tensor that both networks make, on the same samples. */
export async function compareModels(
  float: Model,
  model: Model,
  samples: readonly Sample[],
  options: SessionOptions = {},
  onDropped?: OnDropped,
): Promise<LayerNoise[]> {
  const reference = await Session.create(exposeAll(float), options)
  try {
    return await compare(reference, model, new Samples(samples, onDropped), { session: options })
  } finally {
    reference.close()
  }
}

async function compare(
  reference: Session,
  model: Model,
  samples: Samples,
  options: Pick<QuantizeOptions, 'session' | 'progress'>,
): Promise<LayerNoise[]> {
  const session = await Session.create(exposeAll(model), options.session)
  try {
    const known = new Set(reference.outputs.map((t) => t.name))
    const shared = session.outputs.filter((t) => known.has(t.name) && t.dtype !== 'int32')
    const noise = new Map(shared.map((t) => [t.name, new Noise()]))
    await samples.each(
      (sample) => {
        show(reference, sample)
        show(session, sample)
        for (const tensor of shared) {
          noise.get(tensor.name)!.add(reference.output(tensor.name) as Float32Array, real(session, tensor))
        }
      },
      (done, total) => options.progress?.('compare', done, total),
    )
    return model.graph.nodes.flatMap((node) => {
      const measured = noise.get(node.outputs[0])
      return measured === undefined ? [] : [{ name: node.name, op: node.op, decibels: measured.decibels }]
    })
  } finally {
    session.close()
  }
}

/** An output's real values: (q - zeroPoint) * scale when it is int8. */
function real(session: Session, tensor: Tensor): Float32Array {
  const values = session.output(tensor.name)
  if (values instanceof Float32Array) return values
  const { scale, zeroPoint } = tensor.quantization!
  return Float32Array.from(values, (q) => (q - zeroPoint) * scale)
}
