/** One direction of a resize, in ONNX's words (operator Resize, opset 19). */
export interface ResizeAxis {
  readonly mode: 'nearest' | 'linear' | 'cubic'
  readonly coordinates: string
  readonly nearest: string
  /** The coefficient a of the cubic (Keys, 1981). */
  readonly cubic: number
  readonly input: number
  readonly output: number
  /**
   * Output side divided by input side, as the model says it: it may differ from the quotient of
   * whole sides.
   */
  readonly scale: number
}

/** Input pixels that an output pixel is made of, in one direction. */
export const tapsOf = (mode: ResizeAxis['mode']): number => ({ nearest: 1, linear: 2, cubic: 4 })[mode]

/**
 * For each output place its taps: an int32 input place and the bits of a float32 weight,
 * interleaved.
 */
export function resizeTable(axis: ResizeAxis): Int32Array {
  const taps = tapsOf(axis.mode)
  const table = new Int32Array(axis.output * taps * 2)
  const floats = new Float32Array(table.buffer)
  for (let n = 0; n < axis.output; n++) {
    const x = sourceOf(axis, n)
    for (const [t, { place, weight }] of weightsOf(axis, x).entries()) {
      const at = (n * taps + t) * 2
      table[at] = Math.min(Math.max(place, 0), axis.input - 1)
      floats[at + 1] = weight
    }
  }
  return table
}

/** The input coordinate of an output place. */
function sourceOf({ coordinates, input, output, scale }: ResizeAxis, n: number): number {
  switch (coordinates) {
    case 'align_corners':
      return output === 1 ? 0 : (n * (input - 1)) / (output - 1)
    case 'asymmetric':
      return n / scale
    case 'pytorch_half_pixel':
      return output > 1 ? (n + 0.5) / scale - 0.5 : 0
    case 'half_pixel_symmetric': {
      // The output side as the scale would have it, before it was rounded to whole pixels.
      const exact = input * scale
      const offset = (input / 2) * (1 - output / exact)
      return offset + (n + 0.5) / scale - 0.5
    }
    default:
      return (n + 0.5) / scale - 0.5
  }
}

function weightsOf(axis: ResizeAxis, x: number): { place: number; weight: number }[] {
  if (axis.mode === 'nearest') return [{ place: nearest(axis.nearest, x), weight: 1 }]
  const floor = Math.floor(x)
  const part = x - floor
  if (axis.mode === 'linear') {
    return [
      { place: floor, weight: 1 - part },
      { place: floor + 1, weight: part },
    ]
  }
  const { cubic: a } = axis
  const near = (t: number) => ((a + 2) * t - (a + 3)) * t * t + 1
  const far = (t: number) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
  return [far(1 + part), near(part), near(1 - part), far(2 - part)].map((weight, k) => ({
    place: floor - 1 + k,
    weight,
  }))
}

function nearest(rounding: string, x: number): number {
  switch (rounding) {
    case 'floor':
      return Math.floor(x)
    case 'ceil':
      return Math.ceil(x)
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5)
    default:
      return Math.ceil(x - 0.5)
  }
}
