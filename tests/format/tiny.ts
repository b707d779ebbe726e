import type { Constant, Model } from '../../src/host/graph/types.js'

const constant = (
  name: string,
  shape: number[],
  data: Constant['data'],
  dtype: Constant['dtype'],
): Constant => ({
  name,
  shape,
  dtype,
  data,
})

/**
 * The least that is an int8 detector: a picture is quantised by the preprocessing, one convolution
 * is the head.
 */
export function tinyModel(): Model {
  const weights = Int8Array.from({ length: 6 * 3 }, (_, i) => ((i * 37) % 255) - 127)
  const constants = [
    constant('0_conv.weight', [6, 1, 1, 3], weights, 'int8'),
    constant('0_conv.bias', [6], Int32Array.of(1, -2, 3, -4, 5, 2_000_000), 'int32'),
    constant('0_conv.weightScale', [6], Float32Array.of(0.5, 0.25, 0.125, 0.0625, 1, 2), 'float32'),
  ]
  return {
    graph: {
      name: 'tiny',
      task: {
        kind: 'detection',
        labels: ['größe'],
        heads: [{ output: 'head', anchors: [[10, 14]], scaleXY: 1.05, newCoords: false }],
        nms: { kind: 'greedy', iou: 0.45, beta: 0.6 },
      },
      preprocessing: {
        mode: 'letterbox',
        pad: 127,
        channels: 'rgb',
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
      tensors: [
        {
          name: 'input',
          shape: [1, 4, 4, 3],
          dtype: 'int8',
          quantization: { scale: Math.fround(1 / 255), zeroPoint: -128 },
        },
        { name: 'head', shape: [1, 4, 4, 6], dtype: 'float32' },
      ],
      inputs: ['input'],
      outputs: ['head'],
      nodes: [
        {
          name: '0_conv',
          op: 'conv',
          inputs: ['input'],
          outputs: ['head'],
          constants: { weight: '0_conv.weight', bias: '0_conv.bias', weightScale: '0_conv.weightScale' },
          attributes: { kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], groups: 1 },
        },
      ],
      provenance: { source: 'made by hand', version: 3, trained: false, seeds: [1, 2] },
    },
    constants: new Map(constants.map((c) => [c.name, c])),
  }
}

/** A safetensors file of any header, true or lying. */
export function rawFile(header: string | Uint8Array, data: Uint8Array | number = 0): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const body = typeof data === 'number' ? new Uint8Array(data) : data
  const file = new Uint8Array(8 + text.length + body.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  file.set(body, 8 + text.length)
  return file
}
