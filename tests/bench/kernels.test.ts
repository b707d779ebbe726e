import { describe, expect, it } from 'vitest'
import { measureAllKernels } from '../../bench/kernels/kernels.js'
import { findShapes, isKnown, modelOf } from '../../bench/kernels/shapes.js'
import { kernelSections } from '../../bench/report/kernels.js'
import { elements } from '../../src/host/graph/descriptor.js'
import { verifyModel } from '../../src/host/graph/verify.js'

const small = {
  network: 'small',
  source: 'here',
  layers: [
    {
      ...{ name: 'a', count: 2, op: 'conv', input: [1, 9, 11, 8], outputs: 16 },
      attributes: {
        ...{ kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], groups: 1 },
        ...{ activation: 'leaky', slope: 0.1 },
      },
    },
    { name: 'b', count: 1, op: 'linear', input: [1, 1, 5, 24], outputs: 8, attributes: {} },
    { name: 'c', count: 1, op: 'no such operator', input: [1, 1, 1, 1], attributes: {} },
  ],
}

describe('shapes', () => {
  it('are those of three networks', () => {
    const lists = findShapes()
    expect(lists.map(({ network }) => network)).toEqual([
      expect.stringMatching(/^DCGAN/),
      expect.stringMatching(/^MAE/),
      expect.stringMatching(/^YOLOv4-tiny/),
    ])
    expect(() => findShapes('no-such')).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })

  it.each(findShapes())('of $network make networks that pass every check', ({ layers }) => {
    for (const shape of layers.filter(isKnown)) {
      const { view, operator } = verifyModel(modelOf(shape)).views[1]
      expect(view.inputs[0].shape).toEqual(shape.input)
      if (shape.outputs !== undefined) {
        expect(view.output.shape[3]).toBe(shape.outputs)
        expect(operator.macs(view)).toBeGreaterThan(0)
      }
    }
  })

  it('of YOLOv4-tiny are all of its multiply-accumulates', () => {
    const [{ layers }] = findShapes('yolov4-tiny-416')
    const macs = layers.map((shape) => {
      const { view, operator } = verifyModel(modelOf(shape)).views[1]
      return operator.macs(view) * shape.count
    })
    // 3.454 GMAC with 80 classes; 13.4 M of it more than with 20.
    expect(macs.reduce((a, b) => a + b, 0) / 1e9).toBeCloseTo(3.454, 2)
  })

  it('have weights as trained ones are: the fast kernels of 3x3 layers are proven for them', () => {
    for (const shape of findShapes('yolov4-tiny-416')[0].layers) {
      const { view, operator } = verifyModel(modelOf(shape)).views[1]
      const { kernel, strides } = shape.attributes
      if (`${kernel}` !== '3,3' || `${strides}` !== '1,1') continue
      expect(operator.kernels?.find(({ name }) => name === 'winograd43')?.fits(view), shape.name).toBe(true)
    }
  })
})

describe('kernels', () => {
  it('are timed for each layer that the engine has, and give the same bytes', async () => {
    const peaks = [{ kind: 'i16_dot', gmacs: 50 } as const]
    const results = await measureAllKernels([small], peaks, { runs: 2, warmup: 1, seconds: 1 })
    expect(results.map((r) => [r.layer, r.kernel]).slice(0, 2)).toEqual([
      ['a', 'direct'],
      ['a', 'winograd43'],
    ])
    expect(results.at(-1)).toMatchObject({ layer: 'b', kernel: 'direct', output: [1, 1, 5, 8], macs: 960 })
    for (const r of results) {
      expect(r).toMatchObject({ network: 'small', same: true, runs: 2 })
      expect(r.gmacs).toBeGreaterThan(0)
      expect(r.products !== undefined).toBe(r.kernel.startsWith('winograd'))
    }
    const [direct, winograd] = results
    expect(direct.macs).toBe(elements([9, 11, 16, 9, 8]))
    // A Winograd kernel of size 4 does a quarter of the multiply-accumulates.
    expect(winograd.percentOfPeak! / winograd.gmacs).toBeCloseTo(100 / 4 / 50, 6)
    const sections = kernelSections({ kernels: results, unknown: ['small: c'] } as never)
    expect(sections.map((s) => s.title)).toEqual(['small', 'Operators that this engine does not have'])
    for (const { header, rows } of sections) for (const row of rows) expect(row).toHaveLength(header.length)
  })
})
