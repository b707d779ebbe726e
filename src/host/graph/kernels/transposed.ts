import { products as productKinds } from '../../program/kinds.js'
import { sizes } from '../../program/sizes.js'
import { type Kernel, type NodeView, roundUp } from '../descriptor.js'
import { channelBeyond, isInt8, panels } from './convolution.js'
import { phaseBias, phaseWeights, transposedGeometry } from './phases.js'
import {
  keepMultipliers,
  type Product,
  productCosts,
  scaledMultipliers,
  tileGroups,
  winogradFields,
  workBytes,
} from './winograd.js'

/**
 * What transforming a tile costs for an input and for an output channel, and eight filters for an
 * input channel, in multiply-accumulates that take as long. Measured on x86; elsewhere measurement
 * corrects it.
 */
const costs = {
  2: { input: 60, output: 70, filter: 90 },
  4: { input: 160, output: 320, filter: 260 },
} as const

/** Bytes of transformed tiles and sums that a kernel works on at a time. */
const blockBytes = 256 * 1024

/** Taps of a phase, in each direction. */
const taps = 2

/**
 * Winograd's F(size x size, 2x2) of each phase, exact in integers:
 * assembly/kernels/winograd/transposed_winograd_s8.ts.
 */
function transposedWinograd(size: 2 | 4, product: Product): Kernel {
  const products = (size + taps - 1) ** 2
  const scale = size === 4 ? 4 : 1

  function geometry(view: NodeView) {
    const { phases, inputs, outputs } = transposedGeometry(view)
    const channels = roundUp(inputs, 8)
    const outputPanels = Math.ceil(outputs / 8)
    const groups = phases.map(({ rows, columns }) => tileGroups(rows.size, columns.size, size))
    // Of one phase, beside which a row of filters is small.
    const groupBytes = products * (channels * 8 + 128) + sizes.sumsGapBytes
    const fits = Math.floor(blockBytes / groupBytes)
    return {
      ...{ phases, inputs, outputs, channels, outputPanels, groups },
      panelBytes: 32 + (channels / 2) * 64,
      block: Math.max(1, Math.min(Math.max(...groups), fits)),
    }
  }

  return {
    name: `winograd${size}2${product === 'mla' ? '-mla' : ''}`,
    fits: (view) =>
      isInt8(view) &&
      transposedGeometry(view).phases.every(
        ({ rows, columns }) => rows.taps.length === taps && columns.taps.length === taps,
      ) &&
      (size === 2 || channelBeyond(view, 2 ** 29) === undefined) &&
      keepMultipliers(view, scale),
    cost(view) {
      const { channels, outputPanels, groups, block } = geometry(view)
      const outputs = outputPanels * 8
      const cost = costs[size]
      const tile =
        products * channels * outputs * productCosts[product] + cost.input * channels + cost.output * outputs
      return groups.reduce(
        (sum, count) =>
          sum + count * 4 * tile + Math.ceil(count / block) * cost.filter * channels * outputPanels,
        0,
      )
    },
    /** Record, work, what sums start from, a row of filters, transformed tiles, sums. */
    scratchBytes(view) {
      const { inputs, channels, block } = geometry(view)
      const { instructionBytes, startBytes, tapGapBytes, tileBytes, sumsGapBytes } = sizes
      const filters = (size + taps - 1) * (channels * 16 + tapGapBytes)
      return (
        instructionBytes +
        workBytes(products, inputs) +
        startBytes +
        filters +
        products * (block * channels * 8 + tapGapBytes) +
        block * (products * tileBytes + sumsGapBytes)
      )
    },
    blocks(view) {
      const { phases, outputPanels, panelBytes } = geometry(view)
      return [
        { role: 'weight', bytes: phases.length * outputPanels * panelBytes },
        { role: 'multiplier', bytes: outputPanels * 32 },
      ]
    },
    load(view, loader) {
      const { phases, inputs, outputs, outputPanels, panelBytes } = geometry(view)
      phases.forEach((phase, p) => {
        loader.engine.pack_transposed_s8(
          loader.stage(phaseWeights(view, phase, new Int8Array(outputs * phase.taps * inputs))),
          loader.block('weight') + p * outputPanels * panelBytes,
          loader.stage(phaseBias(view, p)),
          outputs,
          inputs,
          view.inputs[0].quantization?.zeroPoint ?? 0,
          productKinds[product],
        )
      })
      loader.write('multiplier', panels(scaledMultipliers(view, scale), 1))
    },
    emit(view, place) {
      const { block } = geometry(view)
      const [strideY, strideX] = transposedGeometry(view).strides
      return {
        opcode: size === 4 ? 'transposedWinograd42S8' : 'transposedWinograd22S8',
        fields: { ...winogradFields(view, place, { block, chunk: 1, product }), strideY, strideX },
      }
    },
  }
}

export const transposedKernels: readonly Kernel[] = [
  transposedWinograd(4, 'dot'),
  transposedWinograd(4, 'mla'),
  transposedWinograd(2, 'dot'),
  transposedWinograd(2, 'mla'),
]
