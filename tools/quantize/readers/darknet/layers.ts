import { limits } from '../../../../src/host/limits.js'
import { activations, convolution, curvedActivation, fusedActivation, readStrides } from './convolution.js'
import { dropoutTraining } from './keys.js'
import type { Feature, NetworkBuilder } from './network.js'
import type { Options } from './options.js'
import { yolo } from './yolo.js'

/** Reads one section; returns what later layers see of it, undefined for a head. */
type Layer = (options: Options, index: number, builder: NetworkBuilder) => Feature | undefined

/** The most layers that one [route] or [shortcut] may join, as many as a concatenation takes. */
const mostInputs = 64

/**
 * [maxpool] and [local_avgpool]. `padding` is the sum of both sides and starts with its smaller
 * half; the windows decide how far they reach beyond the other end.
 */
const pool =
  (op: 'maxPool' | 'averagePool', section: string): Layer =>
  (options, index, builder) => {
    const input = builder.previous(options)
    const [strideY, strideX] = readStrides(options)
    const size = options.integer('size', options.integer('stride', 1, { min: 1, max: limits.stride }), {
      min: 1,
      max: limits.kernel,
    })
    const padding = options.integer('padding', size - 1, { min: 0, max: limits.kernel })
    if (op === 'maxPool') {
      options.refuse('maxpool_depth', 0, 'a maximum over channels')
      options.refuse('antialiasing', 0, 'it blurs the result')
      options.refuse('maxpool_zero_nonmax', 0, 'it changes its input')
      options.ignore(['out_channels'])
    }
    const before = Math.floor(padding / 2)
    const along = (length: number, stride: number) => {
      const room = length + padding - size
      if (room < 0) {
        throw options.error(
          'E_CFG_VALUE',
          `size=${size} does not fit in ${input.width}x${input.height} pixels`,
          'size',
        )
      }
      const count = Math.floor(room / stride) + 1
      const after = Math.max(0, (count - 1) * stride + size - before - length)
      // Otherwise a window could lie wholly outside, with nothing to take a maximum of.
      if (before >= size || after >= size || (count - 1) * stride - before >= length) {
        throw options.error('E_CFG_VALUE', `padding=${padding} is too much for size=${size}`, 'padding')
      }
      return { count, after }
    }
    const y = along(input.height, strideY)
    const x = along(input.width, strideX)
    return builder.emit(
      `${index}_${section}`,
      op,
      [input],
      { height: y.count, width: x.count, channels: input.channels },
      { kernel: [size, size], strides: [strideY, strideX], pads: [before, before, y.after, x.after] },
      options,
    )
  }

/** [avgpool]: the mean of each channel. */
const globalAverage: Layer = (options, index, builder) => {
  const input = builder.previous(options)
  return builder.emit(
    `${index}_avgpool`,
    'averagePool',
    [input],
    { height: 1, width: 1, channels: input.channels },
    { kernel: [input.height, input.width], strides: [1, 1], pads: [0, 0, 0, 0] },
    options,
  )
}

const upsample: Layer = (options, index, builder) => {
  const input = builder.previous(options)
  const scale = options.integer('stride', 2, { min: 1, max: limits.stride })
  options.refuse('scale', 1, 'a factor on the values')
  const shape = { height: input.height * scale, width: input.width * scale, channels: input.channels }
  return builder.emit(`${index}_upsample`, 'upsample', [input], shape, { scale }, options)
}

/** [dropout] passes its input on: it only acts in training. */
const dropout: Layer = (options, _index, builder) => {
  options.ignore(dropoutTraining)
  return builder.previous(options)
}

/**
 * [shortcut]: the previous layer plus one or several others of its sides. Of layers with different
 * numbers of channels darknet adds those that both have; the previous one's others stay.
 */
