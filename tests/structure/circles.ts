import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** What a file imports, re-exports and loads later: of values alone, or of types as well. */
export function sourcesOf(source: string, kinds: 'values' | 'all'): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const types = kinds === 'all'
    if (ts.isImportDeclaration(node) && (types || !node.importClause?.isTypeOnly)) add(node.moduleSpecifier)
    if (ts.isExportDeclaration(node) && node.moduleSpecifier && (types || !node.isTypeOnly))
      add(node.moduleSpecifier)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0])
    ts.forEachChild(node, visit)
  }
  const add = (specifier: ts.Node): void => {
    if (ts.isStringLiteralLike(specifier)) found.push(specifier.text)
  }
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest))
  return found
}

/** The files of the project that each one imports. Paths are relative to the root. */
export function arrowsOf(
  root: string,
  paths: readonly string[],
  kinds: 'values' | 'all' = 'all',
): Map<string, string[]> {
  const resolve = (from: string, specifier: string): string[] => {
    const target = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '')
    return [`${target}.ts`, `${target}/index.ts`].filter((path) => existsSync(join(root, path))).slice(0, 1)
  }
  return new Map(
    paths.map((path) => {
      const inner = sourcesOf(readFileSync(join(root, path), 'utf8'), kinds).filter((s) => s.startsWith('.'))
      return [path, [...new Set(inner.flatMap((specifier) => resolve(path, specifier)))]]
    }),
  )
}

/**
 * Files that import each other, directly or over others: each set in which every file reaches every
 * other one (Tarjan, "Depth-first search and linear graph algorithms", 1972).
 */
export function circlesOf(arrows: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const circles: string[][] = []
  const visit = (file: string): void => {
    order.set(file, order.size)
    lowest.set(file, order.get(file)!)
    path.push(file)
    for (const next of arrows.get(file) ?? []) {
      if (!order.has(next)) visit(next)
      if (path.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!))
    }
    if (lowest.get(file) !== order.get(file)) return
    const circle = path.splice(path.indexOf(file))
    if (circle.length > 1 || arrows.get(file)?.includes(file)) circles.push(circle)
  }
  for (const file of arrows.keys()) if (!order.has(file)) visit(file)
  return circles
}
