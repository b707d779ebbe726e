import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { writeWhole } from '../../src/host/platform/node/write.js'
import { table } from '../report/table.js'
import { caseBytes, type Fault } from './case.js'
import { type FuzzResult, fuzz } from './fuzz.js'
import { bundleTargets } from './guided/bundle.js'
import { fuzzGuided } from './guided/guided.js'
import { targets } from './targets.js'

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give a whole number')
  return value
}

const command = new Command('npm run fuzz --')
  .description(
    `feeds damaged files to every reader, and says what none may do: throw an error without a code, hang, run out of memory, write to its input\n\n${Object.entries(
      targets,
    )
      .map(([name, { about }]) => `  ${name.padEnd(11)}${about}`)
      .join('\n')}`,
  )
  .option('--seconds <n>', 'for all targets together', wholeNumber, 60)
  .option('--seed <n>', 'the same seed makes the same cases', wholeNumber, 1)
  .option('--target <name...>', 'these alone; default: all')
  .option('--cases <n>', 'stop each target after so many cases', wholeNumber)
  .option('--guided', 'change further what reaches new code, as an instrumented bundle tells')
  .option('--keep <folder>', 'with --guided: write the inputs that reach all that was reached, by target')
  .option('--out <folder>', 'write the case of each fault there')
  .option('--json', 'print JSON instead of a table')
  .parse()

interface Options {
  readonly seconds: number
  readonly seed: number
  readonly target?: readonly string[]
  readonly cases?: number
  readonly guided?: boolean
  readonly keep?: string
  readonly out?: string
  readonly json?: boolean
}

const { seconds, seed, target, cases, guided, keep, out, json } = command.opts<Options>()
for (const name of target ?? [])
  if (!Object.hasOwn(targets, name))
    command.error(`E_USAGE: no target ${name}; there are ${Object.keys(targets).join(', ')}`, { exitCode: 2 })
// Native code has no counters, and would end this process.
const all = Object.keys(targets).filter((name) => guided !== true || targets[name].native !== true)
const names = target ?? all
for (const name of names)
  if (!all.includes(name))
    command.error(`E_USAGE: ${name} can't be guided: native code reads it`, { exitCode: 2 })

/** Bytes of an input that is kept: a corpus of many small ones is gone through in a moment. */
const mostKept = 1 << 14

/** A fault, with the bytes that show it. */
interface Shown {
  readonly name: string
  readonly fault: Fault
  readonly bytes: Uint8Array
}

const faults: Shown[] = []
const rows: string[][] = []
const results: object[] = []
const bundle = guided === true ? await bundleTargets() : undefined
for (const name of names) {
  const words = { target: name, seed, seconds: seconds / names.length, cases }
  let count: number
  if (bundle === undefined) {
    const result = await fuzz(words)
    for (const { index, fault } of result.faults)
      faults.push({
        name: `${name}-${seed}-${index}`,
        fault,
        bytes: caseBytes(targets[name].seeds(), seed, index),
      })
    rows.push(rowOf(result))
    results.push(result)
    count = result.faults.length
  } else {
    const { corpus, ...result } = await fuzzGuided({ ...words, bundle })
    for (const [n, { fault, bytes }] of result.faults.entries())
      faults.push({ name: `${name}-guided-${seed}-${n}`, fault, bytes })
    if (keep !== undefined)
      for (const bytes of corpus.filter(({ length }) => length <= mostKept))
        writeWhole(join(keep, name, nameOf(bytes)), bytes)
    rows.push([...rowOf(result), `${result.reached} of ${bundle.blocks}`, String(corpus.length)])
    results.push({
      ...result,
      blocks: bundle.blocks,
      kept: corpus.length,
      faults: result.faults.map(({ fault }) => fault),
    })
    count = result.faults.length
  }
  if (!json) console.error(`${name}: ${count} faults`)
}
if (out !== undefined) for (const { name, bytes } of faults) writeWhole(join(out, name), bytes)
if (json) console.log(JSON.stringify({ seed, results }))
else {
  const header = ['target', 'cases', 'rate', 'accepted', 'slowest', 'faults']
  console.log(table(bundle === undefined ? header : [...header, 'blocks', 'kept'], rows))
  for (const { name, fault } of faults)
    console.log(`${name}: ${fault.kind}: ${fault.text.split('\n').slice(0, 3).join(' ')}`)
}
process.exitCode = faults.length > 0 ? 1 : 0

function rowOf(r: Omit<FuzzResult, 'faults'> & { readonly faults: readonly unknown[] }): string[] {
  return [
    r.target,
    String(r.cases),
    `${Math.round(r.cases / r.seconds)}/s`,
    `${((100 * r.accepted) / Math.max(1, r.cases)).toFixed(1)} %`,
    `${Math.round(r.slowestMs)} ms`,
    String(r.faults.length),
  ]
}

/** The same name for the same bytes, on every machine. */
function nameOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
