import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import { shown } from '../../../../src/host/shown.js'
import type { Checkpoint } from '../checkpoint.js'

/** What a checkpoint does not tell by its names and shapes. */
export interface MaeOptions {
  /** Attention heads; default: 64 channels a head, but for ViT-H (width 1280) 16 heads. */
  readonly heads?: number
  /** Of the decoder; default: 32 channels a head. */
  readonly decoderHeads?: number
  /** Side of the picture in pixels, where the checkpoint holds no positions; default 224. */
  readonly imageSize?: number
  /** The decoder was trained with `norm_pix_loss`. */
  readonly normalizedPatches?: boolean
  /** Of layer normalisation; default 1e-6. */
  readonly epsilon?: number
  /** Leave the decoder out. */
  readonly encoderOnly?: boolean
  /** Takes a line for the user: what was assumed, as neither the file nor the caller tells it. */
  readonly report?: (line: string) => void
}

export interface ReadMaeOptions extends MaeOptions {
  /**
   * int8: the weights of each product are quantised as they are read, so that a large network is
   * never held in float.
   */
  readonly precision?: 'float' | 'int8'
  /** Of int8 weights and tokens: 7 for the relaxed dot product. Default 8. */
  readonly bits?: 7 | 8
}

/** One stack of blocks: the encoder's or the decoder's. */
export interface Stack {
  readonly width: number
  readonly depth: number
  readonly heads: number
}

export interface Architecture {
  readonly patch: number
  /** Patches along a side of the picture. */
  readonly side: number
  readonly encoder: Stack
  readonly decoder?: Stack
  /** The decoder was trained with `norm_pix_loss`, by the caller or the file. */
  readonly normalizedPatches?: boolean
}

/** Whether a checkpoint has the names of a vision transformer as MAE's authors published it. */
export const isMae = (names: readonly string[]): boolean =>
  names.includes('patch_embed.proj.weight') && names.includes('cls_token')

/**
 * Width, depth, heads, patches and picture, by names and shapes. Throws E_CHECKPOINT_NETWORK,
 * E_OPTION.
 */
export function architectureOf(checkpoint: Checkpoint, options: MaeOptions): Architecture {
  const refuse = (what: string): never => {
    throw new OcellusError('E_CHECKPOINT_NETWORK', `${checkpoint.file}: ${what}`)
  }
  if (!isMae(checkpoint.names)) {
    refuse(
      'no masked autoencoder as facebookresearch/mae names it: patch_embed.proj.weight or cls_token is missing',
    )
  }
  const [width, colours, patch, high] = shapeOf(checkpoint, 'patch_embed.proj.weight', 4)
  if (colours !== 3 || patch !== high || patch > limits.kernel)
    refuse(`patches of ${patch}x${high} pixels in ${colours} colours; square ones of RGB are known`)
  const side = sideOf(checkpoint, patch, options)
  const heads = options.heads ?? settingOf(checkpoint, encoderHeads)
  const encoder = stackOf(checkpoint, 'blocks', width, heads ?? (width === 1280 ? 16 : width / 64))
  if (encoder.depth === 0) refuse('no blocks.0: the encoder has no layers')
  const assumed = heads === undefined ? [`${encoder.heads} heads for ${width} channels (--heads)`] : []
  if (options.encoderOnly || !checkpoint.has('decoder_embed.weight')) {
    reportAssumed(checkpoint, assumed, options)
    return { patch, side, encoder }
  }
  const [narrow] = shapeOf(checkpoint, 'decoder_embed.weight', 2)
  const narrowHeads = options.decoderHeads ?? settingOf(checkpoint, decoderHeads)
  const decoder = stackOf(checkpoint, 'decoder_blocks', narrow, narrowHeads ?? narrow / 32)
  if (narrowHeads === undefined)
    assumed.push(`${decoder.heads} heads for the decoder's ${narrow} channels (--decoder-heads)`)
  const normalizedPatches = options.normalizedPatches ?? truthOf(checkpoint, 'norm_pix_loss')
  if (normalizedPatches === undefined) assumed.push('no norm_pix_loss (--norm-pix)')
  reportAssumed(checkpoint, assumed, options)
  return { patch, side, encoder, decoder, normalizedPatches }
}

