import { limits } from '../../../src/host/limits.js'
import { Misfit } from '../infer/at.js'
import { paddingOf, resizeOf, transposedOf, windowOf } from '../infer/network.js'
import type { Lower, Lowering } from './lowering.js'
import { weightScales } from './quantised.js'
import { plain, reshape, transpose, type View } from './view.js'

type Pads = readonly [number, number, number, number]

/** OHWI weights of a kernel with `dilations` as a kernel with zeros between the taps. */
interface Kernel {
  readonly shape: [number, number, number, number]
  readonly data: Float32Array
}

/** A kernel OHWI from weights read by `get(output, input, y, x)`. */
function kernelOf(
  [outputs, inputs, kh, kw]: readonly [number, number, number, number],
  dilations: readonly [number, number],
  get: (o: number, i: number, y: number, x: number) => number,
  extra: readonly [number, number] = [0, 0],
): Kernel {
  const [dy, dx] = dilations
  const height = (kh - 1) * dy + 1 + extra[0]
  const width = (kw - 1) * dx + 1 + extra[1]
  if (height > limits.kernel || width > limits.kernel)
    throw new Misfit(`a kernel that reaches over ${height}x${width}; ${limits.kernel} is the most`)
  const data = new Float32Array(outputs * height * width * inputs)
  for (let o = 0; o < outputs; o++)
    for (let y = 0; y < kh; y++)
      for (let x = 0; x < kw; x++)
        for (let i = 0; i < inputs; i++)
          data[((o * height + y * dy) * width + x * dx) * inputs + i] = get(o, i, y, x)
  return { shape: [outputs, height, width, inputs], data }
}

const biasOf = (lowering: Lowering, index: number, channels: number): Float32Array => {
  if (!lowering.has(index)) return new Float32Array(channels)
  const { values } = lowering.constant(index, 'bias')
  if (values.length !== channels) throw new Misfit(`${values.length} biases for ${channels} channels`)
  return Float32Array.from(values)
}

/** A map with a border of `value`. */
function padded(lowering: Lowering, map: string, pads: Pads, value: number): string {
  if (pads.every((pad) => pad === 0)) return map
  const [, h, w, c] = lowering.builder.shape(map)
  const [top, left, bottom, right] = pads
  return lowering.builder.node('pad', `${map}:padded`, [map], [1, h + top + bottom, w + left + right, c], {
    mode: 'constant',
    pads: [...pads],
    value,
  })
}

export const conv: Lower = (lowering) => {
  const { at, builder } = lowering
  const weights = lowering.constant(1, 'weights')
  const window = windowOf(at, weights.dims.slice(2))
  const [outputs, inputs, kh, kw] = weights.dims as [number, number, number, number]
  const { values } = weights
  const kernel = kernelOf(
    [outputs, inputs, kh, kw],
    window.dilations,
    (o, i, y, x) => values[((o * inputs + i) * kh + y) * kw + x],
  )
  let input = lowering.map(0)
  let { pads } = window
  const [, height, width] = kernel.shape
  if (pads[0] >= height || pads[2] >= height || pads[1] >= width || pads[3] >= width) {
    input = padded(lowering, input, pads, 0)
    pads = [0, 0, 0, 0]
  }
  const made = builder.node(
    'conv',
    lowering.name,
    [input],
    [1, ...window.output, outputs],
    {
      kernel: [height, width],
      strides: [...window.strides],
      pads: [...pads],
      groups: at.int('group', 1),
      activation: 'linear',
    },
    {
      weight: kernel,
      bias: { shape: [outputs], data: biasOf(lowering, 2, outputs) },
    },
  )
  builder.keepWeightScales(made, weightScales(weights, 0, outputs))
  lowering.giveMap(made)
}

export const convTranspose: Lower = (lowering) => {
  const { at, builder } = lowering
  const weights = lowering.constant(1, 'weights')
  const window = transposedOf(at)
  const groups = at.int('group', 1)
  const [inputs, perGroup, kh, kw] = weights.dims
  const outputs = perGroup * groups
  const { values } = weights
  const [top, left, bottom, right] = window.pads
  // A negative pad at the end asks for rows that no input reaches: taps of zero reach them.
  const extra: [number, number] = [Math.max(0, -bottom), Math.max(0, -right)]
  const kernel = kernelOf(
    [outputs, inputs, kh, kw],
    window.dilations,
    (o, i, y, x) => {
      const inside = Math.floor(i / (inputs / groups)) === Math.floor(o / perGroup)
      return inside ? values[((i * perGroup + (o % perGroup)) * kh + y) * kw + x] : 0
    },
    extra,
  )
  const made = builder.node(
    'convTranspose',
    lowering.name,
    [lowering.map(0)],
    [1, ...window.output, outputs],
    {
      kernel: [kernel.shape[1], kernel.shape[2]],
      strides: [...window.strides],
      pads: [top, left, Math.max(0, bottom), Math.max(0, right)],
      activation: 'linear',
    },
    {
      weight: kernel,
      bias: { shape: [outputs], data: biasOf(lowering, 2, outputs) },
    },
  )
  // With groups a channel of the file's axis is one of each group.
  if (groups === 1) builder.keepWeightScales(made, weightScales(weights, 1, outputs))
  lowering.giveMap(made)
}

