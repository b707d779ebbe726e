import { describe, expect, it } from 'vitest'
import { resizeModel } from '../../bench/resize.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { int8Model, randomInt8Input, tinyModel } from '../helpers/models.js'
import { runModel } from '../helpers/session.js'

const cfg = (width: number, height: number): string => `[net]
width=${width}
height=${height}
channels=3

[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[upsample]
stride=2

[route]
layers=-1,0

[convolutional]
filters=7
size=1
activation=linear

[yolo]
mask=0
num=1
anchors=10,14
classes=2
`
const model = int8Model(tinyModel(cfg(32, 16), 1), 1)

describe('resizeModel', () => {
  it('gives the network that the other size would have given', () => {
    const { graph } = resizeModel(model, 64, 96)
    expect(graph.tensors.map((t) => t.shape)).toEqual(
      tinyModel(cfg(96, 64), 1).graph.tensors.map((t) => t.shape),
    )
    expect(model.graph.tensors[0].shape).toEqual([1, 16, 32, 3])
  })

  it('gives a network that is whole, and runs', async () => {
    const larger = resizeModel(model, 64, 96)
    expect(verifyModel(larger).views).toHaveLength(model.graph.nodes.length)
    const [head] = (await runModel(larger, randomInt8Input(larger, 1), 'simd')).values()
    expect(head).toHaveLength(32 * 48 * 7)
  })

  it('is the same network at its own size', () => {
    expect(resizeModel(model, 16, 32)).toEqual(model)
  })

  it('refuses a size at which parts do not meet, and names the layer', () => {
    expect(() => resizeModel(model, 18, 32)).toThrow(
      expect.objectContaining({
        code: 'E_OPTION',
        message: expect.stringMatching(/can't be 32x18: 3_route/),
      }),
    )
  })

  it('refuses a network that takes no pictures', () => {
    const { preprocessing: _, ...graph } = model.graph
    expect(() => resizeModel({ ...model, graph }, 16, 32)).toThrow(
      expect.objectContaining({ code: 'E_OPTION' }),
    )
  })
})
