/**
 * The C of Wasm's expressions, in the terms of Binaryen. A call gets a statement of its own, so that
 * nothing depends on the order in which C evaluates operands.
 */
const childFields = [
  'children',
  'operands',
  'body',
  'condition',
  'ifTrue',
  'ifFalse',
  'ptr',
  'dest',
  'source',
  'value',
  'size',
  'left',
  'right',
]
const loads = { '1s': 'ld8s', '1u': 'ld8u', '2s': 'ld16s', '2u': 'ld16u' }

export class Expressions {
  constructor(context, info) {
    Object.assign(this, context)
    this.info = info
    this.types = [...this.binaryen.expandType(info.params), ...info.vars]
    this.lines = []
    this.depth = 1
    this.calls = new Set()
    this.usesMemory = false
    this.usesTables = false
    this.globals = new Set()
    this.labels = new Map()
    this.labelCount = 0
    this.uses = new Map()
    this.read = new Set()
    this.temporaries = 0
    this.paramCount = this.binaryen.expandType(info.params).length
  }

  type(type) {
    const { i32, i64, f32, f64, none } = this.binaryen
    return new Map([
      [i32, 'u32'],
      [i64, 'u64'],
      [f32, 'float'],
      [f64, 'double'],
      [none, 'void'],
    ]).get(type)
  }

  local(n) {
    return n < this.paramCount ? `p${n}` : `v${n - this.paramCount}`
  }

  of(expression) {
    const b = this.binaryen
    const id = b.getExpressionId(expression)
    // Binaryen has no more to tell of these two.
    if (id === b.NopId || id === b.UnreachableId) return { id }
    return b.getExpressionInfo(expression)
  }

  line(text) {
    this.lines.push(`${'  '.repeat(this.depth)}${text}`)
  }

  /** Every child of an expression, for a walk. */
  children(info) {
    if (info.id === this.binaryen.ConstId) return []
    return childFields.flatMap((field) => info[field] || [])
  }

  /** Whether an expression has no call, so that no statement has to stand before it. */
  isPure(expression) {
    if (!expression) return true
    const info = this.of(expression)
    return (
      (info.id !== this.binaryen.CallId || this.isImport(info.target)) &&
      this.children(info).every((child) => this.isPure(child))
    )
  }

  /** An import is arithmetic: it has no effect. */
  isImport(target) {
    return this.names.get(target).startsWith('oc_')
  }

  readsMemory(expression) {
    const info = this.of(expression)
    return info.id === this.binaryen.LoadId || this.children(info).some((child) => this.readsMemory(child))
  }

  /** Values in their order: what stands before a call must not see what the call writes. */
  values(expressions) {
    return expressions.map((one, n) => {
      const value = this.value(one)
      const later = expressions.slice(n + 1).some((next) => !this.isPure(next))
      return later && this.readsMemory(one) ? this.temporary(one, value) : value
    })
  }

  temporary(expression, value) {
    const name = `t${++this.temporaries}`
    this.line(`${this.type(this.of(expression).type)} ${name} = ${bare(value)};`)
    return name
  }

  condition(expression) {
    const info = this.of(expression)
    const b = this.binaryen
    if (info.id === b.UnaryId && (info.op === b.EqZInt32 || info.op === b.EqZInt64))
      return `!${this.value(info.value)}`
    if (info.id === b.BinaryId && this.binary.get(info.op)?.isTruth) {
      const [left, right] = this.values([info.left, info.right])
      return this.binary.get(info.op).write(left, right)
    }
    return bare(this.value(expression))
  }

  /** `isWhole`: it is all of a statement's right side, where a call may stand. */
  value(expression, isWhole = false) {
    const b = this.binaryen
    const info = this.of(expression)
    switch (info.id) {
      case b.ConstId:
        return this.constant(info)
      case b.LocalGetId:
        return this.local(info.index)
      case b.LoadId:
        return this.load(info)
      case b.UnaryId: {
        const operation = this.unary.get(info.op)
        if (operation === undefined) throw new Error(`${this.info.name}: unary operation ${info.op}`)
        const c = operation.write(this.value(info.value))
        return operation.isTruth ? `(u32)(${c})` : call(c) ? c : `(${c})`
      }
      case b.BinaryId: {
        const operation = this.binary.get(info.op)
        if (operation === undefined) throw new Error(`${this.info.name}: binary operation ${info.op}`)
        const [left, right] = this.values([info.left, info.right])
        const c = operation.write(left, right)
        return operation.isTruth ? `(u32)(${c})` : call(c) ? c : `(${c})`
      }
      case b.SelectId: {
        const [yes, no] = this.values([info.ifTrue, info.ifFalse])
        return `(${this.condition(info.condition)} ? ${yes} : ${no})`
      }
      case b.CallId: {
        const c = this.call(info)
        return isWhole || this.isImport(info.target) ? c : this.temporary(expression, c)
      }
      case b.GlobalGetId:
        this.globals.add(info.name)
        return 'global'
      case b.BlockId:
        if (info.children.length === 1) return this.value(info.children[0], isWhole)
        throw new Error(`${this.info.name}: a block stands in an expression`)
      default:
        throw new Error(`${this.info.name}: expression ${info.id}`)
    }
  }

