// The one place that knows what this build may use. A branch on a feature disappears when it is compiled: the scalar
// build contains no vector instruction, the SIMD builds no scalar loop, those of one thread no atomics.

export const SIMD: bool = ASC_FEATURE_SIMD
export const RELAXED: bool = ASC_FEATURE_RELAXED_SIMD
export const THREADS: bool = ASC_FEATURE_THREADS
