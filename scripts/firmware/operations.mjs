/**
 * The C of Wasm's operations on numbers. An i32 is a uint32_t and an i64 a uint64_t, so that they
 * wrap as in Wasm; what is signed is cast. tools/firmware/c/ocellus_rt.h has the functions that
 * begin with `oc_`.
 */
const int = (bits) => ({
  Add: (a, b) => `${a} + ${b}`,
  Sub: (a, b) => `${a} - ${b}`,
  Mul: (a, b) => `${a} * ${b}`,
  DivS: (a, b) => `(u${bits})((s${bits})${a} / (s${bits})${b})`,
  DivU: (a, b) => `${a} / ${b}`,
  RemS: (a, b) => `(u${bits})((s${bits})${a} % (s${bits})${b})`,
  RemU: (a, b) => `${a} % ${b}`,
  And: (a, b) => `${a} & ${b}`,
  Or: (a, b) => `${a} | ${b}`,
  Xor: (a, b) => `${a} ^ ${b}`,
  Shl: (a, b) => `${a} << ${shift(b, bits)}`,
  ShrU: (a, b) => `${a} >> ${shift(b, bits)}`,
  ShrS: (a, b) => `(u${bits})((s${bits})${a} >> ${shift(b, bits)})`,
  RotL: (a, b) => `oc_rotl${bits}(${a}, ${b})`,
  RotR: (a, b) => `oc_rotr${bits}(${a}, ${b})`,
})

const compareInt = (bits) => ({
  Eq: (a, b) => `${a} == ${b}`,
  Ne: (a, b) => `${a} != ${b}`,
  LtU: (a, b) => `${a} < ${b}`,
  LeU: (a, b) => `${a} <= ${b}`,
  GtU: (a, b) => `${a} > ${b}`,
  GeU: (a, b) => `${a} >= ${b}`,
  LtS: (a, b) => `(s${bits})${a} < (s${bits})${b}`,
  LeS: (a, b) => `(s${bits})${a} <= (s${bits})${b}`,
  GtS: (a, b) => `(s${bits})${a} > (s${bits})${b}`,
  GeS: (a, b) => `(s${bits})${a} >= (s${bits})${b}`,
})

const float = (suffix) => ({
  Add: (a, b) => `${a} + ${b}`,
  Sub: (a, b) => `${a} - ${b}`,
  Mul: (a, b) => `${a} * ${b}`,
  Div: (a, b) => `${a} / ${b}`,
  CopySign: (a, b) => `copysign${suffix}(${a}, ${b})`,
  Min: (a, b) => `oc_min${suffix}(${a}, ${b})`,
  Max: (a, b) => `oc_max${suffix}(${a}, ${b})`,
})

const compareFloat = {
  Eq: (a, b) => `${a} == ${b}`,
  Ne: (a, b) => `${a} != ${b}`,
  Lt: (a, b) => `${a} < ${b}`,
  Le: (a, b) => `${a} <= ${b}`,
  Gt: (a, b) => `${a} > ${b}`,
  Ge: (a, b) => `${a} >= ${b}`,
}

const unaryFloat = (suffix) => ({
  Neg: (a) => `-${a}`,
  Abs: (a) => `fabs${suffix}(${a})`,
  Ceil: (a) => `ceil${suffix}(${a})`,
  Floor: (a) => `floor${suffix}(${a})`,
  Trunc: (a) => `trunc${suffix}(${a})`,
  Nearest: (a) => `nearbyint${suffix}(${a})`,
  Sqrt: (a) => `sqrt${suffix}(${a})`,
})

/** A constant shift needs no mask. */
const shift = (count, bits) => (/^\d+u(ll)?$/.test(count) ? count : `(${count} & ${bits - 1}u)`)