export const pool =
  (op: 'maxPool' | 'averagePool'): Lower =>
  (lowering) => {
    const { at, builder } = lowering
    const window = windowOf(at)
    if (window.dilations.some((dilation) => dilation !== 1)) throw new Misfit('a dilated pool')
    let input = lowering.map(0)
    let { pads } = window
    const [kh, kw] = window.kernel
    const counted = op === 'averagePool' && at.int('count_include_pad', 0) === 1
    const wide = pads[0] >= kh || pads[2] >= kh || pads[1] >= kw || pads[3] >= kw
    if (counted || wide) {
      if (wide && !counted) throw new Misfit(`pads [${pads}] of a ${kh}x${kw} window`)
      input = padded(lowering, input, pads, 0)
      pads = [0, 0, 0, 0]
    }
    const [, h, w] = builder.shape(input)
    // `ceil_mode` may need more at the ends than the file says.
    const needed = (side: number, begin: number, d: 0 | 1) =>
      (window.output[d] - 1) * window.strides[d] + window.kernel[d] - side - begin
    const ends: Pads = [
      pads[0],
      pads[1],
      Math.max(pads[2], needed(h, pads[0], 0)),
      Math.max(pads[3], needed(w, pads[1], 1)),
    ]
    const c = lowering.mapDims(0)[1]
    lowering.giveMap(
      builder.node(op, lowering.name, [input], [1, ...window.output, c], {
        kernel: [kh, kw],
        strides: [...window.strides],
        pads: [...ends],
      }),
    )
  }

export const globalPool =
  (op: 'maxPool' | 'averagePool'): Lower =>
  (lowering) => {
    const [, c, h, w] = lowering.mapDims(0)
    lowering.giveMap(
      lowering.builder.node(op, lowering.name, [lowering.map(0)], [1, 1, 1, c], {
        kernel: [h, w],
        strides: [1, 1],
        pads: [0, 0, 0, 0],
      }),
    )
  }

/**
 * The order of the parts of a depth-to-space block: depth first (DCR, the default) or column first
 * (CRD).
 */
export const depthToSpace: Lower = (lowering) => {
  const [n, c, h, w] = lowering.mapDims(0)
  const b = lowering.at.int('blocksize', 1)
  const deep = lowering.at.text('mode', 'DCR') === 'DCR'
  const outputs = c / (b * b)
  const cut = cutChannels(lowering.view(0), deep ? [n, b, b, outputs, h, w] : [n, outputs, b, b, h, w])
  const perm = deep ? [0, 4, 1, 5, 2, 3] : [0, 4, 2, 5, 3, 1]
  lowering.giveMap(lowering.builder.realise(cut, lowering.name, [1, h * b, w * b, outputs], perm))
}

export const spaceToDepth: Lower = (lowering) => {
  const [n, c, h, w] = lowering.mapDims(0)
  const b = lowering.at.int('blocksize', 1)
  const cut = cutChannels(lowering.view(0), [n, c, h / b, b, w / b, b])
  lowering.giveMap(
    lowering.builder.realise(cut, lowering.name, [1, h / b, w / b, c * b * b], [0, 2, 4, 3, 5, 1]),
  )
}

/** Cutting one dimension in several moves nothing. */
function cutChannels(view: View, dims: readonly number[]): View {
  const cut = reshape(view, dims)
  if (cut === undefined) throw new Misfit(`[${view.dims}] can't be cut into [${dims}]`)
  return cut
}

/** Whether a nearest-neighbour resize repeats each pixel a whole number of times. */
function repeats(lowering: Lowering, scales: readonly number[]): number | undefined {
  const { at } = lowering
  const [sn, sc, sy, sx] = scales
  if (sn !== 1 || sc !== 1 || sy !== sx || !Number.isInteger(sy)) return undefined
  if (at.text('mode', 'nearest') !== 'nearest') return undefined
  if (at.node.op === 'Upsample' || at.opset < 11) return sy
  const coordinates = at.text('coordinate_transformation_mode', 'half_pixel')
  const rounding = at.text('nearest_mode', 'round_prefer_floor')
  // A pixel's centre falls within half a pixel of its source, whichever way halves are rounded.
  if (coordinates.startsWith('half_pixel') || coordinates === 'pytorch_half_pixel')
    return rounding.startsWith('round') ? sy : undefined
  return coordinates === 'asymmetric' && rounding === 'floor' ? sy : undefined
}

