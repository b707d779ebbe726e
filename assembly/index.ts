// The engine's exports. docs/engine.md describes them.

export { pack_conv_f32 } from './kernels/conv/conv_f32'
export { pack_conv_product_s8, pack_conv_s8 } from './kernels/conv/conv_s8'
export { pack_depthwise_f32 } from './kernels/conv/depthwise_f32'
export { pack_depthwise_s8 } from './kernels/conv/depthwise_s8'
export { pack_linear_s8 } from './kernels/linear/pack'
export { pack_strided_s8 } from './kernels/winograd/strided_winograd_s8'
export { pack_transposed_s8 } from './kernels/winograd/transposed_winograd_s8'
export { pack_winograd_s8 } from './kernels/winograd/winograd_s8'
export { find_beyond_s8, find_not_finite_f32 } from './lib/find'
export { row_sums_s8 } from './lib/row_sums'
export { probe } from './probe'
export { run } from './program'
export { work } from './threads/worker'

import { PROGRAM_VERSION } from './lib/instructions'

/** The version of the contract with the host. */
export function version(): i32 {
  return PROGRAM_VERSION
}
