import type { Model } from './types.js'

/** Whether a model is quantised: its heads may be float32 all the same. */
export const isInt8 = ({ graph }: Model): boolean => graph.tensors.some((t) => t.dtype === 'int8')
