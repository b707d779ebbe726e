/** A picture's values, [height][width][channels]. */
export interface Values {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly data: Float32Array
}

/** Peak signal-to-noise ratio in dB of a mean squared error, for values that span `range`. */
export const psnr = (meanSquaredError: number, range: number): number =>
  meanSquaredError === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((range * range) / meanSquaredError)

export function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return sum / a.length
}

const radius = 5
const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
  Math.exp(-((i - radius) ** 2) / (2 * 1.5 ** 2)),
)
const weightSum = weights.reduce((a, b) => a + b, 0)
const gaussian = weights.map((weight) => weight / weightSum)

/**
 * Structural similarity (Wang et al., 2004): Gaussian windows of 11x11 and deviation 1.5, wholly
 * inside the picture, constants (0.01 range)^2 and (0.03 range)^2; the mean over windows and
 * channels.
 */
export function ssim(a: Values, b: Values, range: number): number {
  const { channels } = a
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2]
  let sum = 0
  let count = 0
  for (let c = 0; c < channels; c++) {
    const x = plane(a, c)
    const y = plane(b, c)
    const blur = (f: (i: number) => number) =>
      blurred(
        Float64Array.from(x, (_, i) => f(i)),
        a,
      )
    const mx = blur((i) => x[i])
    const my = blur((i) => y[i])
    const xx = blur((i) => x[i] * x[i])
    const yy = blur((i) => y[i] * y[i])
    const xy = blur((i) => x[i] * y[i])
    for (let i = 0; i < mx.length; i++) {
      const [vx, vy, cov] = [xx[i] - mx[i] * mx[i], yy[i] - my[i] * my[i], xy[i] - mx[i] * my[i]]
      sum +=
        ((2 * mx[i] * my[i] + c1) * (2 * cov + c2)) / ((mx[i] * mx[i] + my[i] * my[i] + c1) * (vx + vy + c2))
      count++
    }
  }
  return sum / count
}

const plane = ({ data, channels }: Values, c: number): Float64Array =>
  Float64Array.from({ length: data.length / channels }, (_, p) => data[p * channels + c])

/** Weighted means of the windows that lie inside. */
function blurred(values: Float64Array, { height, width }: Values): Float64Array {
  const columns = width - 2 * radius
  const rows = height - 2 * radius
  const across = new Float64Array(height * columns)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      for (let k = 0; k < gaussian.length; k++)
        across[y * columns + x] += gaussian[k] * values[y * width + x + k]
    }
  }
  const result = new Float64Array(rows * columns)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let k = 0; k < gaussian.length; k++)
        result[y * columns + x] += gaussian[k] * across[(y + k) * columns + x]
    }
  }
  return result
}
