import { Session, type SessionOptions } from '../../engine/session.js'
import { OcellusError } from '../../errors.js'
import type { Constant, Model, Node } from '../../graph/types.js'
import { setLatent } from './latent.js'

/** A part of the picture, in its pixels; right and bottom are not inside any more. */
export interface Region {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export interface ChannelScore {
  readonly channel: number
  /** How far its mean inside the region lies above that outside, in standard deviations of both. */
  readonly score: number
}

/** Layers whose feature maps can be switched off: their maps feed exactly one layer of weights. */
export function maskableLayers({ graph }: Model): { readonly layer: Node; readonly next: Node }[] {
  const isWeighted = (node: Node): boolean => node.op === 'conv' || node.op === 'convTranspose'
  return graph.nodes.flatMap((layer) => {
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(layer.outputs[0]))
    const [next] = readers
    const groups = next?.attributes.groups ?? 1
    return isWeighted(layer) && readers.length === 1 && isWeighted(next) && groups === 1
      ? [{ layer, next }]
      : []
  })
}

/**
 * The feature maps of a layer that draw a region of the picture, the surest first: by the
 * difference of their activations inside and outside of it, over the pictures of some latents.
 */
export async function channelsThatDraw(
  model: Model,
  layer: Node,
  region: Region,
  latents: readonly Float32Array[],
  options: SessionOptions = {},
): Promise<ChannelScore[]> {
  const { graph } = model
  const [name] = layer.outputs
  const outputs = [...new Set([...graph.outputs, name])]
  const session = await Session.create({ ...model, graph: { ...graph, outputs } }, options)
  try {
    const picture = graph.tensors.find((tensor) => tensor.name === graph.outputs[0])!.shape
    const { shape, quantization } = graph.tensors.find((tensor) => tensor.name === name)!
    const inside = insideOf(region, picture, shape)
    const [, height, width, channels] = shape
    const sums = [new Statistics(channels), new Statistics(channels)]
    for (const latent of latents) {
      setLatent(session, latent)
      session.run()
      const values = session.output(name)
      const { scale, zeroPoint } = quantization ?? { scale: 1, zeroPoint: 0 }
      for (let p = 0; p < height * width; p++) {
        const own = sums[inside[p] ? 0 : 1]
        own.pixels++
        for (let c = 0; c < channels; c++) own.add(c, (values[p * channels + c] - zeroPoint) * scale)
      }
    }
    const [within, without] = sums
    return Array.from({ length: channels }, (_, channel) => {
      const spread = Math.sqrt(within.variance(channel) + without.variance(channel))
      return { channel, score: (within.mean(channel) - without.mean(channel)) / (spread + 1e-12) }
    }).sort((a, b) => b.score - a.score || a.channel - b.channel)
  } finally {
    session.close()
  }
}

/**
 * The model with some feature maps of a layer switched off: the next layer's weights for them are
 * 0.
 */
export function withoutChannels(model: Model, next: Node, channels: readonly number[]): Model {
  const weight = model.constants.get(next.constants.weight)!
  const inputs = weight.shape[3]
  const data = weight.data.slice()
  const off = new Set(channels)
  for (let k = 0; k < data.length; k++) if (off.has(k % inputs)) data[k] = 0
  const changed: Constant = { ...weight, data }
  return { ...model, constants: new Map(model.constants).set(weight.name, changed) }
}

/** Which pixels of a feature map lie in the region: by their middles. Throws E_OPTION. */
function insideOf(region: Region, picture: readonly number[], map: readonly number[]): boolean[] {
  const [, height, width] = picture
  const { left, top, right, bottom } = region
  const sides = [left, top, right, bottom]
  if (
    !sides.every((side) => Number.isInteger(side) && side >= 0) ||
    left >= right ||
    top >= bottom ||
    right > width ||
    bottom > height
  ) {
    throw new OcellusError(
      'E_OPTION',
      `the region ${sides.join(',')} is not within a picture of ${width}x${height}`,
    )
  }
  const [, rows, columns] = map
  const inside = Array.from({ length: rows * columns }, (_, p) => {
    const y = ((Math.floor(p / columns) + 0.5) * height) / rows
    const x = (((p % columns) + 0.5) * width) / columns
    return x >= left && x < right && y >= top && y < bottom
  })
  if (inside.every((i) => i) || !inside.some((i) => i)) {
    throw new OcellusError(
      'E_OPTION',
      `the region ${sides.join(',')} holds all or none of the layer's ${columns}x${rows} places: mark another part, or choose a later layer`,
    )
  }
  return inside
}

class Statistics {
  readonly #sums: Float64Array
  readonly #squares: Float64Array
  pixels = 0

  constructor(channels: number) {
    this.#sums = new Float64Array(channels)
    this.#squares = new Float64Array(channels)
  }

  add(channel: number, value: number): void {
    this.#sums[channel] += value
    this.#squares[channel] += value * value
  }

  mean(channel: number): number {
    return this.#sums[channel] / this.pixels
  }

  variance(channel: number): number {
    return Math.max(0, this.#squares[channel] / this.pixels - this.mean(channel) ** 2)
  }
}
