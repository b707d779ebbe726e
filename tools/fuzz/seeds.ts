import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { packageFolder } from '../../src/host/platform/node/package.js'
import { frameLine, sceneLine } from '../../src/host/video/recording.js'
import { exportOnnx } from '../export/onnx.js'
import { writeNpy } from '../npy/write.js'
import { readDarknet } from '../quantize/readers/darknet.js'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const cfgText = `[net]
width=32
height=32
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky

[route]
layers=-1
groups=2
group_id=1

[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=mish

[shortcut]
from=-3
activation=linear

[maxpool]
size=2
stride=2

[upsample]
stride=2

[convolutional]
filters=21
size=1
activation=linear

[yolo]
mask=0,1,2
anchors=4,5, 8,9, 16,18
classes=2
num=3
scale_x_y=1.05
`

/** Of the cfg above: 3 numbers and a count of 64 bits, then finite float32 values. */
export function weightsBytes(): Uint8Array {
  const values = 4 * (4 + 3 * 9) + 4 * (4 + 2 * 9) + 21 * (1 + 4)
  const view = new DataView(new ArrayBuffer(20 + 4 * values))
  view.setInt32(4, 2, true)
  for (let n = 0; n < values; n++) view.setFloat32(20 + 4 * n, 0.1 + Math.abs(Math.sin(n)), true)
  return new Uint8Array(view.buffer)
}

const darknetModel = (): Model =>
  readDarknet({
    cfg: { text: cfgText, file: 'seed.cfg' },
    weights: { bytes: weightsBytes(), file: 'seed.weights' },
  })

const embedded = (name: string): Uint8Array =>
  readFileSync(join(packageFolder, 'models', 'quantized', `${name}.safetensors`))

/** Small models in the product's own format: a float one, and the smallest int8 detector. */
export const modelSeeds = (): Uint8Array[] => [writeModel(darknetModel()), embedded('detector-tiny')]

export const onnxSeeds = (): Uint8Array[] => [exportOnnx(darknetModel())]

/**
 * Files that PyTorch wrote; they come with the repository. Those of PyTorch-GAN are refused without
 * --epsilon, so nothing behind that would be reached.
 */
export function torchSeeds(): Uint8Array[] {
  const folder = join(packageFolder, 'tests', 'fixtures', 'gan')
  const names = readdirSync(folder).filter((name) => /^(course|examples)-.*\.pth$/.test(name))
  return names.map((name) => readFileSync(join(folder, name)))
}

export const cfgSeeds = (): Uint8Array[] => [bytesOf(cfgText)]

export const weightsSeeds = (): Uint8Array[] => [weightsBytes()]

export const npySeeds = (): Uint8Array[] => [
  writeNpy([new Float32Array(24)], [2, 3, 4]),
  writeNpy([new Int8Array(5)], [5]),
]

export const labelSeeds = (): Uint8Array[] => [
  bytesOf('0 0.5 0.5 0.25 0.125\n2 0.1 0.2 0.05 0.05\n1 0.9 0.9 0.2 0.2 0.75\n'),
]

export const motSeeds = (): Uint8Array[] => [
  bytesOf('1,1,912,484,97,109,1,1,0.9\n1,2,1338,418,167,379,1,1,1\n2,-1,10.5,20.25,30,40,0.7,-1,-1,-1\n'),
]

export const jsonSeeds = (): Uint8Array[] => [
  bytesOf('{"a":[1,-2.5e3,true,null],"b":{"c":"\\u00e9\\n","d":[[],{}]},"e":1e308}'),
]

export const recordingSeeds = (): Uint8Array[] => [
  bytesOf(
    sceneLine({ threshold: 0.25, zones: ['door:0.1,0.2 0.5,0.2 0.5,0.9'], lines: ['gate:0,0.5 1,0.5'] }),
  ),
  bytesOf(
    frameLine({ timeMs: 7000, position: 7, date: 1.7e12, width: 640, height: 360 }, [
      { label: 'person', classId: 0, score: 0.5, box: { xmin: 10, ymin: 20, xmax: 40, ymax: 60 } },
    ]),
  ),
  bytesOf(frameLine({ timeMs: 7200, width: 640, height: 360 })),
]

/** Files that were kept for a target, made of what is here: pictures, and what guided runs found. */
export function corpusOf(target: string): Uint8Array[] {
  const folder = join(packageFolder, 'tests', 'fault', 'corpus', target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
}

export const pictureSeeds = (): Uint8Array[] => corpusOf('pictures')
