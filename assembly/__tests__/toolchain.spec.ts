class Pair {
  constructor(
    public left: i32,
    public right: i32,
  ) {}
}

describe('toolchain', () => {
  test('floats compare as values', () => {
    expect<f32>(nearest<f32>(2.5)).toBe(2.0)
  })

  test('classes compare by content', () => {
    expect<Pair>(new Pair(1, 2)).toStrictEqual(new Pair(1, 2))
    expect<Pair>(new Pair(1, 2)).not.toStrictEqual(new Pair(1, 3))
  })

  test('SIMD is used where it is enabled', () => {
    if (ASC_FEATURE_SIMD) {
      const products = i32x4.dot_i16x8_s(i16x8.splat(-300), i16x8.splat(200))
      expect<i32>(i32x4.extract_lane(products, 3)).toBe(-120000)
    }
  })
})
