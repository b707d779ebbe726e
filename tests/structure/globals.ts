import ts from 'typescript'

/**
 * Of the language itself, in any engine of JavaScript; no clock, timer, thread, console, text
 * decoder or DOM.
 */
const language = new Set(
  [
    'Array ArrayBuffer Boolean DataView Date Error Infinity JSON Map Math NaN Number Object Promise RangeError',
    'Reflect RegExp Set String Symbol TypeError WeakMap WeakSet undefined isFinite isNaN parseFloat parseInt',
    'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array',
    // Types alone.
    'ArrayBufferLike ArrayBufferView ArrayLike AsyncGenerator AsyncIterable AsyncIterator Awaited Exclude Extract',
    'Generator Iterable IterableIterator IteratorResult NonNullable Omit Parameters Partial Pick PromiseLike PropertyKey',
    'ReadonlyArray ReadonlyMap ReadonlySet Readonly Record Required ReturnType const',
  ].flatMap((names) => names.split(' ')),
)

/** Names that a file uses and neither declares nor imports, but for those of the language. */
export function foreignNames(source: string): string[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true)
  const declared = new Set<string>()
  const used = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      if (isDeclared(node)) declared.add(node.text)
      else if (!isMember(node)) used.add(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return [...used].filter((name) => !declared.has(name) && !language.has(name)).sort()
}

/** Whether this place gives the name its meaning. */
function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isImportClause(parent) || ts.isNamespaceImport(parent)) return true
  if (ts.isImportSpecifier(parent)) return parent.name === node
  const named =
    ts.isVariableDeclaration(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isFunctionExpression(parent) ||
    ts.isClassDeclaration(parent) ||
    ts.isInterfaceDeclaration(parent) ||
    ts.isTypeAliasDeclaration(parent) ||
    ts.isTypeParameterDeclaration(parent) ||
    ts.isNamedTupleMember(parent)
  return named && parent.name === node
}

/** Whether the name is that of something's part, not of a thing by itself. */
function isMember(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isMetaProperty(parent)) return true
  if (ts.isPropertyAssignment(parent)) return parent.name === node
  const member =
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isGetAccessorDeclaration(parent) ||
    ts.isSetAccessorDeclaration(parent) ||
    ts.isLabeledStatement(parent) ||
    ts.isBreakOrContinueStatement(parent) ||
    ts.isTypePredicateNode(parent)
  return member && !('initializer' in parent && parent.initializer === node) && !isTypeOf(node)
}

/** A property's type is a name by itself. */
const isTypeOf = (node: ts.Identifier): boolean =>
  'type' in node.parent && node.parent.type === (node as ts.Node)
