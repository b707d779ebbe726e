import { limits } from '../../../../src/host/limits.js'
import type { activationKinds, curveKinds } from '../../../../src/host/program/kinds.js'
import { convolutionTraining } from './keys.js'
import type { Feature, NetworkBuilder } from './network.js'
import type { Options } from './options.js'

const fused = ['linear', 'relu', 'relu6', 'leaky'] as const
/** The engine's curves by darknet's names. */
const curved = {
  logistic: 'logistic',
  mish: 'mish',
  swish: 'swish',
  tanh: 'tanh',
  hard_mish: 'hardMish',
} as const satisfies Record<string, keyof typeof activationKinds | keyof typeof curveKinds>
export const activations: readonly string[] = [...fused, ...Object.keys(curved)]

const isFused = (name: string): boolean => (fused as readonly string[]).includes(name)

/**
 * The attributes of a node that applies this activation itself, or that leaves it to a node of its
 * own.
 */
export function fusedActivation(name: string): Record<string, string | number> {
  if (!isFused(name)) return { activation: 'linear' }
  return name === 'leaky' ? { activation: name, slope: 0.1 } : { activation: name }
}

/** Follows a linear node with a curve, where asked for. */
export function curvedActivation(
  name: string,
  result: Feature,
  index: number,
  builder: NetworkBuilder,
  options: Options,
): Feature {
  if (isFused(name)) return result
  const kind = curved[name as keyof typeof curved]
  return builder.emit(`${index}_activation`, 'activation', [result], result, { kind }, options)
}

const sizes = { min: 1, max: limits.kernel }
const strides = { min: 1, max: limits.stride }

/** stride= for both directions; stride_x= and stride_y= go before it. */
export function readStrides(options: Options): readonly [number, number] {
  const stride = options.integer('stride', 1, strides)
  return [options.integer('stride_y', stride, strides), options.integer('stride_x', stride, strides)]
}

/** Settings of a convolution that Ocellus runs only when they are off. */
const extras: readonly (readonly [key: string, why: string])[] = [
  ['antialiasing', 'it blurs the result'],
  ['cbn', 'cross-iteration batch normalisation'],
  ['binary', 'binary weights'],
  ['xnor', 'binary weights'],
  ['bin_output', 'binary outputs'],
  ['sway', 'deformed kernels'],
  ['rotate', 'deformed kernels'],
  ['stretch', 'deformed kernels'],
  ['stretch_sway', 'deformed kernels'],
  ['flipped', 'transposed weights'],
  ['coordconv', 'it adds coordinates to the input'],
]

/**
 * [convolutional]: (h + 2 * padding - size) / stride + 1 rows, zeros outside, batch norm folded
 * later.
 */
export function convolution(options: Options, index: number, builder: NetworkBuilder): Feature {
  const input = builder.previous(options)
  const filters = options.integer('filters', 1, { min: 1, max: limits.channels })
  const groups = options.integer('groups', 1, { min: 1, max: limits.channels })
  const size = options.integer('size', 1, sizes)
  const [strideY, strideX] = readStrides(options)
  const padding = readPadding(options, size)
  const batchNormalize = options.integer('batch_normalize', 0, { min: 0, max: 1 }) === 1
  // darknet's default, odd as it is.
  const activation = options.word('activation', 'logistic', activations)
  const dilation = options.integer('dilation', 1, { min: 1, max: limits.kernel })
  if (dilation !== 1 && size !== 1) {
    throw options.error('E_CFG_VALUE', `dilation=${dilation} is not supported`, 'dilation')
  }
  for (const [key, why] of extras) options.refuse(key, 0, why)
  options.unsupported('share_index', 'weights shared between layers')
  options.ignore(convolutionTraining)
  for (const [count, what] of [
    [input.channels, 'input channels'],
    [filters, 'filters'],
  ] as const) {
    if (count % groups !== 0) {
      throw options.error('E_CFG_VALUE', `groups=${groups} does not divide the ${count} ${what}`, 'groups')
    }
  }
  const side = (length: number, stride: number): number => {
    const room = length + 2 * padding - size
    if (room >= 0) return Math.floor(room / stride) + 1
    throw options.error(
      'E_CFG_VALUE',
      `size=${size} does not fit in ${input.width}x${input.height} pixels`,
      'size',
    )
  }
  const node = `${index}_convolutional`
  builder.addConvolution({ node, filters, size, depth: input.channels / groups, batchNormalize }, options)
  const result = builder.emit(
    node,
    'conv',
    [input],
    { height: side(input.height, strideY), width: side(input.width, strideX), channels: filters },
    {
      kernel: [size, size],
      strides: [strideY, strideX],
      pads: [padding, padding, padding, padding],
      groups,
      ...fusedActivation(activation),
    },
    options,
    { weight: `${node}.weight`, bias: `${node}.bias` },
  )
  return curvedActivation(activation, result, index, builder, options)
}

/** pad=1 means half of the kernel, whatever padding= says. */
function readPadding(options: Options, size: number): number {
  const pad = options.integer('pad', 0, { min: 0, max: limits.kernel })
  const padding = options.integer('padding', 0, { min: 0, max: limits.kernel })
  if (pad !== 0) return Math.floor(size / 2)
  if (padding >= size) {
    throw options.error('E_CFG_VALUE', `padding=${padding} must be less than size=${size}`, 'padding')
  }
  return padding
}
