import { Session, type SessionOptions } from '../../src/host/engine/session.js'
import { OcellusError } from '../../src/host/errors.js'
import type { Model, Quantization } from '../../src/host/graph/types.js'
import { type Calibration, calibrate, factorsOn } from './calibrate/calibrate.js'
import { exposeAll } from './calibrate/expose.js'
import type { ObserverOptions } from './calibrate/observers.js'
import { keptFactors, type Ranges, unfit } from './calibrate/ranges.js'
import { scaleChannels } from './passes/equalize.js'
import { type Precision, precisionOf } from './passes/precision.js'
import { rewriteInt8 } from './passes/rewrite.js'
import { shareScales } from './passes/share.js'
import { compare } from './report/compare.js'
import type { LayerNoise } from './report/noise.js'
import { noiseWarnings, sampleWarnings } from './report/warnings.js'
import { holdBack, type OnDropped, type Sample, Samples } from './samples.js'

export { compareModels } from './report/compare.js'
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
  /** Ranges that were seen before: `method` and `equalize` then have no effect. */
  readonly ranges?: Ranges
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
  /** What calibration saw, to quantise the same weights again without samples. */
  readonly ranges: Ranges
  /** What the user should look at, a line each. */
  readonly warnings: readonly string[]
}

/**
 * Post-training quantisation of a float network to int8, calibrated on samples: photos, latents or
 * inputs by name; or by ranges that were seen before, where `options.ranges` has them and the
 * samples serve for the comparison alone.
 */
export async function quantizeModel(
  original: Model,
  given: readonly Sample[],
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  if (given.length === 0 && options.ranges === undefined)
    throw new OcellusError('E_CALIBRATION_EMPTY', 'no photos to calibrate on: give a folder that has some')
  // A layer's name that is none is told before the work starts.
  precisionOf(original, options.float)
  const split = splitOf(given, options)
  const samples = new Samples(split.calibrate, options.onDropped)
  const factors =
    options.ranges?.factors ??
    keptFactors(options.equalize ? await factorsOn(original, samples, options) : new Map())
  const float = scaleChannels(original, factors)
  const reference = await Session.create(exposeAll(float), options.session)
  try {
    const precision = precisionOf(float, options.float)
    const seen = options.ranges ?? (await calibrate(float, reference, samples, precision, options))
    const model = rewriteInt8(float, scalesOf(float, precision, seen), {
      precision,
      reduceRange: options.reduceRange,
      means: options.biasCorrection ? seen.means : undefined,
    })
    const noise = await measureNoise(reference, model, split, options)
    const warnings = 'likeness' in seen ? warningsOf(seen, samples.size, noise.heldBack, options) : []
    return {
      ...noise,
      model,
      calibrated: options.ranges?.samples ?? samples.size,
      ranges: options.ranges ?? { ...seen, factors, samples: samples.size },
      warnings: [...warnings, ...noiseWarnings(noise.layers)],
    }
  } finally {
    reference.close()
  }
}

function splitOf(given: readonly Sample[], options: QuantizeOptions): ReturnType<typeof holdBack> {
  if (options.ranges !== undefined) return { calibrate: [], held: given.slice(0, options.compare) }
  if (options.held === undefined) return holdBack(given, options.compare)
  return { calibrate: given, held: options.held.slice(0, options.compare) }
}

function warningsOf(
  { likeness, warnings }: Calibration,
  calibrated: number,
  heldBack: boolean,
  { drawn, noun = 'samples' }: QuantizeOptions,
): string[] {
  return drawn ? [...warnings] : [...sampleWarnings(noun, calibrated, heldBack, likeness), ...warnings]
}

/** The scale of every float tensor. Throws E_OPTION where ranges were seen in another network. */
function scalesOf(
  model: Model,
  precision: ReadonlyMap<string, Precision>,
  { scales, means }: Pick<Ranges, 'scales' | 'means'>,
): Map<string, Quantization> {
  const channels = new Map(model.graph.tensors.map(({ name, shape }) => [name, shape.at(-1)]))
  for (const [name, { length }] of means)
    if (channels.get(name) !== length)
      throw unfit(`have ${length} channels of ${name}, which has ${channels.get(name) ?? 'none'}`)
  const groups = shareScales(model, precision)
  return new Map(
    model.graph.tensors
      .filter(({ dtype }) => dtype === 'float32')
      .map(({ name }) => {
        const scale = scales.get(groups.get(name)!)
        if (scale === undefined) throw unfit(`have no range for ${name}`)
        return [name, scale]
      }),
  )
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
