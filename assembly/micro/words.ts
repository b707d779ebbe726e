// Products of pairs of int16 that lie in one word, as a Cortex-M with DSP instructions has them.
// They are imports: the C that `ocellus pack` writes maps them to an instruction or to plain C
// (tools/firmware/c/ocellus_rt.h). Words are little-endian.

/** acc + low(x) * low(y) + high(x) * high(y), modulo 2^32. */
// @ts-ignore: decorator
@external('env', 'smlad')
export declare function smlad(x: u32, y: u32, acc: i32): i32

/** The int8 of bytes 0 and 2, widened to the two int16 of a word. */
// @ts-ignore: decorator
@external('env', 'sxtb16')
export declare function sxtb16(x: u32): u32

/** The int8 of bytes 1 and 3, widened to the two int16 of a word. */
// @ts-ignore: decorator
@external('env', 'sxtb16_ror8')
export declare function sxtb16Odd(x: u32): u32
