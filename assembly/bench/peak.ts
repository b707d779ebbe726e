// The roofline of the simd build: each export does `products` multiply-accumulates of one kind, and
// nothing else. The rate of a kernel divided by the best of these rates is the share of the machine
// that it uses. See rounds.ts.

import { eight, F32, five, I16_DOT, I16_EXTEND, six } from './rounds'

export function i16_dot_five(products: i32, seed: i32): i32 {
  return five(I16_DOT, products, seed)
}

export function i16_dot_six(products: i32, seed: i32): i32 {
  return six(I16_DOT, products, seed)
}

export function i16_dot_eight(products: i32, seed: i32): i32 {
  return eight(I16_DOT, products, seed)
}

export function i16_extend_five(products: i32, seed: i32): i32 {
  return five(I16_EXTEND, products, seed)
}

export function i16_extend_six(products: i32, seed: i32): i32 {
  return six(I16_EXTEND, products, seed)
}

export function i16_extend_eight(products: i32, seed: i32): i32 {
  return eight(I16_EXTEND, products, seed)
}

export function f32_five(products: i32, seed: i32): i32 {
  return five(F32, products, seed)
}

export function f32_six(products: i32, seed: i32): i32 {
  return six(F32, products, seed)
}

export function f32_eight(products: i32, seed: i32): i32 {
  return eight(F32, products, seed)
}
