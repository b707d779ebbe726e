// Reading an instruction: word n is the n-th field in the order of src/host/program/instruction.ts.

// @ts-ignore: decorator
@inline
export function word(i: usize, n: usize): i32 {
  return load<i32>(i + (n << 2))
}

/** A field that holds an address. */
// @ts-ignore: decorator
@inline
export function address(i: usize, n: usize): usize {
  return <usize>load<u32>(i + (n << 2))
}

/** A field that holds the bits of a float32. */
// @ts-ignore: decorator
@inline
export function float(i: usize, n: usize): f32 {
  return load<f32>(i + (n << 2))
}