  call({ target, operands }) {
    const name = this.names.get(target)
    const list = this.values(operands).map(bare)
    this.calls.add(name)
    return `${name}(@M(${name}${list.length > 0 ? ', ' : ''})${list.join(', ')})`
  }

  constant({ type, value }) {
    const b = this.binaryen
    if (type === b.i32) {
      if (this.isTable(value >>> 0)) return `(${this.table(value >>> 0)})`
      return value < 0 && value > -65536 ? `(u32)${value}` : `${value >>> 0}u`
    }
    if (type === b.i64) {
      const whole = typeof value === 'bigint' ? value : (BigInt(value.high) << 32n) | BigInt(value.low >>> 0)
      return `${BigInt.asUintN(64, whole)}ull`
    }
    const suffix = type === b.f32 ? 'f' : ''
    if (Number.isNaN(value)) return type === b.f32 ? 'NAN' : '(double)NAN'
    if (!Number.isFinite(value))
      return `${value < 0 ? '(-' : ''}${type === b.f32 ? '' : '(double)'}INFINITY${value < 0 ? ')' : ''}`
    const digits = Object.is(value, -0) ? '-0' : String(value)
    const text = `${digits}${/[.e]/.test(digits) ? '' : '.0'}${suffix}`
    return text.startsWith('-') ? `(${text})` : text
  }

  isTable(value) {
    return value >= this.tableBase && value < this.tableBase + this.tableBytes
  }

  table(value) {
    this.usesTables = true
    return `TABLES + ${value - this.tableBase}u`
  }

  address(pointer, offset) {
    this.usesMemory = true
    const info = this.of(pointer)
    // The address itself may be a number from before the tables, whose offset leads into them.
    if (info.id === this.binaryen.ConstId) return bare(this.constant({ ...info, value: info.value + offset }))
    const value = this.value(pointer)
    if (offset === 0) return bare(value)
    return `${value} + ${this.isTable(offset) ? `(${this.table(offset)})` : `${offset}u`}`
  }

  /** Kernels of firmware say where words may lie anywhere; the others were not written for that. */
  isAligned(align, bytes) {
    return this.info.name.startsWith('assembly/micro/') && align >= bytes
  }

  load({ type, offset, bytes, align, ptr, isSigned }) {
    const b = this.binaryen
    const at = this.address(ptr, offset)
    if (bytes === 4 && this.isAligned(align, 4) && type !== b.i64)
      return `${type === b.f32 ? 'ldf32' : 'ld32'}a(${at})`
    if (type === b.f32) return `ldf32(${at})`
    if (type === b.f64) return `ldf64(${at})`
    if (type === b.i64) {
      if (bytes === 8) return `ld64(${at})`
      const c = bytes === 4 ? `ld32(${at})` : `${loads[`${bytes}${isSigned ? 's' : 'u'}`]}(${at})`
      return isSigned ? `((u64)(s64)(s32)${c})` : `((u64)${c})`
    }
    return bytes === 4 ? `ld32(${at})` : `${loads[`${bytes}${isSigned ? 's' : 'u'}`]}(${at})`
  }

  store({ offset, bytes, align, ptr, value }) {
    const [at, what] = this.values([ptr, value])
    const address =
      this.of(ptr).id === this.binaryen.ConstId
        ? this.address(ptr, offset)
        : offset === 0
          ? bare(at)
          : `${at} + ${offset}u`
    this.usesMemory = true
    const { f32, f64 } = this.binaryen
    const { type } = this.of(value)
    const kind = type === f32 ? 'stf32' : type === f64 ? 'stf64' : `st${bytes * 8}`
    const name = bytes === 4 && this.isAligned(align, 4) && type !== this.binaryen.i64 ? `${kind}a` : kind
    this.line(`${name}(${address}, ${bare(what)});`)
  }
}

/** Without the parentheses around all of it. */
export function bare(c) {
  if (!c.startsWith('(') || !c.endsWith(')')) return c
  let depth = 0
  for (let n = 0; n < c.length; n++) {
    if (c[n] === '(') depth++
    if (c[n] === ')') depth--
    if (depth === 0 && n < c.length - 1) return c
  }
  return c.slice(1, -1)
}

/** Whether it is one call and nothing else, which needs no parentheses. */
const call = (c) => /^\w+\(/.test(c) && bare(c.slice(c.indexOf('('))) !== c.slice(c.indexOf('('))
