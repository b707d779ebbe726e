import type { RawNode } from './file.js'

/**
 * Nodes with the operators of quantised arithmetic written as float ones between DequantizeLinear
 * and QuantizeLinear, which mean the same.
 */
export const expandQLinear = (nodes: readonly RawNode[]): RawNode[] => nodes.flatMap(expand)

function expand(node: RawNode): RawNode[] {
  if (node.domain !== '') return [node]
  if (node.op === 'QLinearConv') return convolution(node)
  if (node.op === 'QLinearMatMul') return product(node)
  return [node]
}

/** x, its scale and zero point, w and its own, y's, and the bias, of scale x * w. */
function convolution(node: RawNode): RawNode[] {
  const [x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias = ''] = node.inputs
  const name = (what: string) => `${node.outputs[0]}:${what}`
  const parts = [
    dequantize(node, [x, xScale, xZero], name('x')),
    dequantize(node, [w, wScale, wZero], name('w'), 0),
  ]
  const inputs = [name('x'), name('w')]
  if (bias !== '') {
    parts.push(
      plain(node, 'Mul', [xScale, wScale], name('biasScale')),
      dequantize(node, [bias, name('biasScale')], name('bias'), 0),
    )
    inputs.push(name('bias'))
  }
  return [
    ...parts,
    { ...node, op: 'Conv', inputs, outputs: [name('y')] },
    plain(node, 'QuantizeLinear', [name('y'), yScale, yZero], node.outputs[0]),
  ]
}

function product(node: RawNode): RawNode[] {
  const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = node.inputs
  const name = (what: string) => `${node.outputs[0]}:${what}`
  return [
    dequantize(node, [a, aScale, aZero], name('a')),
    dequantize(node, [b, bScale, bZero], name('b')),
    plain(node, 'MatMul', [name('a'), name('b')], name('y')),
    plain(node, 'QuantizeLinear', [name('y'), yScale, yZero], node.outputs[0]),
  ]
}

const plain = (node: RawNode, op: string, inputs: readonly string[], output: string): RawNode => ({
  name: node.name,
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes: new Map(),
})

const dequantize = (node: RawNode, inputs: readonly string[], output: string, axis = 1): RawNode => ({
  ...plain(node, 'DequantizeLinear', inputs, output),
  attributes: new Map([
    ['axis', { name: 'axis', integer: axis, numbers: [], integers: [], texts: [], subgraph: false }],
  ]),
})
