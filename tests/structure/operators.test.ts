import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { curves, parametricCurves } from '../../src/host/graph/curves.js'
import { scaleRules } from '../../src/host/graph/descriptor.js'
import { operators } from '../../src/host/graph/ops/index.js'
import { opcodes } from '../../src/host/program/instruction.js'
import { activationKinds, curveKinds } from '../../src/host/program/kinds.js'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const list = (folder: string): string[] => readdirSync(new URL(folder, root)).sort()
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found)
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

describe('operators', () => {
  it('are what the files of graph/ops/ export, each under its own name', async () => {
    const found: string[] = []
    for (const file of list('src/host/graph/ops').filter(
      (name) => !['index.ts', 'shared.ts', 'tokens.ts'].includes(name),
    )) {
      const exports: Record<string, unknown> = await import(
        `../../src/host/graph/ops/${file.replace(/ts$/, 'js')}`
      )
      for (const [name, value] of Object.entries(exports)) {
        if (typeof value !== 'object' || value === null || !('emit' in value)) continue
        expect(operators.get(name), `${file} exports ${name}`).toBe(value)
        found.push(name)
      }
    }
    expect(found.sort()).toEqual([...operators.keys()].sort())
    for (const [name, { op }] of operators) expect(op).toBe(name)
  })

  it('are those that docs/model-format.md describes, with all their attributes', () => {
    const rows = read('docs/model-format.md')
      .split('\n')
      .filter((line) => /^\| `\w+`(?:, `\w+`)* \| \d/.test(line))
    const described = rows.flatMap((row) => all(row.split('|')[1], /`(\w+)`/g))
    expect(described.sort()).toEqual([...operators.keys()].sort())
    for (const [name, { attributes }] of operators) {
      const row = rows.find((line) => line.split('|')[1].includes(`\`${name}\``))!
      if (name === 'activation')
        for (const kind of [...Object.keys(activationKinds), ...Object.keys(curveKinds)])
          expect(row).toContain(`\`${kind}\``)
      for (const attribute of Object.keys(attributes)) expect(row, name).toContain(`\`${attribute}\``)
    }
  })

  it.each([
    ['reference', ['dequantize', 'quantize']],
    ['reference-int8', []],
  ])('are those of tests/helpers/%s.ts, but for %o', (file, without) => {
    const table = read(`tests/helpers/${file}.ts`).split(/^const operators\b.*\{$/m)[1]
    expect([...all(table, /^ {2}(\w+)[,:]/gm), ...without].sort()).toEqual([...operators.keys()].sort())
  })
})

describe('the quantiser', () => {
  /** What it adds itself, where one precision meets another. */
  const own = ['quantize', 'dequantize']

  it.each([...operators])('reads in the descriptor how %s becomes int8', (_name, operator) => {
    expect(scaleRules).toContain(operator.scales)
    expect(operator.types.length).toBeGreaterThan(0)
    const able = operator.types.includes('int8')
    // Without int8 tensors there is nothing to keep, to quantise or to look up.
    if (!able) expect(operator.scales).toBe('fresh')
    expect(operator.curve !== undefined).toBe(operator.scales === 'table')
    if (operator.dynamic !== undefined) expect(able).toBe(false)
    expect(operator.storage !== 'kernel' && operator.scales !== 'keeps', 'a view moves values').toBe(false)
  })

  it('names no operator and imports no descriptor but the table of all', () => {
    const files = ['passes', 'calibrate', 'report'].flatMap((folder) =>
      list(`tools/quantize/${folder}`).map((file) => `tools/quantize/${folder}/${file}`),
    )
    expect(files.length).toBeGreaterThan(8)
    for (const file of [...files, 'tools/quantize/quantize.ts']) {
      const text = read(file)
      const named = all(text, /['"`](\w+)['"`]/g).filter((word) => operators.has(word) && !own.includes(word))
      expect(named, file).toEqual([])
      expect(
        all(text, /graph\/ops\/([\w-]+)\.js/g).filter((name) => name !== 'index'),
        file,
      ).toEqual([])
    }
  })

  it('has a formula for each curve that the engine has', () => {
    expect(Object.keys(curves).sort()).toEqual(Object.keys(activationKinds).sort())
    expect(Object.keys(parametricCurves).sort()).toEqual(Object.keys(curveKinds).sort())
  })
})

describe('instructions', () => {
  const program = read('assembly/program.ts')
  const tests = list('tests/ops')
    .map((file) => read(`tests/ops/${file}`))
    .join('')

  it.each(Object.keys(opcodes))('%s is executed by a kernel of its name, and tested', (opcode) => {
    const kernel = snake(opcode)
    expect(program).toMatch(
      new RegExp(
        `case OP_${kernel.toUpperCase()}:\\n +${kernel}\\(changetype<\\w+>\\(i\\), thread, threads\\)\\n +break`,
      ),
    )
    const [, file] = program.match(
      new RegExp(`import \\{[^}]*\\b${kernel}\\b[^}]*\\} from '\\./(?:kernels/)?([\\w/]+)'`),
    )!
    expect(read(file === 'pack' ? 'assembly/pack.ts' : `assembly/kernels/${file}.ts`)).toContain(
      `export function ${kernel}(`,
    )
    expect(tests).toContain(`'${opcode}'`)
  })

  it('are all that the program knows', () => {
    expect(
      all(program, /case OP_(\w+):/g)
        .map((name) => name.toLowerCase())
        .sort(),
    ).toEqual(Object.keys(opcodes).map(snake).sort())
  })
})
