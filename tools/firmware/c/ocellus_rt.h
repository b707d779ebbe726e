/*
 * What the kernels of ocellus_engine.c are written in. They were translated from WebAssembly, whose
 * addresses are numbers of 32 bits. Where pointers have 32 bits too, an address is a pointer. On a
 * PC with 64 bits addresses count from `m`, the arena, into which ocellus_init then copies
 * what is constant: the same files can be tested there.
 */
#ifndef OCELLUS_RT_H
#define OCELLUS_RT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__)
#error "-ffast-math changes results: compile Ocellus without it"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Ocellus needs a little-endian machine"
#endif
/* A fused multiply-add rounds once where two operations round twice. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

#if defined(__GNUC__)
#define OC_INLINE static inline __attribute__((always_inline, unused))
#define OC_NOINLINE __attribute__((noinline))
#define OC_TRAP() __builtin_trap()
typedef u32 __attribute__((may_alias)) oc_word;
typedef float __attribute__((may_alias)) oc_real;
#else
#define OC_INLINE static inline
#define OC_NOINLINE
#define OC_TRAP() \
  for (;;) {      \
  }
#endif

/* MEM_ and MEM1_ stand for the parameter `m` before others and alone, M_ and M1_ for its argument. */
#if UINTPTR_MAX > 0xffffffffu
#define OC_BASED 1
#define MEM_ u8 *m,
#define MEM1_ u8 *m
#define M_ m,
#define M1_ m
#define AT(address) (m + (u32)(address))
#else
#define MEM_
#define MEM1_ void
#define M_
#define M1_
#define AT(address) ((u8 *)(uintptr_t)(u32)(address))
#endif

#define OC_LOAD(name, type, result)   \
  OC_INLINE result name(const u8 *p) { \
    type value;                        \
    memcpy(&value, p, sizeof value);   \
    return (result)value;              \
  }
#define OC_STORE(name, type, argument)      \
  OC_INLINE void name(u8 *p, argument v) {  \
    type value = (type)v;                   \
    memcpy(p, &value, sizeof value);        \
  }
OC_LOAD(oc_ld8u, u8, u32)
OC_LOAD(oc_ld16u, u16, u32)
OC_LOAD(oc_ld32, u32, u32)
OC_LOAD(oc_ld64, u64, u64)
OC_LOAD(oc_ldf32, float, float)
OC_LOAD(oc_ldf64, double, double)
OC_INLINE u32 oc_ld8s(const u8 *p) { return (u32)(s32)(s8)*p; }
OC_INLINE u32 oc_ld16s(const u8 *p) { return (u32)(s32)(s16)oc_ld16u(p); }
OC_STORE(oc_st8, u8, u32)
OC_STORE(oc_st16, u16, u32)
OC_STORE(oc_st32, u32, u32)
OC_STORE(oc_st64, u64, u64)
OC_STORE(oc_stf32, float, float)
OC_STORE(oc_stf64, double, double)
#define ld8u(a) oc_ld8u(AT(a))
#define ld8s(a) oc_ld8s(AT(a))
#define ld16u(a) oc_ld16u(AT(a))
#define ld16s(a) oc_ld16s(AT(a))
#define ld32(a) oc_ld32(AT(a))
#define ld64(a) oc_ld64(AT(a))
#define ldf32(a) oc_ldf32(AT(a))
#define ldf64(a) oc_ldf64(AT(a))
#define st8(a, v) oc_st8(AT(a), v)
#define st16(a, v) oc_st16(AT(a), v)
#define st32(a, v) oc_st32(AT(a), v)
#define st64(a, v) oc_st64(AT(a), v)
#define stf32(a, v) oc_stf32(AT(a), v)
#define stf64(a, v) oc_stf64(AT(a), v)
/* Words that are known to be aligned, so that a core may load two of them at once. */
#if defined(__GNUC__)
#define ld32a(a) (*(const oc_word *)(const void *)AT(a))
#define ldf32a(a) (*(const oc_real *)(const void *)AT(a))
#define st32a(a, v) (*(oc_word *)(void *)AT(a) = (v))
#define stf32a(a, v) (*(oc_real *)(void *)AT(a) = (v))
#else
#define ld32a ld32
#define ldf32a ldf32
#define st32a st32
#define stf32a stf32
#endif

#define OC_CAST(name, from, to)     \
  OC_INLINE to name(from x) {       \
    to r;                           \
    memcpy(&r, &x, sizeof r);       \
    return r;                       \
  }
