import { type NamedInputs, Session, type SessionOptions } from '../../src/host/engine/session.js'
import { OcellusError } from '../../src/host/errors.js'
import { operators } from '../../src/host/graph/ops/index.js'
import type { Model, Quantization, Tensor } from '../../src/host/graph/types.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { setLatent } from '../../src/host/tasks/generation/latent.js'
import { showPicture } from '../../src/host/tasks/show.js'
import { ChannelStatistics } from './calibrate/channels.js'
import { exposeAll } from './calibrate/expose.js'
import { Histogram } from './calibrate/histogram.js'
import { fromRange, type ObserverOptions, observe } from './calibrate/observers.js'
import { equalize, pairs } from './passes/equalize.js'
import { type Precision, precisionOf } from './passes/precision.js'
import { rewriteInt8 } from './passes/rewrite.js'
import { freshTensors, shareScales } from './passes/share.js'
import { type LayerNoise, Noise } from './report/noise.js'

export interface QuantizeOptions extends ObserverOptions {
  readonly reduceRange: boolean
  /** Even out the ranges of channels before depthwise convolutions first. */
  readonly equalize: boolean
  /** Correct biases for what rounding the weights changes in the mean. */
  readonly biasCorrection: boolean
  /** Names of nodes that stay float32. Throws E_OPTION for one that is none. */
  readonly float?: readonly string[]
  readonly session?: SessionOptions
  /** Photos, of those given, on which int8 is compared with float. */
  readonly compare: number
  /** Called after each photo of each stage. */
  readonly progress?: (stage: 'equalize' | 'calibrate' | 'compare', done: number, total: number) => void
}

export interface QuantizeResult {
  readonly model: Model
  /** Signal-to-noise ratio of each tensor that a node makes, in the order of the network. */
  readonly layers: readonly LayerNoise[]
}

/** A photo when it is needed: they are not all held in memory. */
export type Photo = () => Promise<Pixels>

/**
 * What a network is calibrated on: a photo, for a generator a latent, for a model for tensors all
 * its inputs by name.
 */
export type Sample = Photo | (() => Promise<NamedInputs>) | Float32Array | NamedInputs

/** A sample that is at hand. */
type Shown = Pixels | Float32Array | NamedInputs

const isPixels = (sample: Pixels | NamedInputs): sample is Pixels => typeof sample.width === 'number'

const shownOf = async (sample: Sample): Promise<Shown> =>
  typeof sample === 'function' ? await sample() : sample

/** Runs a session on a sample. */
function show(session: Session, sample: Shown): void {
  if (sample instanceof Float32Array) {
    setLatent(session, sample)
    session.run()
  } else if (isPixels(sample)) showPicture(session, sample)
  else {
    session.setInputs(sample)
    session.run()
  }
}

/**
 * Post-training quantisation of a float network to int8, calibrated on samples: photos, latents or
 * inputs by name.
 */
export async function quantizeModel(
  original: Model,
  photos: readonly Sample[],
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  if (photos.length === 0)
    throw new OcellusError('E_CALIBRATION_EMPTY', 'no photos to calibrate on: give a folder that has some')
  // A layer's name that is none is told before the work starts.
  precisionOf(original, options.float)
  const float = options.equalize ? await equalized(original, photos, options) : original
  const reference = await Session.create(exposeAll(float), options.session)
  try {
    const precision = precisionOf(float, options.float)
    const { scales, means } = await calibrate(float, reference, photos, precision, options)
    const model = rewriteInt8(float, scales, {
      precision,
      reduceRange: options.reduceRange,
      means: options.biasCorrection ? means : undefined,
    })
    return { model, layers: await compare(reference, model, photos.slice(0, options.compare), options) }
  } finally {
    reference.close()
  }
}

/**
 * The same network with the ranges of its channels evened out, as far as a first look at the photos
 * shows them.
 */
async function equalized(model: Model, photos: readonly Sample[], options: QuantizeOptions): Promise<Model> {
  const names = pairs(model).map(([first]) => first.outputs[0])
  if (names.length === 0) return model
  const session = await Session.create(
    { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...names] } },
    options.session,
  )
  try {
    const channels = channelStatistics(session, names)
    for (const [i, photo] of photos.entries()) {
      show(session, await shownOf(photo))
      for (const [name, statistics] of channels) statistics.add(session.output(name) as Float32Array)
      options.progress?.('equalize', i + 1, photos.length)
    }
    return equalize(model, new Map([...channels].map(([name, { ranges }]) => [name, ranges])))
  } finally {
    session.close()
  }
}

/** Of a latent's normal numbers one in 16,000 lies beyond this, and is clipped to it. */
const latentRange = 4

interface Calibration {
  readonly scales: ReadonlyMap<string, Quantization>
  readonly means: ReadonlyMap<string, Float64Array>
}

function channelStatistics(session: Session, names: readonly string[]): Map<string, ChannelStatistics> {
  const { tensorsByName } = session.plan.model
  return new Map(names.map((name) => [name, new ChannelStatistics(tensorsByName.get(name)!.shape.at(-1)!)]))
}

async function calibrate(
  float: Model,
  session: Session,
  photos: readonly Sample[],
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
  for (const [i, photo] of photos.entries()) {
    show(session, await shownOf(photo))
    for (const [name, histogram] of histograms) histogram.add(session.output(name) as Float32Array)
    for (const [name, statistics] of channels) statistics.add(session.output(name) as Float32Array)
    options.progress?.('calibrate', i + 1, photos.length)
  }
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

/** Signal-to-noise ratio of each tensor that both networks make, on the same photos. */
export async function compareModels(
  float: Model,
  model: Model,
  photos: readonly Sample[],
  options: SessionOptions = {},
): Promise<LayerNoise[]> {
  const reference = await Session.create(exposeAll(float), options)
  try {
    return await compare(reference, model, photos, { session: options })
  } finally {
    reference.close()
  }
}

async function compare(
  reference: Session,
  model: Model,
  photos: readonly Sample[],
  options: Pick<QuantizeOptions, 'session' | 'progress'>,
): Promise<LayerNoise[]> {
  const session = await Session.create(exposeAll(model), options.session)
  try {
    const known = new Set(reference.outputs.map((t) => t.name))
    const shared = session.outputs.filter((t) => known.has(t.name) && t.dtype !== 'int32')
    const noise = new Map(shared.map((t) => [t.name, new Noise()]))
    for (const [i, photo] of photos.entries()) {
      const sample = await shownOf(photo)
      show(reference, sample)
      show(session, sample)
      for (const tensor of shared) {
        noise.get(tensor.name)!.add(reference.output(tensor.name) as Float32Array, real(session, tensor))
      }
      options.progress?.('compare', i + 1, photos.length)
    }
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
