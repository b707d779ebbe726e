// output[p][c] = f(input[p][c]) for curves that networks rarely compute by themselves: the
// activation of a convolution, an int8 table or activation_f32 serves most of them. float32 views;
// may work in place. alpha and beta are the curve's parameters: clip min(max(x, alpha), beta);
// affine alpha * x + beta; leakyRelu; elu; celu; selu beta * (x > 0 ? x : alpha * (exp(x) - 1));
// hardMish m * m / 2 + m + max(x, 0) with m = clamp(x, -2, 0);
// hardSigmoid min(max(alpha * x + beta, 0), 1); power x^alpha.
//
// exp and log are those of lib/math.ts in float64, rounded once, and erf is that of lib/erf.ts: no
// platform's function decides a byte. The code is scalar, so every build gives the same bytes.
// Threads share the pixels.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { halfErf } from '../../lib/erf'
import { CurveKind, ParametricCurve, requireCurveKind } from '../../lib/instructions'
import { exp, log } from '../../lib/math'
import { start } from '../../threads/split'
import { power } from './arithmetic_f32'

const SQRT2: f32 = 1.41421356

export function curve_f32(i: ParametricCurve, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 4, 4)
  requireCurveKind(i.kind)
  const end = start(i.pixels, thread + 1, threads)
  const bytes = (<usize>i.channels) << 2
  for (let p = start(i.pixels, thread, threads); p < end; p++) {
    const input = i.input + <usize>p * <usize>i.inputStride
    const output = i.output + <usize>p * <usize>i.outputStride
    for (let b: usize = 0; b < bytes; b += 4) {
      store<f32>(output + b, curve(load<f32>(input + b), i.kind, i.parameterA, i.parameterB))
    }
  }
}

// @ts-ignore: decorator
@inline
function expm1(x: f32): f32 {
  // A difference from 1 in float64 keeps the digits of float32 down to |x| = 1e-8, where x itself
  // is as good.
  return abs(x) < <f32>1e-6 ? x : <f32>(exp(<f64>x) - 1)
}

function curve(x: f32, kind: i32, alpha: f32, beta: f32): f32 {
  switch (kind) {
    case CurveKind.relu:
      return x < 0 ? 0 : x
    case CurveKind.leakyRelu:
      return x < 0 ? x * alpha : x
    case CurveKind.clip: {
      const low = x < alpha ? alpha : x
      return low > beta ? beta : low
    }
    case CurveKind.affine:
      return alpha * x + beta
    case CurveKind.square:
      return x * x
    case CurveKind.sqrt:
      return sqrt(x)
    case CurveKind.reciprocal:
      return 1 / x
    case CurveKind.abs:
      return abs(x)
    case CurveKind.exp:
      return <f32>exp(<f64>x)
    case CurveKind.log:
      return x > 0 ? <f32>log(<f64>x) : x == 0 ? -f32.MAX_VALUE * 2 : f32.NaN
    case CurveKind.erf:
      return halfErf(x * SQRT2) * 2
    case CurveKind.elu:
      return x < 0 ? alpha * expm1(x) : x
    case CurveKind.celu:
      return x < 0 ? alpha * expm1(x / alpha) : x
    case CurveKind.selu:
      return beta * (x < 0 ? alpha * expm1(x) : x)
    case CurveKind.softplus:
      // max(x, 0) + log(1 + exp(-|x|)): nothing overflows.
      return (x > 0 ? x : 0) + <f32>log(1 + exp(-(<f64>abs(x))))
    case CurveKind.softsign:
      return x / (1 + abs(x))
    case CurveKind.hardSigmoid: {
      const y = alpha * x + beta
      return y < 0 ? 0 : y > 1 ? 1 : y
    }
    case CurveKind.hardMish: {
      const m = min<f32>(max<f32>(x, -2), 0)
      return m * m * 0.5 + m + max<f32>(x, 0)
    }
    case CurveKind.power:
      return power(x, alpha)
    default:
      unreachable()
      return x
  }
}
