import { describe, expect, it } from 'vitest'
import { verifyModel } from '../../src/host/graph/verify.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { openCheckpoint } from '../../tools/quantize/readers/checkpoint.js'
import { sineCosinePositions } from '../../tools/quantize/readers/mae/positions.js'
import { type MaeOptions, readMae } from '../../tools/quantize/readers/mae.js'
import { checkpointOf, maeWeights, tinyMae, type Weights } from '../helpers/mae.js'
import { randomInput } from '../helpers/models.js'
import { runReference } from '../helpers/reference.js'
import { sharedModel, skipUnless } from '../helpers/require.js'
import { runModel } from '../helpers/session.js'

/** MAE's forward pass in plain loops on the first patches, from the checkpoint's own tensors. */
function forward(weights: Weights, image: Float32Array, visible: number): number[][] {
  const { patch, side } = tinyMae
  const w = (name: string): Float32Array => weights.get(name)!.data
  const linear = (name: string, rows: number[][]): number[][] =>
    rows.map((row) =>
      Array.from(w(`${name}.bias`), (bias, o) =>
        row.reduce((sum, v, k) => sum + v * w(`${name}.weight`)[o * row.length + k], bias),
      ),
    )
  const norm = (name: string, rows: number[][]): number[][] =>
    rows.map((row) => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length
      return row.map(
        (v, c) => ((v - mean) / Math.sqrt(variance + 1e-6)) * w(`${name}.weight`)[c] + w(`${name}.bias`)[c],
      )
    })
  const add = (a: number[][], b: number[][]): number[][] => a.map((row, t) => row.map((v, c) => v + b[t][c]))
  const erf = (z: number): number => {
    let sum = 0
    const steps = 2000
    for (let n = 0; n < steps; n++) sum += Math.exp(-((((n + 0.5) * z) / steps) ** 2))
    return ((2 / Math.sqrt(Math.PI)) * sum * z) / steps
  }
  const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2))
  const attend = (rows: number[][], heads: number): number[][] => {
    const width = rows[0].length / 3
    const d = width / heads
    return rows.map((row) => {
      const out = Array<number>(width).fill(0)
      for (let h = 0; h < heads; h++) {
        const e = rows.map((other) => {
          let sum = 0
          for (let c = 0; c < d; c++) sum += row[h * d + c] * other[width + h * d + c]
          return Math.exp(sum / Math.sqrt(d))
        })
        const total = e.reduce((a, b) => a + b, 0)
        rows.forEach((other, j) => {
          for (let c = 0; c < d; c++) out[h * d + c] += (e[j] / total) * other[2 * width + h * d + c]
        })
      }
      return out
    })
  }
  const block = (name: string, x: number[][], heads: number): number[][] => {
    const y = add(
      x,
      linear(`${name}.attn.proj`, attend(linear(`${name}.attn.qkv`, norm(`${name}.norm1`, x)), heads)),
    )
    const wide = linear(`${name}.mlp.fc1`, norm(`${name}.norm2`, y)).map((row) => row.map(gelu))
    return add(y, linear(`${name}.mlp.fc2`, wide))
  }
  const row = (name: string, n: number, width: number): number[] => [
    ...w(name).subarray(n * width, (n + 1) * width),
  ]
  const { width, narrow } = tinyMae
  // The patch convolution by its own definition: weight [out, colour, row, column].
  const embedded = Array.from({ length: visible }, (_, place) =>
    Array.from(w('patch_embed.proj.bias'), (bias, o) => {
      let sum = bias
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < patch; y++) {
          for (let x = 0; x < patch; x++) {
            const pixel = (Math.floor(place / side) * patch + y) * side * patch + (place % side) * patch + x
            sum += image[pixel * 3 + c] * w('patch_embed.proj.weight')[((o * 3 + c) * patch + y) * patch + x]
          }
        }
      }
      return sum + w('pos_embed')[(1 + place) * width + o]
    }),
  )
  const [first] = add([row('cls_token', 0, width)], [row('pos_embed', 0, width)])
  let x = [first, ...embedded]
  for (const name of ['blocks.0', 'blocks.1']) x = block(name, x, width / 64)
  const small = linear('decoder_embed', norm('norm', x))
  const all = Array.from({ length: side * side + 1 }, (_, t) =>
    t <= visible ? small[t] : row('mask_token', 0, narrow),
  )
  const placed = add(
    all,
    all.map((_, t) => row('decoder_pos_embed', t, narrow)),
  )
  return linear('decoder_pred', norm('decoder_norm', block('decoder_blocks.0', placed, narrow / 32)))
}

