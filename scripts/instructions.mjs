/**
 * node scripts/instructions.mjs [--check]
 *
 * Writes what the engine and the docs say of an instruction from src/host/program/, where it is
 * named: the classes and constants of assembly/lib/instructions.ts, and the tables of
 * docs/engine.md between its markers. With --check nothing is written, and a stale file ends the
 * script with exit code 1.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const enginePath = 'assembly/lib/instructions.ts'
export const docsPath = 'docs/engine.md'

const capitals = (name) =>
  name.replace(/(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d+/g, (part) => `_${part}`).toUpperCase()
/**
 * OP_CONV_S8 for convS8, but OP_WINOGRAD43_S8 for winograd43S8: digits stay with the word that they
 * follow.
 */
const opcodeName = (name) => `OP_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** The engine's type of a field. An address is a usize: linear memory has 32 bits. */
function typeOf(kind, contract) {
  if (contract.addressKinds.includes(kind)) return 'usize'
  return kind === 'float' ? 'f32' : 'i32'
}

function classOf(name, { layout, base }, contract) {
  const inherited = base === undefined ? 0 : Object.keys(contract.classes[base].layout).length
  const own = Object.entries(layout).slice(inherited)
  const lines = own.map(([field, kind]) => `  ${field}: ${typeOf(kind, contract)}`)
  return `@unmanaged\nexport class ${name} extends ${base ?? 'Instruction'} {\n${lines.join('\n')}\n}\n`
}

/** A struct of the list of candidates. */
function structOf(name, fields) {
  const types = { int32: 'i32', float64: 'f64' }
  const lines = Object.entries(fields).map(([field, type]) => `  ${field}: ${types[type]}`)
  return `@unmanaged\nexport class ${name} {\n${lines.join('\n')}\n}\n`
}

/** The kinds, and a function that lets no other number pass. */
function enumOf(name, kinds) {
  const lines = Object.entries(kinds).map(([kind, value]) => `  ${kind} = ${value},`)
  const values = Object.values(kinds)
  const [first, last] = [Math.min(...values), Math.max(...values)]
  const isRange = last - first + 1 === values.length
  // An unsigned comparison of a range is one instruction, below it too.
  const other = isRange
    ? `<u32>${first === 0 ? 'value' : `(value - ${first})`} > ${last - first}`
    : values.map((value) => `value != ${value}`).join(' && ')
  return `export const enum ${name} {\n${lines.join('\n')}\n}

export function require${name}(value: i32): void {\n  if (${other}) unreachable()\n}\n`
}

const constants = (values, type, name) =>
  Object.entries(values)
    .map(([key, value]) => `export const ${name(key)}: ${type} = ${value}\n`)
    .join('')

export function engineFile(contract) {
  const { opcodes, classes, controlStart, controlOffsets, sizes, numbers } = contract
  const addresses = Object.entries(controlOffsets).map(([key, offset]) => [key, controlStart + offset])
  return [
    `// Written by scripts/instructions.mjs from src/host/program/, which says what each name means.