OC_CAST(oc_bits32, float, u32)
OC_CAST(oc_bits64, double, u64)
OC_CAST(oc_float, u32, float)
OC_CAST(oc_double, u64, double)

OC_INLINE u32 oc_rotl32(u32 x, u32 n) { return (x << (n & 31u)) | (x >> ((32u - n) & 31u)); }
OC_INLINE u32 oc_rotr32(u32 x, u32 n) { return (x >> (n & 31u)) | (x << ((32u - n) & 31u)); }
OC_INLINE u64 oc_rotl64(u64 x, u64 n) { return (x << (n & 63u)) | (x >> ((64u - n) & 63u)); }
OC_INLINE u64 oc_rotr64(u64 x, u64 n) { return (x >> (n & 63u)) | (x << ((64u - n) & 63u)); }
OC_INLINE u32 oc_clz32(u32 x) {
  u32 n = 0;
  while (n < 32u && !(x >> (31u - n))) n++;
  return n;
}
OC_INLINE u32 oc_ctz32(u32 x) {
  u32 n = 0;
  while (n < 32u && !(x >> n & 1u)) n++;
  return n;
}
OC_INLINE u64 oc_clz64(u64 x) { return x >> 32 ? oc_clz32((u32)(x >> 32)) : 32u + oc_clz32((u32)x); }
OC_INLINE u64 oc_ctz64(u64 x) { return (u32)x ? oc_ctz32((u32)x) : 32u + oc_ctz32((u32)(x >> 32)); }

/* As WebAssembly's min and max: NaN if either is, and -0 below 0. */
OC_INLINE float oc_minf(float x, float y) {
  if (x < y) return x;
  if (y < x) return y;
  return x != x || y != y ? x + y : oc_float(oc_bits32(x) | oc_bits32(y));
}
OC_INLINE float oc_maxf(float x, float y) {
  if (x > y) return x;
  if (y > x) return y;
  return x != x || y != y ? x + y : oc_float(oc_bits32(x) & oc_bits32(y));
}
OC_INLINE double oc_min(double x, double y) {
  if (x < y) return x;
  if (y < x) return y;
  return x != x || y != y ? x + y : oc_double(oc_bits64(x) | oc_bits64(y));
}
OC_INLINE double oc_max(double x, double y) {
  if (x > y) return x;
  if (y > x) return y;
  return x != x || y != y ? x + y : oc_double(oc_bits64(x) & oc_bits64(y));
}
/* Truncation that saturates; NaN becomes 0. */
OC_INLINE u32 oc_to_s32(double x) {
  if (x != x) return 0;
  if (x <= -2147483648.0) return 0x80000000u;
  return x >= 2147483647.0 ? 0x7fffffffu : (u32)(s32)x;
}
OC_INLINE u32 oc_to_u32(double x) {
  if (!(x > 0.0)) return 0;
  return x >= 4294967295.0 ? 0xffffffffu : (u32)x;
}
OC_INLINE u64 oc_to_s64(double x) {
  if (x != x) return 0;
  if (x <= -9223372036854775808.0) return 0x8000000000000000ull;
  return x >= 9223372036854775808.0 ? 0x7fffffffffffffffull : (u64)(s64)x;
}

/* Pairs of int16 in a word: one instruction where there is DSP, and plain C elsewhere. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32) && !defined(OCELLUS_PORTABLE)
/* `volatile` keeps their order: gcc would load ahead and run out of registers in conv_s8_tile. */
OC_INLINE u32 oc_smlad(u32 x, u32 y, u32 sum) {
  __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(y));
  return sum;
}
OC_INLINE u32 oc_sxtb16(u32 x) {
  u32 r;
  __asm__ volatile("sxtb16 %0, %1" : "=r"(r) : "r"(x));
  return r;
}
OC_INLINE u32 oc_sxtb16_ror8(u32 x) {
  u32 r;
  __asm__ volatile("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
  return r;
}
#else
OC_INLINE u32 oc_smlad(u32 x, u32 y, u32 sum) {
  return sum + (u32)((s32)(s16)x * (s32)(s16)y) + (u32)(((s32)x >> 16) * ((s32)y >> 16));
}
OC_INLINE u32 oc_sxtb16(u32 x) { return ((u32)(s32)(s8)x & 0xffffu) | (u32)(s32)(s8)(x >> 16) << 16; }
OC_INLINE u32 oc_sxtb16_ror8(u32 x) { return oc_sxtb16(x >> 8); }
#endif

#endif
