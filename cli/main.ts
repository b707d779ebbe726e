#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { version } from './version.js'

// Letters are drawn with our own font: node's canvas need not search the system for others.
process.env.DISABLE_SYSTEM_FONTS_LOAD ??= '1'

/** How each verb is added, in the order of the help: only the one that is asked for is loaded, with what it brings along. */
const verbs: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  detect: async () => (await import('./detect.js')).addDetect,
  camera: async () => (await import('./camera.js')).addCamera,
  reconstruct: async () => (await import('./reconstruct.js')).addReconstruct,
  encode: async () => (await import('./encode.js')).addEncode,
  generate: async () => (await import('./generate.js')).addGenerate,
  walk: async () => (await import('./walk.js')).addWalk,
  arithmetic: async () => (await import('./arithmetic.js')).addArithmetic,
  ablate: async () => (await import('./ablate.js')).addAblate,
  score: async () => (await import('./score.js')).addScore,
  quantize: async () => (await import('./quantize.js')).addQuantize,
  eval: async () => (await import('./eval.js')).addEval,
  run: async () => (await import('./run.js')).addRun,
  inspect: async () => (await import('./inspect.js')).addInspect,
  bench: async () => (await import('./bench.js')).addBench,
  models: async () => (await import('./models.js')).addModels,
  pull: async () => (await import('./pull.js')).addPull,
}

const program = new Command('ocellus')
  .description('int8 vision on small machines: find objects, quantise networks, measure them')
  .version(version)
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
  .showSuggestionAfterError()
const [word = ''] = process.argv.slice(2)
for (const add of Object.hasOwn(verbs, word) ? [verbs[word]] : Object.values(verbs)) (await add())(program)
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
