import { builtinModules } from 'node:module'
import { posix } from 'node:path'

const statements = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/gm,
]

/** What a source file imports, re-exports or requires, types included. */
export function importsOf(source: string): string[] {
  return statements.flatMap((pattern) => [...source.matchAll(pattern)].map(([, specifier]) => specifier))
}

/** Lowest first: a part may import itself and everything that stands before it. */
const hostOrder = [
  'errors',
  'program',
  'format',
  'graph',
  'plan',
  'engine',
  'tasks',
  'video',
  'index',
  'platform',
]

/** Files that all of the host may import, as errors. */
const beneath = ['limits', 'options', 'shown', 'source']

/** The part of the host that a file belongs to. */
function hostPart(path: string): string {
  const [part] = path.slice('src/host/'.length).split('/')
  const name = part.replace(/\.ts$/, '')
  return beneath.includes(name) ? 'errors' : name
}

function hostMayImport(from: string, to: string): boolean {
  if (from === to) return true
  // Pictures know nothing of models: image stands beside format, graph and plan, and the engine
  // takes its pixels.
  if (from === 'image') return to === 'errors'
  if (to === 'image') return hostOrder.indexOf(from) >= hostOrder.indexOf('engine')
  return hostOrder.includes(to) && hostOrder.indexOf(to) < hostOrder.indexOf(from)
}

/** Whether a file must run in any engine of JavaScript: all of the host but the platforms. */
export const isCore = (path: string): boolean =>
  path.startsWith('src/host/') && !path.startsWith('src/host/platform/')

const builtin = new Set(builtinModules)
const isNode = (specifier: string) => specifier.startsWith('node:') || builtin.has(specifier.split('/')[0])
const mayUseNode = (path: string) =>
  !/^(?:src\/host|assembly)\//.test(path) || /^src\/host\/platform\/node(?:\.ts$|\/)/.test(path)

/** The areas outside the host, and which of the repository's folders each may import. */
const areas: Record<string, RegExp> = {
  assembly: /^assembly\//,
  tools: /^(?:tools|src\/host)\//,
  bench: /^(?:bench|tools|src\/host)\//,
  cli: /^(?:cli|src|tools|bench)\//,
}

function areaOf(path: string): string | undefined {
  return Object.keys(areas).find((area) => path.startsWith(`${area}/`))
}

/** What is wrong with one import, or undefined. `path` is relative to the repository root. */
function judge(path: string, specifier: string): string | undefined {
  if (isNode(specifier)) return mayUseNode(path) ? undefined : 'node modules belong in platform/node.ts'
  if (!specifier.startsWith('.')) {
    return path.startsWith('assembly/') ? 'assembly/ imports nothing outside itself' : undefined
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (path.startsWith('src/host/')) {
    if (!target.startsWith('src/host/')) return 'src/host/ imports nothing of ours outside itself'
    const from = hostPart(path)
    const to = hostPart(target.replace(/\.js$/, '.ts'))
    return hostMayImport(from, to) ? undefined : `${from} may not import ${to}`
  }
  const area = areaOf(path)
  return area && !areas[area].test(target) ? `${area}/ may not import ${target}` : undefined
}

/** Every import of `source` that breaks the direction of docs/design.md, one line each. */
export function violations(path: string, source: string): string[] {
  const known = [...hostOrder, 'image']
  const found = importsOf(source).flatMap((specifier) => {
    const why = judge(path, specifier)
    return why ? [`${path}: '${specifier}': ${why}`] : []
  })
  if (path.startsWith('src/host/') && !known.includes(hostPart(path))) {
    found.push(`${path}: no part of the host is called ${hostPart(path)}`)
  }
  return found
}
