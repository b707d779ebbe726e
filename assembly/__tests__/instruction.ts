// What the kernels' specs share: blocks of memory, instructions and pseudo-random values.

let seed: u32 = 1

/** The top bits of a linear congruential generator. */
export function random(): u32 {
  seed = seed * 1664525 + 1013904223
  return seed >> 8
}

/** float32 in -1..1. */
export function randomFloat(): f32 {
  return <f32>(<i32>(random() & 0xffff) - 0x8000) / 0x8000
}

/** `bytes` random bytes that a kernel may read 64 bytes beyond. */
export function block(bytes: i32): usize {
  const at = heap.alloc(bytes + 64)
  for (let n = 0; n < bytes + 64; n++) store<u8>(at + n, <u8>random())
  return at
}

/** `count` random float32. */
export function floats(count: i32): usize {
  const at = block(count * 4)
  for (let n = 0; n < count + 16; n++) store<f32>(at + n * 4, randomFloat())
  return at
}

/** An instruction whose fields are `words`, from word 1 on. */
export function instruction(words: i32[]): usize {
  const at = heap.alloc(128)
  memory.fill(at, 0, 128)
  for (let n = 0; n < words.length; n++) store<i32>(at + 4 + n * 4, words[n])
  return at
}

export function bits(value: f32): i32 {
  return reinterpret<i32>(value)
}
