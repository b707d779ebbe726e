import { buildNetwork, parseCfg } from '../../tools/quantize/readers/darknet.js'

/**
 * Every section and activation that the reader knows, on odd sides, in a few kilobytes of weights.
 * The last convolution leads nowhere: it has weights to read, and no node.
 */
export const everyLayer = `# A network that no one trained
[net]
batch=64
subdivisions=8
width=37
height=29
channels=3
momentum=0.9
policy=steps
steps=100,200
scales=.1,.1

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[convolutional]
batch_normalize=1
filters=12
size=3
stride_x=1
stride_y=2
padding=2
groups=4
activation=mish

[maxpool]
size=2
stride=1

[maxpool]
size=3
stride=2

[convolutional]
filters=12
groups=12
size=5
pad=1
activation=swish

[route]
layers=-1
groups=3
group_id=1

[local_avgpool]
size=3
stride=1

[route]
layers = -4, 4 # two layers of one size

[route]
layers=-1,-2
groups=4
group_id=2

[convolutional]
batch_normalize=1
filters=12
size=1
stride=1
activation=relu

[dropout]
probability=.2

[shortcut]
from=-1
activation=leaky

[shortcut]
from=4,-2
activation=linear

[maxpool]
size=5
stride=1

[maxpool]
stride_x=2
stride_y=1
size=2
padding=0

[upsample]
stride=2

[convolutional]
size=1
filters=14
activation=linear

[yolo]
mask=0,2
anchors=10,14, 23.5,27, 37,58
classes=2
num=3
jitter=.3
scale_x_y=1.05
iou_thresh=0.213
nms_kind=greedynms
beta_nms=0.6

[route]
layers=-5

[convolutional]
filters=7
size=2
stride=2
activation=logistic

[yolo]
mask=1
anchors=10,14, 23.5,27, 37,58
classes=2
num=3
new_coords=1
scale_x_y=2.0

[route]
layers=-3

[avgpool]

[convolutional]
batch_normalize=1
filters=7
activation=linear

[yolo]
mask=0
anchors=10,14, 23.5,27, 37,58
classes=2
num=3
nms_kind=diounms
beta_nms=0.7

[route]
layers=-2

[convolutional]
activation=relu6
`

/** The least that is a detector, with and without batch norm. */
export const smallest = `[net]
width=4
height=4
channels=3

[convolutional]
batch_normalize=1
filters=2
size=1
activation=leaky

[convolutional]
filters=6
size=1
activation=linear

[yolo]
anchors=10,14
classes=1
`

/** The same numbers on every machine: a linear congruential generator, 0 <= x < 1. */
export function randomizer(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** The header that darknet writes today: version 0.2.5, then the pictures seen. */
export function header(major = 0, minor = 2, revision = 5, seen = 640): Uint8Array {
  const wide = major * 10 + minor >= 2
  const bytes = new Uint8Array(wide ? 20 : 16)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, major, true)
  view.setInt32(4, minor, true)
  view.setInt32(8, revision, true)
  view.setUint32(12, seen, true)
  return bytes
}

/** A weight file with random values that keep a network's activations in range. */
export function randomWeights(cfg: string, seed: number): Uint8Array {
  const random = randomizer(seed)
  const values: number[] = []
  const fill = (count: number, low: number, high: number) => {
    for (let i = 0; i < count; i++) values.push(low + random() * (high - low))
  }
  const { convolutions } = buildNetwork(parseCfg(cfg, 'tiny.cfg'))
  for (const { filters, size, depth, batchNormalize } of convolutions) {
    fill(filters, -0.5, 0.5)
    if (batchNormalize) {
      fill(filters, 0.5, 1.5)
      fill(filters, -0.5, 0.5)
      fill(filters, 0.2, 2)
    }
    const spread = Math.sqrt(3 / (size * size * depth))
    fill(filters * size * size * depth, -spread, spread)
  }
  return join(header(), floatBytes(values))
}

export function floatBytes(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => {
    view.setFloat32(i * 4, value, true)
  })
  return bytes
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