const conversions = {
  WrapInt64: (a) => `(u32)${a}`,
  ExtendSInt32: (a) => `(u64)(s64)(s32)${a}`,
  ExtendUInt32: (a) => `(u64)${a}`,
  ConvertSInt32ToFloat32: (a) => `(float)(s32)${a}`,
  ConvertUInt32ToFloat32: (a) => `(float)${a}`,
  ConvertSInt64ToFloat32: (a) => `(float)(s64)${a}`,
  ConvertUInt64ToFloat32: (a) => `(float)${a}`,
  ConvertSInt32ToFloat64: (a) => `(double)(s32)${a}`,
  ConvertUInt32ToFloat64: (a) => `(double)${a}`,
  ConvertSInt64ToFloat64: (a) => `(double)(s64)${a}`,
  ConvertUInt64ToFloat64: (a) => `(double)${a}`,
  PromoteFloat32: (a) => `(double)${a}`,
  DemoteFloat64: (a) => `(float)${a}`,
  TruncSFloat32ToInt32: (a) => `(u32)(s32)${a}`,
  TruncUFloat32ToInt32: (a) => `(u32)${a}`,
  TruncSFloat64ToInt32: (a) => `(u32)(s32)${a}`,
  TruncUFloat64ToInt32: (a) => `(u32)${a}`,
  TruncSFloat32ToInt64: (a) => `(u64)(s64)${a}`,
  TruncSFloat64ToInt64: (a) => `(u64)(s64)${a}`,
  TruncSatSFloat32ToInt32: (a) => `oc_to_s32((double)${a})`,
  TruncSatSFloat64ToInt32: (a) => `oc_to_s32(${a})`,
  TruncSatUFloat32ToInt32: (a) => `oc_to_u32((double)${a})`,
  TruncSatUFloat64ToInt32: (a) => `oc_to_u32(${a})`,
  TruncSatSFloat64ToInt64: (a) => `oc_to_s64(${a})`,
  TruncSatSFloat32ToInt64: (a) => `oc_to_s64((double)${a})`,
  ReinterpretFloat32: (a) => `oc_bits32(${a})`,
  ReinterpretFloat64: (a) => `oc_bits64(${a})`,
  ReinterpretInt32: (a) => `oc_float(${a})`,
  ReinterpretInt64: (a) => `oc_double(${a})`,
  ExtendS8Int32: (a) => `(u32)(s32)(s8)${a}`,
  ExtendS16Int32: (a) => `(u32)(s32)(s16)${a}`,
  ClzInt32: (a) => `oc_clz32(${a})`,
  CtzInt32: (a) => `oc_ctz32(${a})`,
  ClzInt64: (a) => `oc_clz64(${a})`,
  CtzInt64: (a) => `oc_ctz64(${a})`,
}

/** By Binaryen's number of an operation: how it is written, and whether it gives a truth value. */
export function operationsOf(binaryen) {
  const all = new Map()
  const add = (table, suffix, isTruth) => {
    for (const [name, write] of Object.entries(table)) {
      const op = binaryen[`${name}${suffix}`]
      if (op !== undefined) all.set(op, { name: `${name}${suffix}`, write, isTruth })
    }
  }
  const binary = new Map()
  const unary = new Map()
  const into = (map, tables) => {
    all.clear()
    for (const [table, suffix, isTruth] of tables) add(table, suffix, isTruth)
    for (const entry of all) map.set(...entry)
  }
  into(binary, [
    [int(32), 'Int32', false],
    [int(64), 'Int64', false],
    [compareInt(32), 'Int32', true],
    [compareInt(64), 'Int64', true],
    [float('f'), 'Float32', false],
    [float(''), 'Float64', false],
    [compareFloat, 'Float32', true],
    [compareFloat, 'Float64', true],
  ])
  into(unary, [
    [unaryFloat('f'), 'Float32', false],
    [unaryFloat(''), 'Float64', false],
    [conversions, '', false],
    [{ EqZ: (a) => `${a} == 0` }, 'Int32', true],
    [{ EqZ: (a) => `${a} == 0` }, 'Int64', true],
  ])
  return { binary, unary }
}
