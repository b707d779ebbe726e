import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { opcodes } from '../../src/host/program/opcodes.js'

const root = new URL('../../assembly/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const families = readdirSync(new URL('kernels', root), { withFileTypes: true })
const files = families.flatMap(({ name }) =>
  readdirSync(new URL(`kernels/${name}`, root)).map((file) => ({
    family: name,
    file: file.replace('.ts', ''),
    source: read(`kernels/${name}/${file}`),
  })),
)
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const exported = (source: string): string[] =>
  [...source.matchAll(/^export function (\w+)/gm)].map(([, name]) => name)

const kernels = new Set(Object.keys(opcodes).map(snake))
const type = /_(?:s8|s16|f32)$/

/**
 * The names that a kernel's file may have: without the digits of Winograd's form, the product form,
 * and maybe the type.
 */
function fileNames(kernel: string): string[] {
  const name = kernel.replace(/(winograd)\d+/, '$1').replace(/_(?:mla|relaxed)(?=_)/, '')
  return [name, name.replace(type, '')]
}

describe('families of kernels', () => {
  it('are folders that docs/kernels.md lists', () => {
    expect(families.every((entry) => entry.isDirectory())).toBe(true)
    const docs = readFileSync(new URL('../docs/kernels.md', root), 'utf8')
    const listed = [...docs.matchAll(/^ {4}(\w+)\/ {2}/gm)].map(([, name]) => name)
    expect(listed.sort()).toEqual(families.map(({ name }) => name).sort())
  })

  it.each(files)('$family/$file is named as docs/kernels.md says', ({ file, source }) => {
    const own = exported(source).filter((name) => kernels.has(name))
    for (const kernel of own) expect(fileNames(kernel)).toContain(file)
    if (own.length === 0) expect(file).not.toMatch(type)
    // Kernels and exports alone have underscores.
    const others = exported(source).filter((name) => !kernels.has(name) && !name.startsWith('pack_'))
    expect(others.filter((name) => name.includes('_'))).toEqual([])
  })

  it('are all named in docs/kernels.md', () => {
    const docs = readFileSync(new URL('../docs/kernels.md', root), 'utf8')
    const own = files.flatMap(({ source }) => exported(source)).filter((name) => kernels.has(name))
    expect(own.filter((name) => !docs.includes(`\`${name}\``))).toEqual([])
    expect(own).toHaveLength(kernels.size - 3)
  })
})
