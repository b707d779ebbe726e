import { products } from '../../program/kinds.js'
import { sizes } from '../../program/sizes.js'
import { type Kernel, type NodeView, roundUp } from '../descriptor.js'
import { foldedBias, panels } from './convolution.js'
import {
  chunkPanels,
  fits3x3,
  type Product,
  productCosts,
  scaledMultipliers,
  tileGroups,
  winogradFields,
  workBytes,
} from './winograd.js'

/** Products of a tile of 4x4 outputs: of four phases. */
export const stridedProducts = 81
/** Sums of a tile, to which the phases add. */
const taps = 25
/** Rows and columns of input that a tile needs. */
const reach = 9
/** What a tile's sums are multiples of. */
const scale = 4
/** Bytes of transformed tiles and sums that the kernel works on at a time. */
const blockBytes = 256 * 1024
/** As of winograd.ts. */
const tileCosts = { input: 500, output: 420 } as const

/**
 * Winograd's F(4x4,2x2) and its like for 3x3 at stride 2, exact in integers:
 * assembly/kernels/winograd/strided_winograd_s8.ts.
 */
function strided(product: Product): Kernel {
  function geometry(view: NodeView) {
    const [, , , inputChannels] = view.inputs[0].shape
    const [, outputHeight, outputWidth, outputChannels] = view.output.shape
    const channels = roundUp(inputChannels, 8)
    const groups = tileGroups(outputHeight, outputWidth, 4)
    const outputPanels = Math.ceil(outputChannels / 8)
    const chunk = Math.min(chunkPanels, outputPanels)
    const most = Math.floor(blockBytes / (taps * (channels * 32 + chunk * 128)))
    return {
      ...{ inputChannels, outputChannels, channels, groups, outputPanels, chunk },
      block: Math.min(groups, Math.max(2, most)),
    }
  }

  return {
    name: `winograd42${product === 'mla' ? '-mla' : ''}`,
    fits: (view) => fits3x3(view, 2, scale),
    cost(view) {
      const { channels, outputPanels, groups } = geometry(view)
      const outputs = outputPanels * 8
      const multiplied = stridedProducts * channels * outputs * productCosts[product]
      return groups * 4 * (multiplied + tileCosts.input * channels + tileCosts.output * outputs)
    },
    /** Work, transformed tiles, sums. */
    scratchBytes(view) {
      const { inputChannels, channels, block, chunk } = geometry(view)
      const work = workBytes(reach * reach, inputChannels)
      const group = chunk * taps * sizes.tileBytes + sizes.sumsGapBytes
      return work + taps * (block * channels * 32 + sizes.tapGapBytes) + block * group
    },
    blocks(view) {
      const { outputPanels, channels } = geometry(view)
      return [
        { role: 'weight', bytes: outputPanels * (taps * 32 + stridedProducts * channels * 16) },
        { role: 'multiplier', bytes: outputPanels * 32 },
      ]
    },
    load(view, loader) {
      const { outputChannels, inputChannels, chunk } = geometry(view)
      loader.engine.pack_strided_s8(
        loader.stage(view.constants.weight.data),
        loader.stage(foldedBias(view).values),
        loader.block('weight'),
        outputChannels,
        inputChannels,
        chunk,
        products[product],
      )
      loader.write('multiplier', panels(scaledMultipliers(view, scale), 1))
    },
    emit(view, place) {
      const { block, chunk } = geometry(view)
      return {
        opcode: 'stridedWinograd42S8',
        fields: winogradFields(view, place, { block, chunk, product }),
      }
    },
  }
}

export const stridedKernels: readonly Kernel[] = [strided('dot'), strided('mla')]
