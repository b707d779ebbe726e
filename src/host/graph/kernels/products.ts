import { convProducts } from '../../program/kinds.js'
import { sizes } from '../../program/sizes.js'
import type { Kernel, NodeView } from '../descriptor.js'
import {
  convolutionFields,
  depthOf,
  foldedBias,
  geometry,
  isDepthwise,
  isInt8,
  multipliers,
  panels,
} from './convolution.js'

/**
 * conv_s8 with another form of its product: multiply-adds, for ARM without dot products of int8; or
 * products of four int8 by 7 bits, the relaxed SIMD instruction, for processors that have one.
 * assembly/lib/products.ts.
 */
function kernel(
  name: string,
  opcode: 'convMlaS8' | 'convRelaxedS8',
  product: keyof typeof convProducts,
  /** Values of a field that a step multiplies. */
  channels: number,
  slowness: number,
  fits: (view: NodeView) => boolean,
): Kernel {
  const steps = (view: NodeView): number => Math.ceil(depthOf(view) / channels)
  return {
    name,
    fits: (view) => isInt8(view) && !isDepthwise(view) && fits(view),
    cost: (view) =>
      slowness * view.output.shape[1] * view.output.shape[2] * view.output.shape[3] * depthOf(view),
    scratchBytes(view) {
      const { block } = geometry(view)
      return block * steps(view) * 4 + sizes.gatherSlackBytes + sizes.tileBytes + block * 4
    },
    blocks(view) {
      const { groups, outputChannels } = geometry(view)
      const all = groups * Math.ceil(outputChannels / 8)
      return [
        { role: 'weight', bytes: all * steps(view) * 32 },
        { role: 'bias', bytes: all * 32 },
        { role: 'multiplier', bytes: all * 32 },
      ]
    },
    load(view, loader) {
      const { groups, outputChannels } = geometry(view)
      const source = loader.stage(view.constants.weight.data)
      const target = loader.block('weight')
      const kind = convProducts[product]
      loader.engine.pack_conv_product_s8(kind, source, target, outputChannels, depthOf(view), groups)
      loader.write('bias', panels(foldedBias(view).values, groups))
      loader.write('multiplier', panels(multipliers(view), groups))
    },
    emit: (view, place) => ({ opcode, fields: convolutionFields(view, place) }),
  }
}

export const productKernels: readonly Kernel[] = [
  kernel('direct-mla', 'convMlaS8', 'mla', 2, 3, () => true),
  kernel('relaxed', 'convRelaxedS8', 'relaxed', 4, 1.2, (view) => foldedBias(view).narrow),
]
