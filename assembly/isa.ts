// The one place that knows what this build may use. A branch on SIMD disappears when it is compiled: the scalar
// build contains no vector instruction, the SIMD build no scalar loop.

export const SIMD: bool = ASC_FEATURE_SIMD
