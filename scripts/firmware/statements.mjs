/**
 * The C of a function: Wasm's blocks, loops and branches as statements and labels. Loops that repeat
 * at one place become `while` or `do`.
 */
import { bare, Expressions } from './expressions.mjs'

export class FunctionWriter extends Expressions {
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
}
