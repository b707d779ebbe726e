import { writeModel } from '../../src/host/graph/file.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { randomWeights } from '../readers/tiny.js'

const cfg = `[net]
width=64
height=48
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
batch_normalize=1
filters=16
size=3
stride=1
pad=1
activation=swish

[convolutional]
filters=14
size=1
activation=linear

[yolo]
anchors=10,14, 23,27
classes=2
num=2
`

/** A model file that no one trained: it finds much, none of it there, and the same everywhere. */
export function tinyModel(): Uint8Array {
  const weights = { bytes: randomWeights(cfg, 11), file: 'tiny.weights' }
  return writeModel(readDarknet({ cfg: { text: cfg, file: 'tiny.cfg' }, weights, names: ['this', 'that'] }))
}