const shortcut: Layer = (options, index, builder) => {
  const previous = builder.previous(options)
  const others = sources('from', options, builder)
  const activation = options.word('activation', 'linear', activations)
  for (const key of ['weights_type', 'weights_normalization']) options.word(key, 'none', ['none'])
  const sum = others.reduce((sum, other, step) => {
    if (!sameSides(other, previous)) {
      throw options.error(
        'E_CFG_ROUTE',
        `adds ${describe(other)} to ${describe(previous)}; they must be equally large`,
        'from',
      )
    }
    const last = step === others.length - 1
    const name = last ? `${index}_shortcut` : `${index}_shortcut_${step}`
    const fused = fusedActivation(last ? activation : 'linear')
    const add = (own: string, a: Feature, b: Feature): Feature =>
      builder.emit(own, 'add', [a, b], a, fused, options)
    if (other.channels === sum.channels) return add(name, sum, other)
    const part = (whole: Feature, own: string, start: number, count: number): Feature =>
      builder.emit(own, 'slice', [whole], { ...whole, channels: count }, { start, count }, options)
    if (other.channels > sum.channels) return add(name, sum, part(other, `${name}_part`, 0, sum.channels))
    if (activation !== 'linear')
      throw options.error(
        'E_CFG_ROUTE',
        `adds ${describe(other)} to more channels, ${describe(previous)}, before ${activation}`,
        'from',
      )
    const both = add(`${name}_sum`, part(sum, `${name}_first`, 0, other.channels), other)
    const rest = part(sum, `${name}_rest`, other.channels, sum.channels - other.channels)
    return builder.emit(name, 'concat', [both, rest], sum, {}, options)
  }, previous)
  return curvedActivation(activation, sum, index, builder, options)
}

/** [route]: other layers side by side, or the `group_id`-th of `groups` parts of each. */
const route: Layer = (options, index, builder) => {
  const layers = sources('layers', options, builder)
  const groups = options.integer('groups', 1, { min: 1, max: limits.channels })
  const group = options.integer('group_id', 0, { min: 0, max: groups - 1 })
  const first = layers[0]
  const name = `${index}_route`
  const parts = layers.map((layer, step) => {
    if (!sameSides(layer, first)) {
      throw options.error(
        'E_CFG_ROUTE',
        `joins ${describe(layer)} to ${describe(first)}; they must be equally large`,
        'layers',
      )
    }
    if (groups === 1) return layer
    if (layer.channels % groups !== 0) {
      throw options.error('E_CFG_VALUE', `groups=${groups} does not divide ${describe(layer)}`, 'groups')
    }
    const count = layer.channels / groups
    const attributes = { start: group * count, count }
    const part = layers.length === 1 ? name : `${name}_${step}`
    return builder.emit(part, 'slice', [layer], { ...layer, channels: count }, attributes, options)
  })
  if (parts.length === 1) return parts[0]
  const channels = parts.reduce((sum, part) => sum + part.channels, 0)
  return builder.emit(name, 'concat', parts, { ...first, channels }, {}, options)
}

function sources(key: string, options: Options, builder: NetworkBuilder): readonly Feature[] {
  const indices = options.integers(key)
  if (indices === undefined) throw options.error('E_CFG_KEY', `needs ${key}=`)
  if (indices.length > mostInputs) {
    throw options.error('E_CFG_VALUE', `${key} names ${indices.length} layers, more than ${mostInputs}`, key)
  }
  return indices.map((index) => builder.layer(index, key, options))
}

const sameSides = (a: Feature, b: Feature): boolean => a.height === b.height && a.width === b.width

const describe = ({ name, width, height, channels }: Feature): string =>
  `${name} (${width}x${height}x${channels})`

/** The sections that Ocellus can run. */
export const layerTypes: ReadonlyMap<string, Layer> = new Map([
  ['convolutional', convolution],
  ['maxpool', pool('maxPool', 'maxpool')],
  ['local_avgpool', pool('averagePool', 'local_avgpool')],
  ['avgpool', globalAverage],
  ['upsample', upsample],
  ['dropout', dropout],
  ['shortcut', shortcut],
  ['route', route],
  ['yolo', yolo],
])

/** darknet's other names for them. */
export const shortNames: ReadonlyMap<string, string> = new Map([
  ['conv', 'convolutional'],
  ['max', 'maxpool'],
  ['local_avg', 'local_avgpool'],
  ['avg', 'avgpool'],
])
