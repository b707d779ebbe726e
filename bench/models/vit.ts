import type { Model } from '../../src/host/graph/types.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import type { Checkpoint } from '../../tools/quantize/readers/checkpoint.js'
import { readMae } from '../../tools/quantize/readers/mae.js'

/** Sizes of a masked autoencoder, as its authors name them. */
export interface VitShape {
  readonly width: number
  readonly depth: number
  readonly decoderWidth: number
  readonly decoderDepth: number
  readonly patch: number
  readonly side: number
}

/** MAE with a ViT-B/16 encoder for pictures of 224x224. */
export const vitBase: VitShape = {
  width: 768,
  depth: 12,
  decoderWidth: 512,
  decoderDepth: 8,
  patch: 16,
  side: 14,
}

/** Networks that can be timed without a file. */
export const randomNetworks: Readonly<Record<string, VitShape>> = { 'mae-vit-b-16': vitBase }

/** A network of the true architecture whose weights mean nothing: for timing. */
export function randomMae(shape: VitShape, precision: 'float' | 'int8', bits: 7 | 8 = 8): Promise<Model> {
  return readMae(randomCheckpoint(shape), { precision, bits })
}

/** Its weights come into being when they are read, so that no float file is needed. */
export function randomCheckpoint(shape: VitShape): Checkpoint {
  const shapes = shapesOf(shape)
  const find = (name: string): readonly number[] => shapes.get(name) ?? []
  return {
    file: 'mae-chance-weights.pth',
    format: 'pytorch',
    names: [...shapes.keys()],
    has: (name) => shapes.has(name),
    shape: find,
    dtype: () => 'F32',
    async read(name) {
      const sizes = find(name)
      const length = sizes.reduce((a, b) => a * b, 1)
      if (name.endsWith('norm.weight') || /norm\d\.weight$/.test(name))
        return new Float32Array(length).fill(1)
      const spread = sizes.length > 1 ? Math.sqrt(6 / (length / sizes[0] + sizes[0])) : 0.02
      const random = new RandomStream(length + name.length)
      return Float32Array.from({ length }, () => (random.fraction() * 2 - 1) * spread)
    },
    async close() {},
  }
}

function shapesOf({
  width,
  depth,
  decoderWidth,
  decoderDepth,
  patch,
  side,
}: VitShape): Map<string, number[]> {
  const shapes = new Map<string, number[]>()
  const linear = (name: string, outputs: number, inputs: number): void => {
    shapes.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs])
  }
  const norm = (name: string, channels: number): void => {
    shapes.set(`${name}.weight`, [channels]).set(`${name}.bias`, [channels])
  }
  const blocks = (prefix: string, count: number, channels: number): void => {
    for (let n = 0; n < count; n++) {
      norm(`${prefix}.${n}.norm1`, channels)
      linear(`${prefix}.${n}.attn.qkv`, 3 * channels, channels)
      linear(`${prefix}.${n}.attn.proj`, channels, channels)
      norm(`${prefix}.${n}.norm2`, channels)
      linear(`${prefix}.${n}.mlp.fc1`, 4 * channels, channels)
      linear(`${prefix}.${n}.mlp.fc2`, channels, 4 * channels)
    }
  }
  shapes.set('cls_token', [1, 1, width]).set('mask_token', [1, 1, decoderWidth])
  shapes.set('pos_embed', [1, side * side + 1, width])
  shapes.set('decoder_pos_embed', [1, side * side + 1, decoderWidth])
  shapes.set('patch_embed.proj.weight', [width, 3, patch, patch]).set('patch_embed.proj.bias', [width])
  blocks('blocks', depth, width)
  norm('norm', width)
  linear('decoder_embed', decoderWidth, width)
  blocks('decoder_blocks', decoderDepth, decoderWidth)
  norm('decoder_norm', decoderWidth)
  linear('decoder_pred', patch * patch * 3, decoderWidth)
  return shapes
}
