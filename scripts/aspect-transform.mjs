/**
 * as-pect's transform adds an equality and a reflection member to every class, so that `expect` can
 * compare and print objects. The published one (8.1.0) has the numbers of AssemblyScript 0.27's
 * `NodeKind` inlined; 0.28.17 moved them. This one asks the compiler for its numbers and shows
 * as-pect's helpers the old ones.
 */
import { createAddReflectedValueKeyValuePairsMember } from '@as-pect/transform/lib/createAddReflectedValueKeyValuePairsMember.js'
import { createStrictEqualsMember } from '@as-pect/transform/lib/createStrictEqualsMember.js'
import { NodeKind } from 'assemblyscript'
import { Transform } from 'assemblyscript/transform'

const helpersKind = new Map([
  [NodeKind.FieldDeclaration, 54],
  [NodeKind.MethodDeclaration, 58],
])

function asHelpersSeeIt(declaration) {
  const members = declaration.members.map((member) =>
    Object.create(member, { kind: { value: helpersKind.get(member.kind) ?? -1 } }),
  )
  return Object.create(declaration, { members: { value: members } })
}

function visit(statements) {
  for (const statement of statements) {
    if (statement.kind === NodeKind.ClassDeclaration) {
      const view = asHelpersSeeIt(statement)
      statement.members.push(createStrictEqualsMember(view), createAddReflectedValueKeyValuePairsMember(view))
    } else if (statement.kind === NodeKind.NamespaceDeclaration) {
      visit(statement.members)
    }
  }
}

export default class AspectTransform extends Transform {
  afterParse(parser) {
    for (const source of parser.sources) visit(source.statements)
  }
}