describe('a checkpoint with the names of facebookresearch/mae', () => {
  it('gives what the formulas give', async () => {
    const weights = maeWeights(1)
    const model = await readMae(await checkpointOf(weights))
    const input = randomInput(model, 2)
    const prediction = model.graph.outputs[1]
    const got = (await runModel(model, input, 'simd')).get(prediction)!
    const expected = forward(weights, input, 2).flat()
    expect(got).toHaveLength(expected.length)
    got.forEach((value, n) => {
      expect(value).toBeCloseTo(expected[n], 4)
    })
    expect(runReference(model, input).get(prediction)![5]).toBeCloseTo(expected[5], 4)
  })

  it('is quantised while it is read as it would be afterwards', async () => {
    const weights = maeWeights(2)
    const later = quantizeLinears(await readMae(await checkpointOf(weights)))
    const now = await readMae(await checkpointOf(weights), { precision: 'int8' })
    expect(now.graph.nodes).toEqual(later.graph.nodes)
    expect(new Map([...now.constants].sort())).toEqual(new Map([...later.constants].sort()))
  })

  it('may hold the encoder alone, or have its decoder left out', async () => {
    const weights = maeWeights(3)
    const bare: Weights = new Map([...weights].filter(([name]) => !/^(decoder|mask)/.test(name)))
    const left = await readMae(await checkpointOf(weights), { encoderOnly: true })
    const alone = await readMae(await checkpointOf(bare))
    expect(alone).toEqual(left)
    expect(alone.graph.task).toEqual({
      kind: 'autoencoder',
      patch: 2,
      latent: 'norm.out',
      normalizedPatches: false,
    })
    verifyModel(alone)
  })

  it('may have queries, keys and values without biases', async () => {
    const weights = maeWeights(4)
    for (const name of [...weights.keys()]) if (name.endsWith('qkv.bias')) weights.delete(name)
    const model = await readMae(await checkpointOf(weights))
    expect(model.constants.get('blocks.0.attn.qkv.bias')!.data.every((v) => v === 0)).toBe(true)
  })

  it('gets its positions computed where they are not there', async () => {
    const weights = maeWeights(5)
    weights.delete('pos_embed')
    weights.delete('decoder_pos_embed')
    const model = await readMae(await checkpointOf(weights), { imageSize: 6 })
    expect(model.constants.get('pos_embed')!.data).toEqual(sineCosinePositions(3, 128))
    const all = model.constants.get('decoder_pos_embed')!.data
    expect(all.subarray(0, 64).every((v) => v === 0)).toBe(true)
    expect(all.subarray(64)).toEqual(sineCosinePositions(3, 64))
  })

  it.each<[string, string, MaeOptions, (weights: Weights) => void]>([
    ['of another network', 'E_CHECKPOINT_NETWORK', {}, (w) => w.delete('cls_token')],
    ['without layers', 'E_CHECKPOINT_NETWORK', {}, (w) => w.delete('blocks.0.norm1.weight')],
    ['with a tensor missing', 'E_CHECKPOINT_NETWORK', {}, (w) => w.delete('blocks.1.mlp.fc1.weight')],
    ['without its mask token', 'E_CHECKPOINT_NETWORK', {}, (w) => w.delete('mask_token')],
    ['with a misshapen bias', 'E_CHECKPOINT_NETWORK', {}, (w) => w.set('norm.bias', zeros(3))],
    [
      'with a misshapen product',
      'E_CHECKPOINT_NETWORK',
      {},
      (w) => w.set('blocks.0.attn.proj.weight', zeros(8, 8)),
    ],
    [
      'of grey pictures',
      'E_CHECKPOINT_NETWORK',
      {},
      (w) => w.set('patch_embed.proj.weight', zeros(128, 1, 2, 2)),
    ],
    [
      'with oblong patches',
      'E_CHECKPOINT_NETWORK',
      {},
      (w) => w.set('patch_embed.proj.weight', zeros(128, 3, 2, 4)),
    ],
    [
      'with places that are no square',
      'E_CHECKPOINT_NETWORK',
      {},
      (w) => w.set('pos_embed', zeros(1, 9, 128)),
    ],
    [
      'with NaN in a product',
      'E_WEIGHTS_NOT_FINITE',
      {},
      (w) => w.get('blocks.0.mlp.fc1.weight')!.data.fill(Number.NaN, 7, 8),
    ],
    [
      'with infinity in a norm',
      'E_WEIGHTS_NOT_FINITE',
      {},
      (w) => w.get('norm.weight')!.data.fill(1 / 0, 3, 4),
    ],
    ['with heads that do not divide', 'E_OPTION', { heads: 5 }, () => {}],
    ['with decoder heads that do not divide', 'E_OPTION', { decoderHeads: 7 }, () => {}],
    ['for another size of picture', 'E_OPTION', { imageSize: 224 }, () => {}],
  ])('is refused: %s', async (_, code, options, change) => {
    const weights = maeWeights(6)
    change(weights)
    const reading = checkpointOf(weights).then((checkpoint) => readMae(checkpoint, options))
    await expect(reading).rejects.toMatchObject({ code })
  })
})

function zeros(...shape: number[]): { shape: number[]; data: Float32Array } {
  return { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }
}

it('computes the positions that a trained checkpoint holds', async (context) => {
  const path = sharedModel('mae_scenes64.pth')
  skipUnless(context, path, 'mae_scenes64.pth of the shared models')
  const checkpoint = await openCheckpoint(path)
  for (const [name, width] of [
    ['pos_embed', 192],
    ['decoder_pos_embed', 128],
  ] as const) {
    const held = await checkpoint.read(name)
    const made = sineCosinePositions(8, width)
    made.forEach((value, n) => {
      expect(Math.abs(value - held[width + n])).toBeLessThan(1e-6)
    })
    expect(held.subarray(0, width).every((v) => v === 0)).toBe(true)
  }
  await checkpoint.close()
})
