/** Cells of a side of the grid by whose means a picture is told. */
const grid = 8
/** Pictures whose cells differ by less than this share of the input's range show the same. */
const tolerance = 0.02
/** Prints that are kept: each new one is held against all of them. */
const mostPrints = 512

/** Tells whether the pictures that a network is shown differ, by coarse prints of its input. */
export class Likeness {
  readonly #prints: Float32Array[] = []
  #low = Number.POSITIVE_INFINITY
  #high = Number.NEGATIVE_INFINITY
  /** Pictures seen. */
  total = 0
  /** Pictures that show the same as one before. */
  alike = 0
  /** Pictures of a single colour. */
  flat = 0

  /** `range`: of the values that the input can have, where it is known. */
  constructor(readonly range?: number) {}

  /** A feature map [1, height, width, channels]; anything smaller than the grid is not looked at. */
  add(values: Float32Array, shape: readonly number[]): void {
    const [batch, height, width, channels] = shape
    if (shape.length !== 4 || batch !== 1 || height < grid || width < grid) return
    const print = printOf(values, height, width, channels)
    for (const mean of print) {
      this.#low = Math.min(this.#low, mean)
      this.#high = Math.max(this.#high, mean)
    }
    const least = tolerance * (this.range ?? this.#high - this.#low)
    this.total++
    if (spread(print, channels) <= least / 2) this.flat++
    if (this.#prints.some((known) => distance(known, print) <= least)) this.alike++
    else if (this.#prints.length < mostPrints) this.#prints.push(print)
  }
}

/** Means of the cells, channels innermost. */
function printOf(values: Float32Array, height: number, width: number, channels: number): Float32Array {
  const sums = new Float64Array(grid * grid * channels)
  const counts = new Float64Array(grid * grid)
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor((y * grid) / height) * grid
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * grid) / width)
      counts[cell]++
      for (let c = 0; c < channels; c++) sums[cell * channels + c] += values[at++]
    }
  }
  return Float32Array.from(sums, (sum, i) => sum / counts[Math.floor(i / channels)])
}

/** Mean difference of two prints. */
function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i])
  return sum / a.length
}

/** How far the cells of one channel lie apart. */
function spread(print: Float32Array, channels: number): number {
  let largest = 0
  for (let c = 0; c < channels; c++) {
    const own = print.filter((_, i) => i % channels === c)
    largest = Math.max(largest, Math.max(...own) - Math.min(...own))
  }
  return largest
}
