/**
 * Makes C99 of a Wasm module without vectors, function by function, by Binaryen's view of it as
 * trees. Binaryen first flattens a function so that no expression sets a local or branches, and
 * sinks values back into the expressions that use them: each statement of C is then an expression
 * without side effects, but for calls, which get statements of their own.
 *
 * Addresses stay numbers of 32 bits. On a microcontroller they are pointers; on a PC they count
 * from `m`, which every function that touches memory is given (tools/firmware/c/ocellus_rt.h). The
 * module's static data was laid out from `tableBase` on, where nothing else lies, so a constant from
 * there is known to be its address.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { operationsOf } from './operations.mjs'

/** The compiler's own copy of Binaryen. */
async function loadBinaryen() {
  const near = createRequire(import.meta.resolve('assemblyscript'))
  const module = await import(pathToFileURL(near.resolve('binaryen')).href)
  return module.default
}

const passes = [
  'flatten',
  'simplify-locals-notee-nostructure',
  'vacuum',
  'remove-unused-names',
  'merge-blocks',
  'coalesce-locals',
  'simplify-locals-notee-nostructure',
  'reorder-locals',
  'vacuum',
  'remove-unused-names',
]

export async function translate(bytes, tableBase) {
  const binaryen = await loadBinaryen()
  const module = binaryen.readBinary(bytes)
  module.setFeatures(binaryen.Features.BulkMemory | binaryen.Features.NontrappingFPToInt)
  binaryen.setOptimizeLevel(2)
  module.runPasses(passes)
  const tables = staticData(bytes, tableBase)
  const infos = Array.from({ length: module.getNumFunctions() }, (_, n) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(n)),
  )
  const names = cNames(infos)
  const { binary, unary } = operationsOf(binaryen)
  const context = { binaryen, names, binary, unary, tableBase, tableBytes: tables.length }
  const functions = infos.filter(({ base }) => base === '').map((info) => new Writer(context, info).write())
  const byName = new Map(functions.map((one) => [one.name, one]))
  markMemory(byName)
  const exports = {}
  for (let n = 0; n < module.getNumExports(); n++) {
    const { name, value, kind } = binaryen.getExportInfo(module.getExportByIndex(n))
    if (kind === binaryen.ExternalFunction) exports[name] = names.get(value)
  }
  module.dispose()
  return { tables, exports, functions }
}

/** The module's data segments, one after the other: section 11 of its binary form. */
function staticData(bytes, tableBase) {
  let at = 8
  const number = () => {
    let value = 0
    for (let bits = 0; ; bits += 7) {
      const byte = bytes[at++]
      value += (byte & 127) * 2 ** bits
      if (byte < 128) return value
    }
  }
  const parts = []
  while (at < bytes.length) {
    const id = bytes[at++]
    const length = number()
    const end = at + length
    for (let left = id === 11 ? number() : 0; left > 0; left--) {
      // An active segment of memory 0: 0, i32.const, its address, end.
      if (bytes[at++] !== 0 || bytes[at++] !== 0x41) throw new Error('a data segment is not active')
      const address = number()
      at++
      const count = number()
      parts.push({ at: address - tableBase, data: bytes.subarray(at, at + count) })
      at += count
    }
    at = end
  }
  const tables = new Uint8Array(Math.max(0, ...parts.map((part) => part.at + part.data.length)))
  for (const part of parts) tables.set(part.data, part.at)
  return tables
}

/** A function is called as its file and itself: `assembly/micro/conv_s8/tile` is conv_s8_tile. */
function cNames(infos) {
  const names = new Map()
  const taken = new Set()
  for (const { name, base } of infos) {
    const parts = name.replace(/<.*>/, (types) => `_${types}`).split('/')
    const own = parts.pop()
    const file = parts.pop()
    let c = base !== '' ? `oc_${base}` : file === undefined || file === own ? own : `${file}_${own}`
    c = c.replace(/\W+/g, '_').replace(/^_+|_+$/g, '')
    while (base === '' && taken.has(c)) c += '_'
    taken.add(c)
    names.set(name, c)
  }
  return names
}

/** A function is given the memory if it, or one that it calls, touches memory. */
function markMemory(byName) {
  for (let changed = true; changed; ) {
    changed = false
    for (const one of byName.values()) {
      if (one.usesMemory || !one.calls.some((name) => byName.get(name)?.usesMemory)) continue
      one.usesMemory = true
      changed = true
    }
  }
  // Which calls and signatures name the memory is known only now.
  for (const one of byName.values()) {
    one.c = one.c.replace(/@M\((\w+)(, )?\)/g, (_, name, more) =>
      byName.get(name)?.usesMemory ? (more ? 'M_ ' : 'M1_') : '',
    )
    one.c = one.c.replace(/@P(, )?/, (_, more) =>
      one.usesMemory ? (more ? 'MEM_ ' : 'MEM1_') : more ? '' : 'void',
    )
    one.prototype = `${one.c.slice(0, one.c.indexOf(' {\n'))};`
  }
}

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

class Writer {
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

