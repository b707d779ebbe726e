import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { writeWhole } from '../../src/host/platform/node/write.js'
import { table } from '../report/table.js'
import { caseBytes } from './case.js'
import { type FuzzResult, fuzz } from './fuzz.js'
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
  .option('--out <folder>', 'write the case of each fault there')
  .option('--json', 'print JSON instead of a table')
  .parse()

interface Options {
  readonly seconds: number
  readonly seed: number
  readonly target?: readonly string[]
  readonly cases?: number
  readonly out?: string
  readonly json?: boolean
}

const { seconds, seed, target = Object.keys(targets), cases, out, json } = command.opts<Options>()
for (const name of target)
  if (!Object.hasOwn(targets, name))
    command.error(`E_USAGE: no target ${name}; there are ${Object.keys(targets).join(', ')}`, { exitCode: 2 })

const results: FuzzResult[] = []
for (const name of target) {
  const result = await fuzz({ target: name, seed, seconds: seconds / target.length, cases })
  results.push(result)
  if (!json) console.error(line(result))
}
const faults = results.flatMap(({ target: name, faults: list }) =>
  list.map(({ index, fault }) => ({ target: name, index, ...fault })),
)
if (out !== undefined)
  for (const { target: name, index } of faults)
    writeWhole(join(out, `${name}-${seed}-${index}`), caseBytes(targets[name].seeds(), seed, index))
if (json) console.log(JSON.stringify({ seed, results }))
else {
  console.log(tableOf(results))
  for (const { target: name, index, kind, text } of faults)
    console.log(`${name} case ${index}: ${kind}: ${text.split('\n').slice(0, 3).join(' ')}`)
}
process.exitCode = faults.length > 0 ? 1 : 0

function line({ target: name, cases: count, faults: list }: FuzzResult): string {
  return `${name}: ${count} cases, ${list.length} faults`
}

function tableOf(all: readonly FuzzResult[]): string {
  const rows = all.map((r) => [
    r.target,
    String(r.cases),
    `${Math.round(r.cases / r.seconds)}/s`,
    `${((100 * r.accepted) / Math.max(1, r.cases)).toFixed(1)} %`,
    `${Math.round(r.slowestMs)} ms`,
    String(r.faults.length),
  ])
  return table(['target', 'cases', 'rate', 'accepted', 'slowest', 'faults'], rows)
}
