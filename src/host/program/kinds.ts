/**
 * The numbers that stand for a choice, in an instruction or in the arguments of a packing export.
 * The engine has them from assembly/lib/instructions.ts, which scripts/instructions.mjs writes from
 * here.
 */

/** The curve of activationF32. */
export const activationKinds = { logistic: 1, mish: 2, swish: 3, gelu: 4, tanh: 5, hardSwish: 6 } as const

/**
 * The curve of curveF32: those that an int8 table or a convolution's own activation serves most of
 * the time.
 */
export const curveKinds = {
  relu: 1,
  leakyRelu: 2,
  clip: 3,
  affine: 4,
  square: 5,
  sqrt: 6,
  reciprocal: 7,
  abs: 8,
  exp: 9,
  log: 10,
  erf: 11,
  elu: 12,
  celu: 13,
  selu: 14,
  softplus: 15,
  softsign: 16,
  hardSigmoid: 17,
  power: 18,
  hardMish: 19,
} as const

/** What arithmeticF32 computes of two operands; slope is a where a is not negative, else a * b. */
export const arithmeticKinds = { add: 1, sub: 2, mul: 3, div: 4, min: 5, max: 6, pow: 7, slope: 8 } as const

/** How reduceF32 makes one value of a row. */
export const reduceKinds = {
  mean: 1,
  sum: 2,
  max: 3,
  min: 4,
  prod: 5,
  l1: 6,
  l2: 7,
  sumSquare: 8,
  argMax: 9,
  argMin: 10,
} as const

/** What a border is made of. */
export const padModes = { constant: 0, reflect: 1, edge: 2 } as const

/** What a kernel stores. */
export const outputTypes = { int8: 0, float32: 1 } as const

/** How a kernel multiplies pairs of int16; its weights are packed for one of the two. */
export const products = { dot: 0, mla: 1 } as const

/** The same for a convolution over gathered fields, which may multiply four int8 at a time. */
export const convProducts = { ...products, relaxed: 2 } as const

/**
 * What a Winograd instruction does: the convolution, or its products alone, so that they can be
 * timed.
 */
export const phases = { whole: 0, products: 1 } as const

/** How suppress measures the overlap of two boxes. */
export const overlapKinds = { iou: 0, diou: 1 } as const

/** Output rows and columns of a Winograd tile, as pack_winograd_s8 takes them. */
export const winogradSizes = { f23: 2, f43: 4 } as const

/** What row_sums_s8 has found, one bit each: a weight outside -64..63, a weight of -128. */
export const rowFindings = { wide: 1, least: 2 } as const

/** The number of a kind by its name. There is no default: a name that is not known is a mistake. */
export function kindOf(kinds: Readonly<Record<string, number>>, name: string): number {
  if (Object.hasOwn(kinds, name)) return kinds[name]
  throw new RangeError(`${name} is none of ${Object.keys(kinds).join(', ')}`)
}

/** The kinds that a field may have, by the name that the field lists give them. */
export const enumerations = {
  activation: activationKinds,
  curve: curveKinds,
  arithmetic: arithmeticKinds,
  reduce: reduceKinds,
  padMode: padModes,
  outputType: outputTypes,
  product: products,
  phase: phases,
  overlap: overlapKinds,
  winogradSize: winogradSizes,
} as const