  write() {
    const { info } = this
    this.countUses(info.body)
    this.statement(info.body, true)
    const name = this.names.get(info.name)
    const params = this.types
      .slice(0, this.paramCount)
      .map((type, n) => `${this.type(type)} ${this.local(n)}`)
    const locals = this.types
      .map((type, n) => ({ type, n }))
      .slice(this.paramCount)
      .filter(({ n }) => this.read.has(n))
    const head = `static ${/tile$|_window$/.test(name) ? 'OC_NOINLINE ' : ''}${this.type(info.results)} ${name}(@P${params.length > 0 ? `, ${params.join(', ')}` : ''}) {\n`
    const unread = Array.from({ length: this.paramCount }, (_, n) => n).filter((n) => !this.read.has(n))
    const body = [
      ...locals.map(({ type, n }) => `  ${this.type(type)} ${this.local(n)} = 0;`),
      ...unread.map((n) => `  (void)${this.local(n)};`),
      ...this.lines,
    ]
    const { calls, usesMemory, usesTables, globals } = this
    return {
      name,
      c: `${head}${body.join('\n')}\n}\n`,
      calls: [...calls],
      usesMemory,
      usesTables,
      globals: [...globals],
    }
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

  countUses(expression) {
    const info = this.of(expression)
    const { BreakId, SwitchId, LocalGetId } = this.binaryen
    const use = (name) => this.uses.set(name, (this.uses.get(name) ?? 0) + 1)
    if (info.id === BreakId) use(info.name)
    if (info.id === SwitchId) for (const name of [...info.names, info.defaultName]) use(name)
    if (info.id === LocalGetId) this.read.add(info.index)
    for (const child of this.children(info)) this.countUses(child)
  }

  label(name, prefix) {
    const c = `${prefix}${++this.labelCount}`
    this.labels.set(name, c)
    return c
  }

  /** `isLast`: what follows is the function's end. */
  statement(expression, isLast = false) {
    const b = this.binaryen
    const info = this.of(expression)
    switch (info.id) {
      case b.NopId:
        return
      case b.BlockId: {
        const label = this.uses.has(info.name) ? this.label(info.name, 'done') : undefined
        for (const [n, child] of info.children.entries())
          this.statement(child, isLast && n === info.children.length - 1 && label === undefined)
        if (label !== undefined) this.lines.push(`${'  '.repeat(this.depth - 1)}${label}:;`)
        return
      }
      case b.LoopId:
        this.loop(info)
        return
      case b.IfId: {
        this.line(`if (${this.condition(info.condition)}) {`)
        this.block([info.ifTrue])
        if (info.ifFalse) {
          this.line('} else {')
          this.block([info.ifFalse])
        }
        this.line('}')
        return
      }
      case b.BreakId: {
        const jump = `goto ${this.labels.get(info.name)};`
        this.line(info.condition ? `if (${this.condition(info.condition)}) ${jump}` : jump)
        return
      }
      case b.SwitchId: {
        const value = this.value(info.condition)
        this.line(`switch (${bare(value)}) {`)
        info.names.forEach((name, n) => {
          if (name !== info.defaultName) this.line(`  case ${n}: goto ${this.labels.get(name)};`)
        })
        this.line(`  default: goto ${this.labels.get(info.defaultName)};`)
        this.line('}')
        return
      }
      case b.LocalSetId: {
        if (info.isTee) throw new Error(`${this.info.name}: an expression sets a local`)
        const value = this.value(info.value, true)
        if (this.read.has(info.index)) this.line(`${this.local(info.index)} = ${bare(value)};`)
        else this.line(`(void)${value};`)
        return
      }
      case b.GlobalSetId:
        this.globals.add(info.name)
        this.line(`global = ${this.value(info.value)};`)
        return
      case b.StoreId:
        this.store(info)
        return
      case b.CallId:
        this.line(`${this.call(info)};`)
        return
      case b.DropId:
        this.line(`(void)${this.value(info.value, true)};`)
        return
      case b.ReturnId:
        if (info.value) this.line(`return ${bare(this.value(info.value, true))};`)
        else if (!isLast) this.line('return;')
        return
      case b.UnreachableId:
        this.line('OC_TRAP();')
        return
      case b.MemoryFillId: {
        this.usesMemory = true
        const [to, byte, count] = this.values([info.dest, info.value, info.size])
        this.line(`memset(AT(${bare(to)}), (int)${byte}, ${bare(count)});`)
        return
      }
      case b.MemoryCopyId: {
        this.usesMemory = true
        const [to, from, count] = this.values([info.dest, info.source, info.size])
        this.line(`memmove(AT(${bare(to)}), AT(${bare(from)}), ${bare(count)});`)
        return
      }
      default: {
        // The value of a function's last expression.
        if (!isLast) throw new Error(`${this.info.name}: expression ${info.id} stands as a statement`)
        this.line(`return ${bare(this.value(expression, true))};`)
      }
    }
  }

  block(expressions) {
    this.depth++
    for (const one of expressions) this.statement(one)
    this.depth--
  }

  /** As `while` or `do` where the loop repeats at one place only, and by a label elsewhere. */
  loop({ name, body }) {
    const b = this.binaryen
    const info = this.of(body)
    const list = info.id === b.BlockId && !this.uses.has(info.name) ? info.children : [body]
    const once = this.uses.get(name) === 1
    const last = this.of(list[list.length - 1])
    const isBack = (one) => one.id === b.BreakId && one.name === name
    if (once && isBack(last) && this.isPure(last.condition)) {
      this.line(last.condition ? 'do {' : 'for (;;) {')
      this.block(list.slice(0, -1))
      this.line(last.condition ? `} while (${this.condition(last.condition)});` : '}')
      return
    }
    if (once && list.length === 1 && last.id === b.IfId && !last.ifFalse && this.isPure(last.condition)) {
      const inner = this.of(last.ifTrue)
      const steps = inner.id === b.BlockId && !this.uses.has(inner.name) ? inner.children : [last.ifTrue]
      const end = this.of(steps[steps.length - 1])
      if (isBack(end) && !end.condition) {
        this.line(`while (${this.condition(last.condition)}) {`)
        this.block(steps.slice(0, -1))
        this.line('}')
        return
      }
    }
    if (this.uses.has(name)) this.lines.push(`${'  '.repeat(this.depth - 1)}${this.label(name, 'again')}:;`)
    for (const one of list) this.statement(one)
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
function bare(c) {
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
