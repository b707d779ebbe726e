#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { OcellusError } from '../host/errors.js'
import { addBench } from './bench.js'
import { addDetect } from './detect.js'
import { addEncode } from './encode.js'
import { addEval } from './eval.js'
import { addInspect } from './inspect.js'
import { addModels } from './models.js'
import { addPull } from './pull.js'
import { addQuantize } from './quantize.js'
import { addReconstruct } from './reconstruct.js'
import { version } from './version.js'

const program = new Command('ocellus')
  .description('int8 vision on small machines: find objects, quantise networks, measure them')
  .version(version)
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
  .showSuggestionAfterError()
for (const add of [
  addDetect,
  addReconstruct,
  addEncode,
  addQuantize,
  addEval,
  addInspect,
  addBench,
  addModels,
  addPull,
])
  add(program)
// Subcommands made by the functions above inherit neither of these by themselves.
for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} })

// The reader of a pipe may leave early, as `head` does: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

/** Exit codes: 0 done, 1 the work failed, 2 the words were wrong. */
try {
  if (process.argv.length <= 2) program.outputHelp()
  else await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    process.stderr.write(
      `E_USAGE: ${error.message
        .replace(/^error: /, '')
        .split('\n')
        .join(' ')}; see ocellus --help\n`,
    )
    return 2
  }
  if (error instanceof OcellusError) {
    process.stderr.write(`${error.code}: ${error.message}\n`)
    return error.code === 'E_OPTION' || error.code === 'E_USAGE' ? 2 : 1
  }
  process.stderr.write(
    `E_INTERNAL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return 1
}
