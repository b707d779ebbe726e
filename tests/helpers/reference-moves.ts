import type { Node } from '../../src/host/graph/types.js'

/** A map of values, row by row, channels innermost. */
export interface Values {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly data: Float32Array | Int8Array
}

const numbers = (node: Node, name: string): readonly number[] => node.attributes[name] as readonly number[]
const number = (node: Node, name: string): number => node.attributes[name] as number

/** Each output element by its own sum of indices times strides. */
export function rearrange(node: Node, input: Values, output: Values): void {
  const dims = numbers(node, 'dims')
  const strides = numbers(node, 'strides')
  for (let n = 0; n < output.data.length; n++) {
    let at = number(node, 'offset')
    let rest = n
    for (let d = dims.length - 1; d >= 0; d--) {
      at += (rest % dims[d]) * strides[d]
      rest = Math.floor(rest / dims[d])
    }
    output.data[n] = input.data[at]
  }
}

export function gather(data: Values, indices: Values, output: Values): void {
  const rows = data.height * data.width
  for (let n = 0; n < indices.data.length; n++) {
    const index = indices.data[n] < 0 ? indices.data[n] + rows : indices.data[n]
    const row = Math.max(0, Math.min(rows - 1, index))
    for (let c = 0; c < data.channels; c++)
      output.data[n * data.channels + c] = data.data[row * data.channels + c]
  }
}

/** Where a padded position comes from; undefined outside. */
function source(at: number, side: number, mode: unknown): number | undefined {
  if (at >= 0 && at < side) return at
  if (mode === 'constant') return undefined
  if (mode === 'edge') return Math.max(0, Math.min(side - 1, at))
  return at < 0 ? -at : 2 * (side - 1) - at
}

export function pad(node: Node, input: Values, output: Values): void {
  const [top, left] = numbers(node, 'pads')
  const { mode, value = 0 } = node.attributes
  for (let y = 0, n = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      const row = source(y - top, input.height, mode)
      const column = source(x - left, input.width, mode)
      for (let c = 0; c < output.channels; c++, n++) {
        output.data[n] =
          row === undefined || column === undefined
            ? Number(value)
            : input.data[(row * input.width + column) * input.channels + c]
      }
    }
  }
}

const kinds: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pow: (a, b) => a ** b,
  slope: (a, b) => (a >= 0 ? a : a * b),
}

export function arithmetic(node: Node, a: Values, b: Values, output: Values): void {
  const compute = kinds[String(node.attributes.kind)]
  const pixels = b.height * b.width
  for (let n = 0; n < output.data.length; n++) {
    const [pixel, channel] = [Math.floor(n / a.channels), n % a.channels]
    const y = b.data[(pixels === 1 ? 0 : pixel) * b.channels + (b.channels === 1 ? 0 : channel)]
    output.data[n] = node.attributes.reversed === 1 ? compute(y, a.data[n]) : compute(a.data[n], y)
  }
}

const reductions: Readonly<Record<string, (list: readonly number[]) => number>> = {
  sum: (list) => list.reduce((a, b) => a + b, 0),
  mean: (list) => list.reduce((a, b) => a + b, 0) / list.length,
  max: (list) => Math.max(...list),
  min: (list) => Math.min(...list),
  prod: (list) => list.reduce((a, b) => a * b, 1),
  l1: (list) => list.reduce((a, b) => a + Math.abs(b), 0),
  l2: (list) => Math.hypot(...list),
  sumSquare: (list) => list.reduce((a, b) => a + b * b, 0),
  argMax: (list) => list.indexOf(Math.max(...list)),
  argMin: (list) => list.indexOf(Math.min(...list)),
}

export function reduce(node: Node, input: Values, output: Values): void {
  for (let n = 0; n < output.data.length; n++) {
    const row = [...input.data.subarray(n * input.channels, (n + 1) * input.channels)]
    output.data[n] = reductions[String(node.attributes.kind)](row)
  }
}

export function groupNorm(
  node: Node,
  input: Values,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  output: Values,
) {
  const each = input.channels / number(node, 'groups')
  for (let group = 0; group < number(node, 'groups'); group++) {
    const places: number[] = []
    for (let p = 0; p < input.height * input.width; p++)
      for (let c = 0; c < each; c++) places.push(p * input.channels + group * each + c)
    const mean = places.reduce((sum, at) => sum + input.data[at], 0) / places.length
    const variance = places.reduce((sum, at) => sum + (input.data[at] - mean) ** 2, 0) / places.length
    for (const at of places) {
      const c = at % input.channels
      const deviation = Math.sqrt(variance + number(node, 'epsilon'))
      output.data[at] = (gamma[c] * (input.data[at] - mean)) / deviation + beta[c]
    }
  }
}

/** [batch][rows][depth] times [batch][depth][columns]: the maps' heights, widths and channels. */
export function matmul(a: Values, b: Values, output: Values): void {
  for (let n = 0; n < output.data.length; n++) {
    const column = n % b.channels
    const row = Math.floor(n / b.channels)
    const batch = Math.floor(row / a.width)
    let sum = 0
    for (let k = 0; k < a.channels; k++)
      sum += a.data[row * a.channels + k] * b.data[(batch * b.width + k) * b.channels + column]
    output.data[n] = sum
  }
}

/** The input coordinate of an output place, as ONNX's page on Resize has it. */
function coordinate(mode: unknown, n: number, scale: number, input: number, output: number): number {
  if (mode === 'asymmetric') return n / scale
  if (mode === 'align_corners') return output === 1 ? 0 : (n * (input - 1)) / (output - 1)
  if (mode === 'pytorch_half_pixel' && output === 1) return 0
  if (mode === 'half_pixel_symmetric') {
    const adjustment = output / (scale * input)
    return (input / 2) * (1 - adjustment) + (n + 0.5) / scale - 0.5
  }
  return (n + 0.5) / scale - 0.5
}

/** Weight of an input place at distance `d` of the coordinate. */
function weight(mode: unknown, d: number, a: number): number {
  const t = Math.abs(d)
  if (mode === 'linear') return Math.max(0, 1 - t)
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1
  return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0
}

const roundings: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
}

export function resize(node: Node, input: Values, output: Values): void {
  const { mode, coordinates } = node.attributes
  const clamp = (at: number, side: number) => Math.max(0, Math.min(side - 1, at))
  const taps = (x: number): [number, number][] => {
    if (mode === 'nearest') return [[roundings[String(node.attributes.nearest)](x), 1]]
    const first = Math.floor(x) - 1
    return [0, 1, 2, 3].map((k) => [first + k, weight(mode, x - first - k, number(node, 'cubic'))])
  }
  for (let y = 0, n = 0; y < output.height; y++) {
    const rows = taps(coordinate(coordinates, y, number(node, 'scaleY'), input.height, output.height))
    for (let x = 0; x < output.width; x++) {
      const columns = taps(coordinate(coordinates, x, number(node, 'scaleX'), input.width, output.width))
      for (let c = 0; c < output.channels; c++, n++) {
        let sum = 0
        for (const [row, wy] of rows)
          for (const [column, wx] of columns) {
            const at = clamp(row, input.height) * input.width + clamp(column, input.width)
            sum += wy * wx * input.data[at * input.channels + c]
          }
        output.data[n] = sum
      }
    }
  }
}
