import { Misfit } from '../infer/at.js'
import { broadcast } from '../infer/elementwise.js'
import { count, isConstant } from '../value.js'
import { rowsOf } from './builder.js'
import type { Lower, Lowering } from './lowering.js'
import { weightScales } from './quantised.js'
import { expand, plain, transpose, type View } from './view.js'

/** Rows times constant weights: our `linear`, whose weights are [out, in]. */
function linear(
  lowering: Lowering,
  rows: string,
  outputs: number,
  weight: (o: number, i: number) => number,
  bias: (o: number) => number,
  scales?: Float32Array,
): string {
  const { builder } = lowering
  const [, , tokens, inputs] = builder.shape(rows)
  const data = new Float32Array(outputs * inputs)
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) data[o * inputs + i] = weight(o, i)
  if (scales !== undefined) {
    // A convolution keeps the scale of its input, where our linear layer gives each row its own.
    const made = builder.node(
      'conv',
      lowering.name,
      [rows],
      [1, 1, tokens, outputs],
      { kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], groups: 1, activation: 'linear' },
      {
        weight: { shape: [outputs, 1, 1, inputs], data },
        bias: { shape: [outputs], data: Float32Array.from({ length: outputs }, (_, o) => bias(o)) },
      },
    )
    builder.keepWeightScales(made, scales)
    return made
  }
  return builder.node(
    'linear',
    lowering.name,
    [rows],
    [1, 1, tokens, outputs],
    {},
    {
      weight: { shape: [outputs, inputs], data },
      bias: { shape: [outputs], data: Float32Array.from({ length: outputs }, (_, o) => bias(o)) },
    },
  )
}

/** alpha * A' * B' + beta * C, where ' may transpose. */
export const gemm: Lower = (lowering) => {
  const { at, builder } = lowering
  const [m, n] = lowering.outputDims()
  const a = at.int('transA', 0) ? transpose(lowering.view(0), [1, 0]) : lowering.view(0)
  const alpha = at.float('alpha', 1)
  const beta = at.float('beta', 1)
  const k = a.dims[1]
  const rows = builder.realise(a, `${at.node.inputs[0]}:rows`, [1, 1, m, k])
  const b = at.value(1)
  const c = at.has(2) ? at.value(2) : undefined
  if (!isConstant(b)) throw new Misfit('its weights depend on the input')
  const turned = at.int('transB', 0) === 1
  const alongColumns = c !== undefined && isConstant(c) && count(c.dims.slice(0, -1)) === 1
  const bias = (o: number) => {
    if (c === undefined || !isConstant(c) || !alongColumns) return 0
    return beta * c.values[c.values.length === 1 ? 0 : o]
  }
  const made = linear(
    lowering,
    rows,
    n,
    (o, i) => alpha * b.values[turned ? o * k + i : i * n + o],
    bias,
    alpha === 1 ? weightScales(b, turned ? 0 : 1, n) : undefined,
  )
  if (c === undefined || alongColumns) {
    lowering.givePlain(made)
    return
  }
  if (beta !== 1) throw new Misfit('beta of a C that is no row')
  const other = builder.realise(expand(lowering.view(2), [m, n]), `${at.node.inputs[2]}:rows`, [1, 1, m, n])
  lowering.givePlain(
    builder.node('add', lowering.name, [made, other], [1, 1, m, n], { activation: 'linear' }),
  )
}

export const matmul: Lower = (lowering) => {
  const { at, builder } = lowering
  const [a, b] = [at.value(0), at.value(1)]
  if (isConstant(b) && b.dims.length === 2 && a.dims.length > 1) {
    const [k, n] = b.dims
    const rows = lowering.ordered(0, rowsOf(a.dims))
    lowering.givePlain(
      linear(
        lowering,
        rows,
        n,
        (o, i) => b.values[i * n + o],
        () => 0,
        weightScales(b, 1, n),
      ),
    )
    if (builder.shape(rows)[3] !== k) throw new Misfit(`[${a.dims}] times [${b.dims}]`)
    return
  }
  if (a.dims.length < 2 || b.dims.length < 2) throw new Misfit('a vector')
  const outer = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2))
  const left = expand(lowering.view(0), [...outer, ...a.dims.slice(-2)])
  const right = expand(lowering.view(1), [...outer, ...b.dims.slice(-2)])
  lowering.givePlain(product(lowering, left, right))
}

/** [..., M, K] times [..., K, N], as many matrices as the dimensions before say. */
function product(lowering: Lowering, a: View, b: View): string {
  const { builder } = lowering
  const [m, k] = a.dims.slice(-2)
  const n = b.dims[b.dims.length - 1]
  const batch = count(a.dims.slice(0, -2))
  const left = builder.realise(a, `${lowering.name}:left`, [1, batch, m, k])
  const right = builder.realise(b, `${lowering.name}:right`, [1, batch, k, n])
  return builder.node('matmul', lowering.name, [left, right], [1, batch, m, n])
}

/** A product of two operands: letters that both have and the result lacks are summed. */
export const einsum: Lower = (lowering) => {
  const { at } = lowering
  const [left, right] = at.text('equation', '').replaceAll(' ', '').split('->')
  const terms = left.split(',')
  if (terms.length !== 2 || terms.some((term) => new Set(term).size !== term.length))
    throw new Misfit(`the equation '${left}->${right}'`)
  const [a, b] = terms
  const both = [...a].filter((letter) => b.includes(letter))
  const batch = both.filter((letter) => right.includes(letter))
  const summed = both.filter((letter) => !right.includes(letter))
  const rows = [...a].filter((letter) => !b.includes(letter))
  const columns = [...b].filter((letter) => !a.includes(letter))
  if ([...rows, ...columns].some((letter) => !right.includes(letter)))
    throw new Misfit(`the equation '${left}->${right}'`)
  const sides = new Map<string, number>()
  terms.forEach((term, n) => {
    for (const [d, letter] of [...term].entries()) sides.set(letter, at.value(n).dims[d])
  })
  const size = (letters: readonly string[]) => count(letters.map((letter) => sides.get(letter) ?? 1))
  const arrange = (index: number, term: string, groups: readonly (readonly string[])[]) => {
    const order = groups.flat().map((letter) => term.indexOf(letter))
    const shape = groups.map(size)
    const { builder } = lowering
    const tensor = builder.realise(
      lowering.view(index),
      `${lowering.name}:${index}`,
      [1, shape[0], shape[1], shape[2]],
      order,
    )
    return plain(tensor, shape)
  }
  const made = product(
    lowering,
    arrange(0, a, [batch, rows, summed]),
    arrange(1, b, [batch, summed, columns]),
  )
  const letters = [...batch, ...rows, ...columns]
  const whole = plain(
    made,
    letters.map((letter) => sides.get(letter) ?? 1),
  )
  lowering.give(
    transpose(
      whole,
      [...right].map((letter) => letters.indexOf(letter)),
    ),
  )
}
