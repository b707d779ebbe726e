import { OcellusError } from '../../../../src/host/errors.js'
import type { Model } from '../../../../src/host/graph/types.js'
import { baseName } from '../base-name.js'
import type { Checkpoint } from '../checkpoint.js'
import type { NetworkOptions } from '../network-reader.js'
import type { ChainBuilder } from './layers.js'

/** Indices N of the modules `prefix.N.weight` that are convolutions, in order. */
export function convolutions(checkpoint: Checkpoint, prefix: string, suffix = ''): number[] {
  const pattern = new RegExp(`^${prefix}\\.(\\d+)${suffix.replace('.', '\\.')}\\.weight$`)
  return checkpoint.names
    .flatMap((name) => {
      const index = name.match(pattern)?.[1]
      return index !== undefined && checkpoint.shape(name).length === 4 ? [Number(index)] : []
    })
    .sort((a, b) => a - b)
}

/** A latent that a training script keeps to draw the same pictures again; no layer uses it. */
export const noise = /^(\w*_)?(noise|latents?|z)$/

/** The chain as a generator: tanh makes its last tensor a picture from -1 to 1. */
export function generation(chain: ChainBuilder, architecture: string, epsilon: readonly number[]): Model {
  const { shape } = chain.last
  if (shape[3] !== 3 && shape[3] !== 1)
    throw strange(chain.checkpoint, `pictures of ${shape[3]} channels; a generator makes 3 or 1`)
  chain.node('tanh', 'activation', shape, { kind: 'tanh' })
  return chain.model({
    name: baseName(chain.checkpoint.file),
    task: { kind: 'generation' },
    provenance: provenance(chain, architecture, epsilon),
  })
}

/** The chain as a discriminator of pictures from -1 to 1. */
export function discrimination(chain: ChainBuilder, architecture: string, epsilon: readonly number[]): Model {
  return chain.model({
    name: baseName(chain.checkpoint.file),
    task: { kind: 'discrimination' },
    preprocessing: {
      mode: 'stretch',
      pad: 128,
      channels: 'rgb',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    provenance: provenance(chain, architecture, epsilon),
  })
}

const provenance = ({ checkpoint }: ChainBuilder, architecture: string, epsilon: readonly number[]) => ({
  format: checkpoint.format,
  weights: baseName(checkpoint.file),
  architecture,
  batchNormEpsilon: [...epsilon],
})

/**
 * The epsilon of each of `count` batch normalisations: as asked for, one for all or one for each,
 * or as the architecture's code has it. A checkpoint never holds it.
 */
export function epsilons({ epsilon }: NetworkOptions, count: number, usual: number): number[] {
  const given = epsilon ?? [usual]
  if (given.length !== 1 && given.length !== count) {
    throw new OcellusError(
      'E_OPTION',
      `${given.length} values of epsilon for ${count} batch normalisations: give one, or one for each`,
    )
  }
  return Array.from({ length: count }, (_, i) => given[given.length === 1 ? 0 : i])
}

/**
 * A discriminator of grey pictures sees colour as grey: a third of each filter for each of red,
 * green and blue.
 */
export function greyAsColour(checkpoint: Checkpoint, first: string): Checkpoint {
  const [outputs, channels, ...kernel] = checkpoint.shape(first)
  if (channels !== 1) return checkpoint
  const taps = kernel.reduce((a, b) => a * b, 1)
  return {
    ...checkpoint,
    shape: (name) => (name === first ? [outputs, 3, ...kernel] : checkpoint.shape(name)),
    async read(name) {
      const values = await checkpoint.read(name)
      if (name !== first) return values
      return Float32Array.from(
        { length: values.length * 3 },
        (_, k) => values[Math.floor(k / (3 * taps)) * taps + (k % taps)] / 3,
      )
    },
  }
}

export const strange = ({ file }: Checkpoint, what: string): OcellusError =>
  new OcellusError('E_CHECKPOINT_NETWORK', `${file}: ${what}`)
