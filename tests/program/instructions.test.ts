import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { docsFile, docsPath, engineFile, enginePath } from '../../scripts/instructions.mjs'
import * as contract from '../../src/host/program/index.js'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found)
const kernels = readdirSync(new URL('assembly', root), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('__tests__'))
  .map((name) => `assembly/${name.replaceAll('\\', '/')}`)

describe('what scripts/instructions.mjs writes', () => {
  it(`is ${enginePath} as it stands`, () => {
    expect(read(enginePath)).toBe(engineFile(contract))
  })

  it(`is in ${docsPath} as it stands`, () => {
    const text = read(docsPath)
    expect(text).toBe(docsFile(text, contract))
  })
})

describe('an instruction', () => {
  it('has a number of its own, and its fields fit before the stride of the scratch', () => {
    const numbers = Object.values(contract.opcodes)
    expect(new Set(numbers).size).toBe(numbers.length)
    for (const [opcode, layout] of Object.entries(contract.fields))
      expect(Object.keys(layout).length, opcode).toBeLessThan(contract.scratchStrideWord)
  })

  it('has a class in the engine, whose base has its first fields', () => {
    const layouts = Object.values(contract.classes).map(({ layout }) => layout)
    for (const [opcode, layout] of Object.entries(contract.fields)) expect(layouts, opcode).toContain(layout)
    for (const [name, { layout, base }] of Object.entries(contract.classes)) {
      if (base === undefined) continue
      const first = Object.entries(contract.classes[base].layout)
      expect(Object.entries(layout).slice(0, first.length), name).toEqual(first)
    }
  })

  it('has the same kind for fields of the same name, but for a few', () => {
    const kinds = new Map<string, Set<string>>()
    for (const layout of Object.values(contract.fields))
      for (const [name, kind] of Object.entries(layout))
        kinds.set(name, (kinds.get(name) ?? new Set<string>()).add(kind))
    const several = [...kinds].filter(([, found]) => found.size > 1).map(([name]) => name)
    expect(several.sort()).toEqual(['high', 'kind', 'low', 'scale', 'source'])
  })

  it.each(kernels)('%s reads no field by its number', (path) => {
    expect(all(read(path), /\b((?:load|store)<\w+>\((?:i|record|list|tiling)(?:,| \+|\)))/g)).toEqual([])
  })
})

it('places what a list holds where both sides look for it', () => {
  const { candidateFields, candidateOffset, entryBytes, listFields, listHeaderBytes, listOffset } = contract
  expect(Object.keys(listFields).map((name) => listOffset(name as 'count'))).toEqual([0, 4])
  expect(Object.keys(candidateFields).map((name) => candidateOffset(name as 'xmin'))).toEqual([
    0, 8, 16, 24, 32, 40, 44, 48,
  ])
  expect(candidateOffset('link') + 4).toBeLessThanOrEqual(entryBytes)
  expect([listHeaderBytes % 8, entryBytes % 8]).toEqual([0, 0])
})

it('gives each word of the control block a place, and each thread its own', () => {
  const { controlOffsets, controlBytes, mostThreads } = contract
  const spans = Object.entries(controlOffsets).map(([name, start]) => {
    const words = name === 'ready' || name === 'shares' ? mostThreads : 1
    return [start, name === 'reason' ? controlBytes : start + words * 4]
  })
  spans.sort(([a], [b]) => a - b)
  for (let n = 1; n < spans.length; n++) expect(spans[n][0]).toBeGreaterThanOrEqual(spans[n - 1][1])
  expect(spans[spans.length - 1][1]).toBe(controlBytes)
})

describe('the packing exports', () => {
  const source = kernels.map(read).join('\n')
  const host = read('src/host/program/exports.ts')
  const names = all(host, /^ {2}(\w+)\(/gm)
  const parameters = (text: string, form: RegExp): string[] =>
    text
      .match(form)![1]
      .split(',')
      .map((part) => part.split(':')[0].trim())
      .filter((part) => part !== '')

  it('are exported by the engine, with the arguments that the host and the docs name', () => {
    expect(names).toHaveLength(12)
    const exported = read('assembly/index.ts')
    const docs = read(docsPath)
    for (const name of names) {
      expect(exported, name).toMatch(new RegExp(`\\b${name}\\b`))
      const ours = parameters(host, new RegExp(`^ {2}${name}\\(([^)]*)\\)`, 'm'))
      expect(parameters(source, new RegExp(`^export function ${name}\\(([^)]*)\\)`, 'm')), name).toEqual(ours)
      expect(parameters(docs, new RegExp(`^\\| \`${name}\\(([^)]*)\\)`, 'm')), name).toEqual(ours)
    }
  })

  it.each([
    ['packWinograd', 'pack_winograd_s8'],
    ['packStrided', 'pack_strided_s8'],
    ['packLinear', 'pack_linear_s8'],
  ] as const)('%s has the arguments of %s as its fields', (opcode, name) => {
    const ours = parameters(host, new RegExp(`^ {2}${name}\\(([^)]*)\\)`, 'm'))
    expect(Object.keys(contract.fields[opcode])).toEqual(ours)
  })
})
