import type { PatchGrid } from './mask.js'

/** A picture as a network sees it, [height][width][3] in 0..1, and how it is cut to patches. */
export interface Scene extends PatchGrid {
  readonly patch: number
  readonly values: Float32Array
}

export interface Normalization {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/** Where value `n` of a patch, row by row, channels innermost, stands in the picture. */
export function valueAt(
  { columns, patch }: Pick<Scene, 'columns' | 'patch'>,
  place: number,
  n: number,
): number {
  const y = Math.floor(place / columns) * patch + Math.floor(n / (patch * 3))
  const x = (place % columns) * patch * 3 + (n % (patch * 3))
  return y * columns * patch * 3 + x
}

/**
 * The picture that a decoder's rows mean, one row a patch, in 0..1 and not yet limited to it. Where
 * the decoder was trained on patches normalised each by itself, a hidden patch takes mean and
 * deviation from the visible ones, by the inverse square of the distance.
 */
export function pictureOf(
  rows: Float32Array,
  scene: Scene,
  visible: readonly number[],
  { mean, std }: Normalization,
  normalizedPatches: boolean,
): Float32Array {
  const length = scene.patch * scene.patch * 3
  const picture = new Float32Array(scene.values.length)
  const statistics = normalizedPatches ? patchStatistics(scene, visible, { mean, std }) : undefined
  for (let place = 0; place < scene.rows * scene.columns; place++) {
    const { centre, deviation } = statistics?.(place) ?? { centre: 0, deviation: 1 }
    for (let n = 0; n < length; n++) {
      const value = rows[place * length + n] * deviation + centre
      picture[valueAt(scene, place, n)] = value * std[n % 3] + mean[n % 3]
    }
  }
  return picture
}

/**
 * Mean and deviation of the normalised values of each patch: its own when it is visible, else its
 * neighbours'.
 */
function patchStatistics(scene: Scene, visible: readonly number[], { mean, std }: Normalization) {
  const length = scene.patch * scene.patch * 3
  const known = new Map(
    visible.map((place) => {
      const values = Array.from({ length }, (_, n) => {
        return (scene.values[valueAt(scene, place, n)] - mean[n % 3]) / std[n % 3]
      })
      const centre = values.reduce((sum, v) => sum + v, 0) / length
      const variance = values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / Math.max(1, length - 1)
      return [place, { centre, variance }]
    }),
  )
  return (place: number): { centre: number; deviation: number } => {
    const own = known.get(place)
    if (own !== undefined) return { centre: own.centre, deviation: Math.sqrt(own.variance + 1e-6) }
    let weights = 0
    let centre = 0
    let variance = 0
    for (const [other, statistics] of known) {
      const dy = Math.floor(other / scene.columns) - Math.floor(place / scene.columns)
      const dx = (other % scene.columns) - (place % scene.columns)
      const weight = 1 / (dx * dx + dy * dy)
      weights += weight
      centre += weight * statistics.centre
      variance += weight * statistics.variance
    }
    return { centre: centre / weights, deviation: Math.sqrt(variance / weights + 1e-6) }
  }
}

/** Mean squared error over the hidden patches, of values limited to 0..1. */
export function maskedError(picture: Float32Array, scene: Scene, visible: readonly number[]): number {
  const seen = new Set(visible)
  const length = scene.patch * scene.patch * 3
  let sum = 0
  let count = 0
  for (let place = 0; place < scene.rows * scene.columns; place++) {
    if (seen.has(place)) continue
    for (let n = 0; n < length; n++) {
      const at = valueAt(scene, place, n)
      sum += (limited(picture[at]) - scene.values[at]) ** 2
    }
    count += length
  }
  return sum / count
}

export const limited = (value: number): number => Math.min(1, Math.max(0, value))

/** Peak signal-to-noise ratio in dB of a mean squared error of values in 0..1. */
export const psnrOf = (meanSquaredError: number): number => -10 * Math.log10(meanSquaredError)
