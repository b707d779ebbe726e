import '../../src/host/platform/node.js'
import { expect, it } from 'vitest'
import { planKernels } from '../../src/host/engine/choose.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { randomWeights } from '../readers/tiny.js'

/** Two layers, of few weights and little work, whose activations lie side by side. */
const wide = (side: number, filters: number): string => `[net]
width=${side}
height=${side}
channels=3

[convolutional]
filters=${filters}
size=1
stride=1
activation=leaky

[convolutional]
filters=6
size=1
stride=16
activation=linear

[yolo]
anchors=10,14
classes=1
`

const plan = (cfg: string) =>
  planKernels(
    verifyModel(
      readDarknet({
        cfg: { text: cfg, file: 'x.cfg' },
        weights: { bytes: randomWeights(cfg, 1), file: 'x.weights' },
      }),
    ),
    1,
    { tuneMs: 0 },
  )

it('refuses a small file that asks for gigabytes, before any is allocated', async () => {
  expect((await plan(wide(1024, 64))).end).toBeGreaterThan(1024 * 1024 * 64 * 4)
  await expect(plan(wide(4096, 48))).rejects.toThrow(/needs \d+ bytes of memory, more than 2147483648/)
})
