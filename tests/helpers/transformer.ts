import type { Model, Tensor } from '../../src/host/graph/types.js'
import { Random } from './kernel.js'
import { Builder } from './random-model.js'

export interface TransformerShape {
  readonly patch: number
  readonly rows: number
  readonly columns: number
  readonly visible: number
  readonly width: number
  readonly heads: number
}

const least: TransformerShape = { patch: 4, rows: 3, columns: 4, visible: 5, width: 24, heads: 3 }

/**
 * A masked autoencoder of one block on either side, with chance weights: every operator on tokens.
 */
export function transformer(seed: number, shape: Partial<TransformerShape> = {}): Model {
  const { patch, rows, columns, visible, width, heads } = { ...least, ...shape }
  const b = new Builder(new Random(seed), rows * patch, columns * patch)
  const values = patch * patch * 3
  const places = rows * columns
  const node = (
    op: string,
    input: Tensor,
    tokens: number,
    channels: number,
    attributes = {},
    constants = {},
  ) => b.node(op, [input], [1, 1, tokens, channels], attributes, constants)
  const linear = (input: Tensor, outputs: number): Tensor => {
    const [, , tokens, depth] = input.shape
    const weight = b.constant('weight', [outputs, depth], Math.sqrt(3 / depth))
    return node('linear', input, tokens, outputs, {}, { weight, bias: b.constant('bias', [outputs], 0.3) })
  }
  const norm = (input: Tensor): Tensor => {
    const [, , tokens, channels] = input.shape
    const constants = { gamma: b.constant('gamma', [channels], 2), beta: b.constant('beta', [channels], 0.5) }
    return node('layerNorm', input, tokens, channels, { epsilon: 1e-6 }, constants)
  }
  const block = (x: Tensor): Tensor => {
    const [, , tokens, channels] = x.shape
    const attended = node('attention', linear(norm(x), 3 * channels), tokens, channels, { heads })
    const y = b.add(x, linear(attended, channels))
    return b.add(y, linear(b.activation(linear(norm(y), 4 * channels), 'gelu'), channels))
  }
  const chosen = node('patches', b.tensors[0], visible, values, { patch, count: visible })
  const embedded = linear(chosen, width)
  const positions = { positions: b.constant('positions', [places, width], 1) }
  const first = b.constant('first', [width], 1)
  const latent = norm(block(node('embedTokens', embedded, visible + 1, width, {}, { ...positions, first })))
  const narrow = linear(latent, width / 2 + heads - ((width / 2) % heads))
  const [, , , channels] = narrow.shape
  const spread = {
    mask: b.constant('mask', [channels], 1),
    positions: b.constant('places', [places + 1, channels], 1),
  }
  const decoded = block(node('scatterTokens', narrow, places + 1, channels, {}, spread))
  const prediction = linear(node('softmax', decoded, places + 1, channels), values)
  const { graph, constants } = b.model([latent.name, prediction.name])
  const task = {
    kind: 'autoencoder',
    patch,
    latent: latent.name,
    prediction: prediction.name,
    normalizedPatches: false,
  } as const
  return { graph: { ...graph, task }, constants }
}
