import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { writeWhole } from '../../src/host/platform/node/write.js'
import { table } from '../report/table.js'
import { parts } from './parts.js'
import { curves, spark } from './plot.js'
import { type SoakResult, soak } from './soak.js'

const positive = (text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('give a number above 0')
  return value
}

const command = new Command('npm run soak --')
  .description(
    `opens, uses and closes what the product has for as long as it is told, and shows what memory it takes meanwhile\n\n${Object.entries(
      parts,
    )
      .map(([name, { about }]) => `  ${name.padEnd(11)}${about}`)
      .join('\n')}`,
  )
  .option('--minutes <n>', 'for all parts together', positive, 5)
  .option('--part <name...>', 'these alone; default: all')
  .option('--rounds <n>', 'stop each part after so many rounds', positive)
  .option('--handle', 'keep the process alive by something else, as a server would')
  .option('--node <path>', 'the Node that runs it')
  .option('--out <folder>', 'write the curves there: soak.svg and soak.json')
  .option('--json', 'print JSON instead of a table')
  .parse()

const options = command.opts<{
  minutes: number
  part?: readonly string[]
  rounds?: number
  handle?: boolean
  node?: string
  out?: string
  json?: boolean
}>()
const { minutes, part: names = Object.keys(parts), rounds, handle, node, out, json } = options
for (const name of names)
  if (!Object.hasOwn(parts, name))
    command.error(`E_USAGE: no part ${name}; there are ${Object.keys(parts).join(', ')}`, { exitCode: 2 })

const results: SoakResult[] = []
for (const part of names) {
  const result = await soak({ part, seconds: (minutes * 60) / names.length, rounds, handle, node })
  results.push(result)
  if (!json) console.error(`${part}: ${result.rounds} rounds, ${result.faults.length} faults`)
}
if (out !== undefined) {
  writeWhole(join(out, 'soak.svg'), curves(results))
  writeWhole(join(out, 'soak.json'), `${JSON.stringify(results)}\n`)
}
if (json) console.log(JSON.stringify(results))
else {
  const rows = results.map((r) => [
    r.part,
    String(r.rounds),
    `${(r.rounds / r.seconds).toFixed(1)}/s`,
    `${Math.round(r.slowestMs)} ms`,
    `${r.peakMiB.toFixed(0)} MiB`,
    `${r.growthMiB.toFixed(1)} MiB`,
    String(r.faults.length),
    spark(r),
  ])
  console.log(
    table(['part', 'rounds', 'rate', 'slowest', 'peak', 'growth', 'faults', 'memory over time'], rows),
  )
  for (const { part, faults } of results) for (const fault of faults) console.log(`${part}: ${fault}`)
}
process.exitCode = results.some(({ faults }) => faults.length > 0) ? 1 : 0
