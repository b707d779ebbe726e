/**
 * What the engine exports for packing weights, in the order of its arguments; docs/engine.md says
 * what each does, and a test compares the three.
 */
export interface PackExports {
  pack_conv_s8(
    source: number,
    target: number,
    bias: number,
    outputChannels: number,
    depth: number,
    groups: number,
    inputZeroPoint: number,
    foldedBias: number,
  ): number
  pack_depthwise_s8(
    source: number,
    target: number,
    bias: number,
    channels: number,
    taps: number,
    inputZeroPoint: number,
    foldedBias: number,
  ): number
  pack_conv_product_s8(
    product: number,
    source: number,
    target: number,
    outputChannels: number,
    depth: number,
    groups: number,
  ): void
  pack_winograd_s8(
    size: number,
    source: number,
    foldedBias: number,
    target: number,
    outputChannels: number,
    channels: number,
    chunk: number,
    product: number,
    work: number,
  ): void
  pack_strided_s8(
    source: number,
    foldedBias: number,
    target: number,
    outputChannels: number,
    channels: number,
    chunk: number,
    product: number,
  ): void
  pack_transposed_s8(
    source: number,
    target: number,
    bias: number,
    outputChannels: number,
    channels: number,
    inputZeroPoint: number,
    product: number,
  ): void
  pack_conv_f32(source: number, target: number, outputChannels: number, depth: number, groups: number): void
  pack_depthwise_f32(source: number, target: number, channels: number, taps: number): void
  row_sums_s8(source: number, rows: number, depth: number, to: number): number
  find_beyond_s8(source: number, count: number, limit: number): number
  find_not_finite_f32(source: number, count: number): number
  pack_linear_s8(source: number, target: number, outputChannels: number, depth: number, limit: number): void
}
