/** A node of a syntax tree as ESTree has it; more than these fields is not relied on. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  typeof value.type === 'string' &&
  'start' in value &&
  typeof value.start === 'number'

/** The counters' name in the code: how often each block ran, modulo 256. */
export const countersName = '__ocellusBlocks'
/** More than the product has blocks. */
export const mostBlocks = 1 << 16

/**
 * Code that counts how often each of its blocks runs: function bodies, branches, loops, cases, and
 * what stands behind `?`, `&&`, `||` and `??`. `next` gives each block its number.
 */
export function instrumented(code: string, tree: unknown, next: () => number): string {
  const before = new Map<number, string>()
  const after = new Map<number, string>()
  // Outer blocks are met first: what they open stands before what inner ones open at the same
  // place, and what they close stands behind.
  const open = (at: number, text: string): void => void before.set(at, (before.get(at) ?? '') + text)
  const close = (at: number, text: string): void => void after.set(at, text + (after.get(at) ?? ''))
  const count = (): string => `${countersName}[${next()}]++`
  const statement = (node: unknown): void => {
    if (!isNode(node) || node.type === 'BlockStatement') return
    open(node.start, `{${count()};`)
    close(node.end, '}')
  }
  const expression = (node: unknown): void => {
    if (!isNode(node)) return
    open(node.start, `(${count()},`)
    close(node.end, ')')
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each)
    if (!isNode(value)) return
    switch (value.type) {
      case 'BlockStatement':
      case 'StaticBlock':
        open(
          value.type === 'BlockStatement' ? value.start + 1 : code.indexOf('{', value.start) + 1,
          `${count()};`,
        )
        break
      case 'IfStatement':
        statement(value.consequent)
        statement(value.alternate)
        break
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        statement(value.body)
        break
      case 'SwitchCase':
        if (Array.isArray(value.consequent) && isNode(value.consequent[0]))
          open(value.consequent[0].start, `${count()};`)
        break
      case 'ConditionalExpression':
        expression(value.consequent)
        expression(value.alternate)
        break
      case 'LogicalExpression':
        expression(value.right)
        break
      case 'ArrowFunctionExpression':
        if (isNode(value.body) && value.body.type !== 'BlockStatement') expression(value.body)
        break
    }
    for (const [field, child] of Object.entries(value)) if (field !== 'type') visit(child)
  }
  visit(tree)
  const places = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b)
  let [result, done] = ['', 0]
  for (const at of places) {
    result += code.slice(done, at) + (after.get(at) ?? '') + (before.get(at) ?? '')
    done = at
  }
  return result + code.slice(done)
}
