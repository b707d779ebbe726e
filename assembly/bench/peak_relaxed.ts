// The roofline of the relaxed build; see peak.ts and rounds.ts.

import { eight, F32_RELAXED, five, I8_RELAXED, I8_RELAXED_PAIRS, six } from './rounds'

export function i8_relaxed_five(products: i32, seed: i32): i32 {
  return five(I8_RELAXED, products, seed)
}

export function i8_relaxed_six(products: i32, seed: i32): i32 {
  return six(I8_RELAXED, products, seed)
}

export function i8_relaxed_eight(products: i32, seed: i32): i32 {
  return eight(I8_RELAXED, products, seed)
}

export function i8_relaxed_pairs_five(products: i32, seed: i32): i32 {
  return five(I8_RELAXED_PAIRS, products, seed)
}

export function i8_relaxed_pairs_six(products: i32, seed: i32): i32 {
  return six(I8_RELAXED_PAIRS, products, seed)
}

export function i8_relaxed_pairs_eight(products: i32, seed: i32): i32 {
  return eight(I8_RELAXED_PAIRS, products, seed)
}

export function f32_relaxed_five(products: i32, seed: i32): i32 {
  return five(F32_RELAXED, products, seed)
}

export function f32_relaxed_six(products: i32, seed: i32): i32 {
  return six(F32_RELAXED, products, seed)
}

export function f32_relaxed_eight(products: i32, seed: i32): i32 {
  return eight(F32_RELAXED, products, seed)
}
