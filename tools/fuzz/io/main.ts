import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { table } from '../../report/table.js'
import { type Outcome, Workplace } from './run.js'
import { serveWeights, verbsOf } from './verbs.js'

const names = Object.keys(verbsOf(''))
const command = new Command('npm run fuzz:io --')
  .description(
    `runs each verb of the command as often as it calls node:fs, and has another call fail each time: the files that were there stay or are replaced whole, no temporary is left, and a code is told

  ${names.join(', ')}`,
  )
  .option('--verb <name...>', 'these alone; default: all')
  .option('--error <code>', 'how the call fails: EIO, ENOSPC, EACCES, EMFILE...', 'EIO')
  .option('--every <n>', 'try each n-th call alone', '1')
  .option('--json', 'print JSON instead of a table')
  .parse()

const {
  verb: chosen = names,
  error,
  every,
  json,
} = command.opts<{
  verb?: readonly string[]
  error: string
  every: string
  json?: boolean
}>()
for (const name of chosen)
  if (!names.includes(name))
    command.error(`E_USAGE: no verb ${name}; there are ${names.join(', ')}`, { exitCode: 2 })

const server = await serveWeights()
const verbs = verbsOf(server.address)
const results: { verb: string; calls: number; outcomes: Outcome[] }[] = []
for (const verb of chosen) {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-io-'))
  try {
    const place = new Workplace(verbs[verb], folder)
    const calls = await place.prepare()
    const outcomes: Outcome[] = []
    for (let index = 1; index <= calls.length; index += Number(every))
      outcomes.push(await place.fail(index, error))
    results.push({ verb, calls: calls.length, outcomes })
    if (!json) console.error(`${verb}: ${calls.length} calls`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
server.close()

const count = (outcomes: readonly Outcome[], result: Outcome['result']): number =>
  outcomes.filter((outcome) => outcome.result === result).length
if (json) console.log(JSON.stringify({ error, results }))
else {
  const rows = results.map(({ verb, calls, outcomes }) => [
    verb,
    String(calls),
    String(outcomes.length),
    String(count(outcomes, 'ended with a code')),
    String(count(outcomes, 'done without it')),
    String(count(outcomes, 'fault')),
  ])
  console.log(table(['verb', 'calls', 'failed', 'with a code', 'done without', 'faults'], rows))
  for (const { verb, outcomes } of results)
    for (const { call, result, text } of outcomes)
      if (result === 'fault') console.log(`${verb}: ${call}: ${text.replaceAll('\n', ' ')}`)
}
process.exitCode = results.some(({ outcomes }) => count(outcomes, 'fault') > 0) ? 1 : 0
