import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { codeOf } from '../helpers/code-of.js'
import { runReference } from '../helpers/reference.js'
import { randomizer, randomWeights } from './tiny.js'

const read = (cfg: string): Model =>
  readDarknet({
    cfg: { text: cfg, file: 'x.cfg' },
    weights: { bytes: randomWeights(cfg, 3), file: 'x.weights' },
  })
const net = '[net]\nwidth=12\nheight=10\nchannels=3\n'
const conv = (filters: number): string =>
  `[convolutional]\nfilters=${filters}\nsize=3\npad=1\nactivation=leaky\n`
const head = (anchors: string): string =>
  `[convolutional]\nfilters=6\nsize=1\nactivation=linear\n[yolo]\nanchors=${anchors}\nclasses=1\n`

describe('what darknet takes', () => {
  it('a comma at the end of the anchors', () => {
    const plain = read(net + conv(4) + head('10,14'))
    for (const anchors of ['10,14,', '10, 14, ', '10,14 ,'])
      expect(read(net + conv(4) + head(anchors)).graph).toEqual(plain.graph)
    for (const anchors of ['10,,14', ',10,14', '10,14,,', ','])
      expect(codeOf(() => read(net + conv(4) + head(anchors)))).toBe('E_CFG_VALUE')
  })

  const shortcut = (first: number, second: number, activation = 'linear'): string =>
    `${net}${conv(first)}${conv(second)}[shortcut]\nfrom=-2\nactivation=${activation}\n${head('10,14')}`

  it.each([
    [12, 8, 'linear'],
    [12, 8, 'leaky'],
    [8, 12, 'linear'],
    [8, 8, 'linear'],
  ])('a shortcut of %i channels to %i (%s) adds those that both have', (first, second, activation) => {
    const model = read(shortcut(first, second, activation))
    const values = runReference(model, Float32Array.from({ length: 12 * 10 * 3 }, randomizer(4)))
    const [a, b, sum] = ['0_convolutional', '1_convolutional', '2_shortcut'].map((name) => values.get(name)!)
    expect(sum.length).toBe(12 * 10 * second)
    for (let i = 0; i < sum.length; i++) {
      const [pixel, c] = [Math.floor(i / second), i % second]
      const want = b[i] + (c < first ? a[pixel * first + c] : 0)
      expect(sum[i]).toBeCloseTo(activation === 'leaky' && want < 0 ? want * 0.1 : want, 5)
    }
  })

  it('refuses what would need a curve over channels that have no partner', () => {
    expect(codeOf(() => read(shortcut(8, 12, 'leaky')))).toBe('E_CFG_ROUTE')
  })
})