/** How training scripts call the numbers of heads in their settings. */
const encoderHeads = ['num_heads', 'encoder_num_heads', 'encoder_heads', 'enc_heads', 'heads']
const decoderHeads = ['decoder_num_heads', 'decoder_heads', 'dec_heads']

/** A whole number among the file's settings. */
function settingOf({ settings }: Checkpoint, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = settings?.get(name)
    const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number > 0) return number
  }
  return undefined
}

/** A truth value among the file's settings; safetensors keep texts. */
function truthOf({ settings }: Checkpoint, name: string): boolean | undefined {
  const value = settings?.get(name)
  if (typeof value === 'boolean') return value
  if (/^(true|1)$/i.test(String(value ?? ''))) return true
  return /^(false|0)$/i.test(String(value ?? '')) ? false : undefined
}

function reportAssumed({ file }: Checkpoint, assumed: readonly string[], { report }: MaeOptions): void {
  if (assumed.length > 0)
    report?.(`${file} does not tell everything about its network; assumed: ${assumed.join(', ')}`)
}

export function shapeOf(checkpoint: Checkpoint, name: string, rank: number): readonly number[] {
  if (!checkpoint.has(name)) {
    throw new OcellusError('E_CHECKPOINT_NETWORK', `${checkpoint.file}: the autoencoder's ${name} is missing`)
  }
  const shape = checkpoint.shape(name)
  if (shape.length !== rank)
    throw new OcellusError('E_CHECKPOINT_NETWORK', `${checkpoint.file}: ${name} has the shape [${shape}]`)
  return shape
}

function sideOf(checkpoint: Checkpoint, patch: number, { imageSize }: MaeOptions): number {
  const table = ['pos_embed', 'decoder_pos_embed'].find((name) => checkpoint.has(name))
  const size = imageSize ?? 224
  if (table === undefined && (!Number.isInteger(size) || size < patch || size % patch !== 0)) {
    throw new OcellusError(
      'E_OPTION',
      `a picture of ${size} pixels is no whole number of ${patch}-pixel patches`,
    )
  }
  const side = table === undefined ? size / patch : Math.sqrt(shapeOf(checkpoint, table, 3)[1] - 1)
  if (!Number.isInteger(side) || side < 1) {
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${checkpoint.file}: ${table} has ${side * side} places beside the class token's: no square`,
    )
  }
  if (side * side > limits.dimension)
    throw new OcellusError('E_CHECKPOINT_NETWORK', `${checkpoint.file}: ${side * side} patches are too many`)
  if (imageSize !== undefined && imageSize !== side * patch) {
    throw new OcellusError(
      'E_OPTION',
      `${checkpoint.file} was trained on pictures of ${side * patch} pixels, not ${imageSize}`,
    )
  }
  return side
}

function stackOf(checkpoint: Checkpoint, prefix: string, width: number, heads: number): Stack {
  let depth = 0
  while (checkpoint.has(`${prefix}.${depth}.norm1.weight`)) depth++
  const pattern = new RegExp(`^${prefix}\\.(\\d{1,6})\\.`)
  const beyond = checkpoint.names.find((name) => Number(pattern.exec(name)?.[1] ?? -1) > depth)
  if (beyond !== undefined) {
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${checkpoint.file}: ${prefix}.${depth}.norm1.weight is missing, though ${shown(beyond)} is there: the file is not whole`,
    )
  }
  if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
    throw new OcellusError(
      'E_OPTION',
      `${checkpoint.file}: ${heads} heads do not divide ${prefix}'s ${width} channels: give their number with --${prefix === 'blocks' ? '' : 'decoder-'}heads`,
    )
  }
  return { width, depth, heads }
}
