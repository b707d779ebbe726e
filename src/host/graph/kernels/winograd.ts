import type { Fields } from '../../program/instruction.js'
import { phases, products, winogradSizes } from '../../program/kinds.js'
import { sizes } from '../../program/sizes.js'
import { integer, integers, type Kernel, type NodeView, type Placement, roundUp } from '../descriptor.js'
import { outputFields } from '../ops/shared.js'
import { foldedBias, isInt8, leastMultiplier, multipliers, panels } from './convolution.js'

/** Panels of output channels that are multiplied between two looks at the transformed tiles. */
export const chunkPanels = 8
/**
 * Bytes of transformed tiles and sums that a kernel works on at a time, beside the weights, and
 * panels as above: little where the weights stay in a second-level cache from block to block, more
 * where they come from memory each time and should be used longer and read in longer streams.
 */
const blocking = (weightBytes: number) =>
  weightBytes <= 512 * 1024
    ? { blockBytes: 96 * 1024, most: chunkPanels }
    : { blockBytes: 256 * 1024, most: 2 * chunkPanels }

/**
 * int8 dot products of pairs (one instruction on x86) or widening multiply-adds (one on ARM without
 * dot products).
 */
export type Product = keyof typeof products

/**
 * What transforming a tile costs for an input and for an output channel, in multiply-accumulates
 * that take as long; and how much longer a product takes. Measured on x86; elsewhere measurement
 * corrects it.
 */
const tileCosts = { 2: { input: 80, output: 120 }, 4: { input: 220, output: 520 } } as const
export const productCosts = { dot: 1, mla: 3 } as const
/**
 * What a byte of transformed weights costs, in multiply-accumulates: they are written at load and
 * read for each block, most often from memory. It decides where little else does, at few tiles:
 * F(2x2) has half the bytes.
 */
const byteCost = 0.5

/** Winograd's F(size x size, 3x3), exact in integers: assembly/kernels/winograd/winograd_s8.ts. */
function winograd(size: 2 | 4, product: Product): Kernel {
  const taps = (size + 2) ** 2
  const scale = size === 4 ? 64 : 4
  const opcode = size === 4 ? 'winograd43S8' : 'winograd23S8'

  function geometry(view: NodeView) {
    const [, , , inputChannels] = view.inputs[0].shape
    const [, outputHeight, outputWidth, outputChannels] = view.output.shape
    const channels = roundUp(inputChannels, 8)
    const groups = tileGroups(outputHeight, outputWidth, size)
    const outputPanels = Math.ceil(outputChannels / 8)
    const panelBytes = channels * 16 + 32
    const { blockBytes, most } = blocking(outputPanels * taps * panelBytes)
    const chunk = Math.min(most, outputPanels)
    const groupBytes = taps * (channels * 8 + chunk * 128)
    return {
      ...{ inputChannels, outputChannels },
      panelBytes,
      outputPanels,
      groups,
      chunk,
      block: Math.min(groups, Math.max(2, Math.floor(blockBytes / groupBytes))),
    }
  }

  /**
   * The parts that assembly/kernels/winograd/winograd_s8.ts cuts it into: work, transformed tiles,
   * sums.
   */
  function scratchBytes(view: NodeView): number {
    const { inputChannels, block, chunk } = geometry(view)
    const tapStride = block * roundUp(inputChannels, 8) * 8 + sizes.tapGapBytes
    const group = chunk * taps * sizes.tileBytes + sizes.sumsGapBytes
    return workBytes(taps, inputChannels) + taps * tapStride + block * group
  }

  return {
    name: `winograd${size}3${product === 'mla' ? '-mla' : ''}`,
    fits: (view) => fits3x3(view, 1, scale),
    cost(view) {
      const { inputChannels, outputPanels, panelBytes, groups } = geometry(view)
      const outputs = outputPanels * 8
      const [, height, width] = view.output.shape
      const depth = roundUp(inputChannels, 8)
      const multiplied = tileProducts(height, width, size, 3) * depth * outputs * productCosts[product]
      const transforms = tileCosts[size].input * inputChannels + tileCosts[size].output * outputs
      return multiplied + groups * 4 * transforms + outputPanels * taps * panelBytes * byteCost
    },
    scratchBytes,
    blocks(view) {
      const { outputPanels, panelBytes } = geometry(view)
      return [
        { role: 'weight', bytes: outputPanels * taps * panelBytes },
        { role: 'multiplier', bytes: outputPanels * 32 },
      ]
    },
    load(view, loader) {
      const { outputChannels, inputChannels, chunk } = geometry(view)
      loader.engine.pack_winograd_s8(
        winogradSizes[size === 4 ? 'f43' : 'f23'],
        loader.stage(view.constants.weight.data),
        loader.stage(foldedBias(view).values),
        loader.block('weight'),
        outputChannels,
        inputChannels,
        chunk,
        products[product],
        loader.stage(new Int8Array(sizes.packingWorkBytes)),
      )
      loader.write('multiplier', panels(scaledMultipliers(view, scale), 1))
    },
    emit(view, place) {
      const { block, chunk } = geometry(view)
      return { opcode, fields: winogradFields(view, place, { block, chunk, product }) }
    },
  }
}