// Do not edit. An instruction is read as the class of its layout: changetype<Conv>(i).inputHeight,
// or a parameter of type Conv.
`,
    constants(opcodes, 'i32', opcodeName),
    `// The kinds that fields and arguments have. The host writes no other number, and a kernel traps on\n// one before it computes.\n\n${[
      enumOf('ActivationKind', contract.activationKinds),
      enumOf('CurveKind', contract.curveKinds),
      enumOf('ArithmeticKind', contract.arithmeticKinds),
      enumOf('ReduceKind', contract.reduceKinds),
      enumOf('PadMode', contract.padModes),
      enumOf('OutputType', contract.outputTypes),
      enumOf('Product', contract.products),
      enumOf('ConvProduct', contract.convProducts),
      enumOf('Phase', contract.phases),
      enumOf('OverlapKind', contract.overlapKinds),
      enumOf('WinogradSize', contract.winogradSizes),
      enumOf('RowFinding', contract.rowFindings),
    ].join('\n')}`,
    `// Sizes by which the host plans memory.\n\n${constants(sizes, 'usize', capitals)}`,
    constants(numbers, 'i32', capitals),
    `// The words of the control block.\n\n${constants(Object.fromEntries(addresses), 'usize', (key) => `CONTROL_${capitals(key)}`)}`,
    `/** What run returns when another thread has failed. */\nexport const ABORTED: i32 = ${contract.aborted}\n`,
    `// The list of candidates.\n\nexport const LIST_HEADER_BYTES: usize = ${contract.listHeaderBytes}
export const ENTRY_BYTES: usize = ${contract.entryBytes}\n`,
    structOf('CandidateList', contract.listFields),
    structOf('Candidate', contract.candidateFields),
    `// The layouts of instructions.\n\n@unmanaged\nexport class Instruction {\n  opcode: i32\n}\n`,
    ...Object.entries(classes).map(([name, entry]) => classOf(name, entry, contract)),
  ].join('\n')
}

/** A row of the docs' table: the opcodes that share a layout, and its fields in order. */
function layoutRow(layout, { fields, opcodes }) {
  const names = Object.keys(fields).filter((opcode) => fields[opcode] === layout)
  const words = Object.entries(layout).map(
    ([field, kind]) => `\`${field}\`${kind === 'integer' ? '' : ` ${kind}`}`,
  )
  const own = names.map((name) => `\`${name}\` ${opcodes[name]}`)
  return `| ${own.join(', ')} | ${words.join(', ')} |`
}

const kindRow = (name, kinds) =>
  `| ${name} | ${Object.entries(kinds)
    .map(([kind, value]) => `\`${kind}\` ${value}`)
    .join(', ')} |`

const begins = '<!-- Written by scripts/instructions.mjs -->'
const ends = '<!-- End -->'

export function docsFile(text, contract) {
  const rows = [...new Set(Object.values(contract.fields))].map((layout) => layoutRow(layout, contract))
  const kinds = Object.entries(contract.enumerations).map(([name, values]) => kindRow(name, values))
  const tables = [
    '| instruction, opcode | fields, from word 1 on |\n|---|---|',
    ...rows,
    '\n| kind | numbers |\n|---|---|',
    ...kinds,
  ].join('\n')
  const [before, rest] = text.split(begins)
  const after = rest?.slice(rest.indexOf(ends))
  if (!after?.startsWith(ends)) throw new Error(`${docsPath} lacks the markers ${begins} and ${ends}`)
  return `${before}${begins}\n\n${tables}\n\n${after}`
}

/**
 * The sources are TypeScript, which Node 20 does not read: each is transpiled by itself, which
 * takes a blink.
 */
async function loadContract() {
  const { default: ts } = await import('typescript')
  const from = join(root, 'src/host/program')
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  const to = mkdtempSync(join(root, 'node_modules/.cache/program-'))
  try {
    for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const options = {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true,
      }
      const { outputText } = ts.transpileModule(readFileSync(join(from, name), 'utf8'), {
        compilerOptions: options,
      })
      const file = join(to, name.replace(/\.ts$/, '.mjs'))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, outputText.replace(/(from '\..*)\.js'/g, "$1.mjs'"))
    }
    return await import(pathToFileURL(join(to, 'index.mjs')).href)
  } finally {
    rmSync(to, { recursive: true, force: true })
  }
}

async function main(words) {
  const contract = await loadContract()
  const docs = readFileSync(join(root, docsPath), 'utf8')
  const files = { [enginePath]: engineFile(contract), [docsPath]: docsFile(docs, contract) }
  for (const [path, text] of Object.entries(files)) {
    let before = ''
    try {
      before = readFileSync(join(root, path), 'utf8')
    } catch {}
    if (before === text) continue
    if (words.includes('--check')) {
      console.error(`${path} is stale: run node scripts/instructions.mjs`)
      process.exitCode = 1
    } else {
      writeFileSync(join(root, path), text)
      console.log(`wrote ${path}`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