export const resize: Lower = (lowering) => {
  const { at, builder } = lowering
  const { scales, output } = resizeOf(at)
  const input = lowering.map(0)
  const [, c, h, w] = lowering.mapDims(0)
  if (output[0] !== 1 || output[1] !== c)
    throw new Misfit(`a resize to [${output}]: only height and width may change`)
  const scale = repeats(lowering, scales)
  if (scale !== undefined && output[2] === h * scale && output[3] === w * scale) {
    lowering.giveMap(
      builder.node('upsample', lowering.name, [input], [1, output[2], output[3], c], { scale }),
    )
    return
  }
  const old = at.node.op === 'Upsample' || at.opset < 11
  const mode = at.text('mode', 'nearest')
  const coordinates = old ? 'asymmetric' : at.text('coordinate_transformation_mode', 'half_pixel')
  if (!['nearest', 'linear', 'cubic'].includes(mode)) throw new Misfit(`mode ${mode}`)
  if (coordinates === 'tf_crop_and_resize') throw new Misfit('coordinates of tf_crop_and_resize')
  if (mode === 'cubic' && at.int('exclude_outside', 0) !== 0) throw new Misfit('exclude_outside')
  if (at.int('antialias', 0) !== 0) throw new Misfit('antialias')
  lowering.giveMap(
    builder.node('resize', lowering.name, [input], [1, output[2], output[3], c], {
      mode,
      coordinates,
      nearest: old ? 'floor' : at.text('nearest_mode', 'round_prefer_floor'),
      cubic: at.float('cubic_coeff_a', -0.75),
      size: [output[2], output[3]],
      scaleY: scales[2],
      scaleX: scales[3],
    }),
  )
}

const padModes = ['constant', 'reflect', 'edge'] as const

export const pad: Lower = (lowering) => {
  const { at, builder } = lowering
  const mode = at.text('mode', 'constant')
  if (!padModes.some((known) => known === mode)) throw new Misfit(`mode ${mode}`)
  const value = at.has(2) ? at.constant(2, 'value').values[0] : at.float('value', 0)
  const pads = paddingOf(at)
  const { dims } = at.value(0)
  const rank = dims.length
  // What is negative is cut off, which moves nothing.
  let view = lowering.view(0)
  const cut = dims.map((side, d) => side + Math.min(0, pads[d]) + Math.min(0, pads[d + rank]))
  if (cut.some((side) => side < 1)) throw new Misfit(`pads [${pads}] leave nothing of [${dims}]`)
  const start = view.strides.reduce((sum, stride, d) => sum + stride * Math.max(0, -pads[d]), view.offset)
  view = { ...view, dims: cut, offset: start }
  const grows = dims.map((_, d) => d).filter((d) => pads[d] > 0 || pads[d + rank] > 0)
  // Two dimensions at a time are padded as the height and width of a map.
  for (let n = 0; n < grows.length; n += 2) {
    const [a, b = -1] = grows.slice(n, n + 2)
    const first = [a, ...(b >= 0 ? [b] : [])]
    const rest = view.dims.map((_, d) => d).filter((d) => !first.includes(d))
    const order = [...first, ...rest]
    const side = (d: number) => (d < 0 ? 1 : view.dims[d])
    const channels = rest.reduce((product, d) => product * view.dims[d], 1)
    const map = builder.realise(view, `${lowering.name}:unpadded`, [1, side(a), side(b), channels], order)
    const of = (d: number) => (d < 0 ? [0, 0] : [Math.max(0, pads[d]), Math.max(0, pads[d + rank])])
    const [[top, bottom], [left, right]] = [of(a), of(b)]
    const made = builder.node(
      'pad',
      lowering.name,
      [map],
      [1, side(a) + top + bottom, side(b) + left + right, channels],
      { mode, pads: [top, left, bottom, right], value },
    )
    const grown = view.dims.map((length, d) => length + (first.includes(d) ? of(d)[0] + of(d)[1] : 0))
    const back = order.map((_, d) => order.indexOf(d))
    view = transpose(
      plain(
        made,
        order.map((d) => grown[d]),
      ),
      back,
    )
  }
  lowering.give(view)
}
