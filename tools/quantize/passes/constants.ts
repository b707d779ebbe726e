import type { Constant } from '../../../src/host/graph/types.js'

/**
 * The constants of a network under construction. Two nodes of the float network may share one and
 * need two in int8, as biases depend on the scale of the input: what differs from the one of its
 * name gets another name.
 */
export class Constants {
  readonly all = new Map<string, Constant>()

  /** Adds a constant; returns the name that it has now. */
  add(constant: Constant): string {
    let { name } = constant
    for (let n = 2; ; n++) {
      const known = this.all.get(name)
      if (known !== undefined && !isSame(known, constant)) name = `${constant.name}_${n}`
      else {
        if (known === undefined) this.all.set(name, renamed(constant, name))
        return name
      }
    }
  }
}

function isSame(a: Constant, b: Constant): boolean {
  if (a === b) return true
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false
  return a.data === b.data || a.data.every((value, i) => value === b.data[i])
}

/**
 * A constant whose values stay in a file is never spread, which would read them: only new ones are
 * renamed.
 */
const renamed = (constant: Constant, name: string): Constant =>
  constant.name === name ? constant : { ...constant, name }
