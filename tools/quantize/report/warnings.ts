import type { Histogram } from '../calibrate/histogram.js'
import type { Likeness } from '../calibrate/likeness.js'
import type { LayerNoise } from './noise.js'

/** Fewer samples than this seldom show what a network will see. */
const fewest = 32
/** Below this many dB a layer's error is a third of its signal or more. */
const leastDecibels = 10
/** A largest value of so many times the root mean square leaves the rest half a step of int8. */
const mostPeak = 256
/** Larger values than this come from no trained network that is fed as it was trained. */
const mostValue = 1e6
/** Layers that a warning names. */
const mostNamed = 3

/** `3 layers do ...: a, b, c, ...` */
function told(names: readonly string[], one: string, many: string): string {
  const [count, what] = names.length === 1 ? ['1 layer', one] : [`${names.length} layers`, many]
  return `${count} ${what}: ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ', ...' : ''}`
}

/** Of samples that were given, which `noun` names: too few, alike, empty. */
export function sampleWarnings(
  noun: string,
  count: number,
  heldBack: boolean,
  { total, alike, flat }: Likeness,
): string[] {
  const warnings: string[] = []
  if (count < fewest) {
    const same = heldBack ? '' : `, and noise is measured on the same ${noun}`
    warnings.push(
      `fewer than ${fewest} ${noun} (${count}): ranges may miss what others show${same}; calibrate on more of what the network will see`,
    )
  }
  if (flat * 2 > total)
    warnings.push(
      `${flat} of ${total} ${noun} show a single colour: they say nothing about ranges; give ones with something to see`,
    )
  else if (alike * 2 > total)
    warnings.push(
      `${alike} of ${total} ${noun} look like others of them: ranges fit that view alone; give ${noun} of different scenes`,
    )
  return warnings
}

/** Of the ranges that were seen, by the names of the layers that make them. */
export function rangeWarnings(histograms: ReadonlyMap<string, Histogram>): string[] {
  const dead: string[] = []
  const exploding: string[] = []
  for (const [name, histogram] of histograms) {
    const largest = Math.max(Math.abs(histogram.min), Math.abs(histogram.max))
    if (histogram.max === histogram.min) dead.push(name)
    else if (largest > mostValue || largest > mostPeak * histogram.rootMeanSquare)
      exploding.push(`${name} (up to ${Number(largest.toPrecision(3))})`)
  }
  const warnings: string[] = []
  if (dead.length > 0)
    warnings.push(
      `${told(dead, 'has a dead range, one value for all that was shown', 'have dead ranges, one value for all that was shown')}; check that the weights fit the network, and calibrate on what makes it respond`,
    )
  if (exploding.length > 0)
    warnings.push(
      `${told(exploding, 'has an exploding range', 'have exploding ranges')}; check that the input is normalised as in training, or clip with --method percentile`,
    )
  return warnings
}

/** Of layers that int8 hurts, the worst first. */
export function noiseWarnings(layers: readonly LayerNoise[]): string[] {
  const low = layers
    .filter(({ decibels }) => decibels < leastDecibels)
    .sort((a, b) => a.decibels - b.decibels)
    .map(({ name, decibels }) => `${name} (${decibels.toFixed(1)} dB)`)
  if (low.length === 0) return []
  return [
    `${told(low, `has less than ${leastDecibels} dB of signal to noise`, `have less than ${leastDecibels} dB of signal to noise`)}; measure the model with ocellus eval, keep the first bad layers in float32 (--float NAME), or try another --method`,
  ]
}
