import { type StoredTensor, writeSafetensors } from '../../src/host/format/safetensors.js'
import { bytesSource } from '../../tools/quantize/readers/byte-source.js'
import { type Checkpoint, readCheckpoint } from '../../tools/quantize/readers/checkpoint.js'
import { Random } from './kernel.js'

export type Weights = Map<string, { shape: number[]; data: Float32Array }>

export interface TinyMae {
  readonly width: number
  readonly narrow: number
  readonly hidden: number
  readonly patch: number
  readonly side: number
}

export const tinyMae: TinyMae = { width: 128, narrow: 64, hidden: 32, patch: 2, side: 3 }

/**
 * Chance weights of a masked autoencoder with two blocks and one, under the names of
 * facebookresearch/mae.
 */
export function maeWeights(seed: number, shape: Partial<TinyMae> = {}): Weights {
  const { width, narrow, hidden, patch, side } = { ...tinyMae, ...shape }
  const random = new Random(seed)
  const weights: Weights = new Map()
  const add = (name: string, ...sizes: number[]): void => {
    const length = sizes.reduce((a, b) => a * b, 1)
    const spread = sizes.length > 1 ? Math.sqrt(1 / sizes[sizes.length - 1]) : 1
    weights.set(name, { shape: sizes, data: Float32Array.from({ length }, () => random.float() * spread) })
  }
  const linear = (name: string, outputs: number, inputs: number): void => {
    add(`${name}.weight`, outputs, inputs)
    add(`${name}.bias`, outputs)
  }
  const norm = (name: string, channels: number): void => {
    add(`${name}.weight`, channels)
    add(`${name}.bias`, channels)
  }
  const block = (name: string, channels: number): void => {
    norm(`${name}.norm1`, channels)
    linear(`${name}.attn.qkv`, 3 * channels, channels)
    linear(`${name}.attn.proj`, channels, channels)
    norm(`${name}.norm2`, channels)
    linear(`${name}.mlp.fc1`, hidden, channels)
    linear(`${name}.mlp.fc2`, channels, hidden)
  }
  const places = side * side
  add('cls_token', 1, 1, width)
  add('pos_embed', 1, places + 1, width)
  add('patch_embed.proj.weight', width, 3, patch, patch)
  add('patch_embed.proj.bias', width)
  block('blocks.0', width)
  block('blocks.1', width)
  norm('norm', width)
  linear('decoder_embed', narrow, width)
  add('mask_token', 1, 1, narrow)
  add('decoder_pos_embed', 1, places + 1, narrow)
  block('decoder_blocks.0', narrow)
  norm('decoder_norm', narrow)
  linear('decoder_pred', patch * patch * 3, narrow)
  return weights
}

/** The weights as a safetensors file that a reader has opened. */
export function checkpointOf(weights: Weights, file = 'tiny.safetensors'): Promise<Checkpoint> {
  return readCheckpoint(bytesSource(fileOf(weights), file))
}

export function fileOf(weights: Weights): Uint8Array {
  const tensors = [...weights].map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: 'F32', shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  ])
  return writeSafetensors({ metadata: new Map(), tensors: new Map(tensors) })
}