/**
 * Whether it is an int8 3x3 convolution of one group whose sums, times `scale`, and their
 * multipliers are kept exactly.
 */
export const fits3x3 = (view: NodeView, stride: number, scale: number): boolean =>
  isInt8(view) &&
  integers(view, 'kernel').every((side) => side === 3) &&
  integers(view, 'strides').every((step) => step === stride) &&
  integer(view, 'groups', 1) === 1 &&
  foldedBias(view).largest < 2 ** 31 / scale &&
  keepMultipliers(view, scale)

/**
 * Of the transforms, the tiling and four padded patches of `pixels` pixels:
 * assembly/kernels/winograd/input.ts.
 */
export const workBytes = (pixels: number, channels: number): number =>
  roundUp(
    sizes.winogradWorkBytes +
      sizes.tilingBytes +
      sizes.slackBytes +
      4 * (pixels * roundUp(channels, 16) + sizes.patchSlackBytes),
    64,
  )

/** Multipliers for sums that come out `scale` times too large, a power of two. */
export const scaledMultipliers = (view: NodeView, scale: number): Float32Array =>
  multipliers(view).map((value) => value / scale)

/** Whether such multipliers are normal numbers, and so lose no bit. */
export const keepMultipliers = (view: NodeView, scale: number): boolean =>
  leastMultiplier(view) >= 2 ** -126 * scale

/** Groups of four tiles, of size x size outputs each. */
export const tileGroups = (height: number, width: number, size: number): number =>
  Math.ceil((Math.ceil(height / size) * Math.ceil(width / size)) / 4)

/**
 * Products of an input and an output channel, those of padding included. F(4,3) makes the last
 * tiles short, and a group of four has all that the largest of them needs:
 * assembly/kernels/winograd/tiles.ts.
 */
export function tileProducts(height: number, width: number, size: number, taps: number): number {
  const side = size + taps - 1
  if (size !== 4 || taps !== 3) return side ** 2 * 4 * tileGroups(height, width, size)
  const [rows, columns] = [height, width].map((n) => Math.ceil(n / size))
  const shortRows = Math.min(rows * size - height, rows)
  const shortColumns = Math.min(columns * size - width, columns)
  const [wholeRows, wholeColumns] = [rows - shortRows, columns - shortColumns]
  const ends = [wholeRows * wholeColumns, wholeRows * columns]
  const both = ends[1] + shortRows * shortColumns
  let found = 0
  for (let first = 0; first < rows * columns; first += 4) {
    const last = Math.min(first + 3, rows * columns - 1)
    const short = [first >= ends[1], first >= ends[0] && last < both]
    found += 4 * (side - Number(short[0])) * (side - Number(short[1]))
  }
  return found
}

/** The fields that all Winograd kernels have. */
export function winogradFields(
  view: NodeView,
  place: Placement,
  { block, chunk, product }: { block: number; chunk: number; product: Product },
): Fields<'winograd43S8'> {
  const [, inputHeight, inputWidth, inputChannels] = view.inputs[0].shape
  const [, outputHeight, outputWidth, outputChannels] = view.output.shape
  const [padTop, padLeft] = integers(view, 'pads')
  const input = place.input(0)
  return {
    ...{ inputHeight, inputWidth, inputChannels, outputHeight, outputWidth, outputChannels, block, chunk },
    input: input.address,
    output: place.output.address,
    weights: place.block('weight'),
    multipliers: place.block('multiplier'),
    inputStride: input.stride,
    outputStride: place.output.stride,
    outputRowStride: place.output.stride * outputWidth,
    padTop,
    padLeft,
    ...outputFields(view),
    scratch: place.scratch,
    product: products[product],
    phase: phases.whole,
  }
}

export const winogradKernels: readonly Kernel[] = [
  winograd(4, 'dot'),
  winograd(4, 'mla'),
  winograd(2, 'dot'),
  winograd(2, 'mla'),
]
