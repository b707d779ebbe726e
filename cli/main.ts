#!/usr/bin/env node
import { Command, CommanderError, type Option } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { shown } from '../src/host/shown.js'
import { translated } from './aliases.js'
import { readVersion } from './version.js'

// Letters are drawn with our own font: node's canvas need not search the system for others.
process.env.DISABLE_SYSTEM_FONTS_LOAD ??= '1'

/**
 * How each verb is added, in the order of the help: only the one that is asked for is loaded, with
 * what it brings along.
 */
const verbs: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  detect: async () => (await import('./detect.js')).addDetect,
  classify: async () => (await import('./classify.js')).addClassify,
  camera: async () => (await import('./camera.js')).addCamera,
  reconstruct: async () => (await import('./reconstruct.js')).addReconstruct,
  encode: async () => (await import('./encode.js')).addEncode,
  generate: async () => (await import('./generate.js')).addGenerate,
  walk: async () => (await import('./walk.js')).addWalk,
  arithmetic: async () => (await import('./arithmetic.js')).addArithmetic,
  ablate: async () => (await import('./ablate.js')).addAblate,
  translate: async () => (await import('./translate.js')).addTranslate,
  score: async () => (await import('./score.js')).addScore,
  quantize: async () => (await import('./quantize.js')).addQuantize,
  eval: async () => (await import('./eval.js')).addEval,
  run: async () => (await import('./run.js')).addRun,
  export: async () => (await import('./export.js')).addExport,
  inspect: async () => (await import('./inspect.js')).addInspect,
  pack: async () => (await import('./pack.js')).addPack,
  bench: async () => (await import('./bench.js')).addBench,
  models: async () => (await import('./models.js')).addModels,
  pull: async () => (await import('./pull.js')).addPull,
}

const words = process.argv.slice(2)
const [word = ''] = words
const verb = Object.hasOwn(verbs, word) ? word : undefined

// Whatever fails, wherever, ends in one line and a code.
process.on('uncaughtException', (error) => {
  process.exitCode = report(error)
  process.exit()
})
process.stderr.on('error', () => {})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe may leave early, as `head` does: that is no failure of ours.
  if (error.code !== 'EPIPE')
    process.exitCode = report(
      new OcellusError('E_FILE_WRITE', `standard output can't be written: ${error.message}`),
    )
  process.exit()
})

/** Exit codes: 0 done, 1 the work failed, 2 the words were wrong. */
try {
  const program = new Command('ocellus')
    .description('int8 vision on small machines: find objects, quantise networks, measure them')
    .version(await readVersion())
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError()
  for (const add of verb === undefined ? Object.values(verbs) : [verbs[verb]]) (await add())(program)
  // Subcommands made by the functions above inherit neither of these by themselves.
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} })
  for (const command of program.commands) for (const option of command.options) pointToHelp(command, option)
  if (words.length === 0) program.outputHelp()
  else await program.parseAsync(translated(words), { from: 'user' })
} catch (error) {
  process.exitCode = report(error)
}

/** A value that an option can't have: the message leads to the verb's help, as others do. */
function pointToHelp(command: Command, option: Option): void {
  const parse = option.parseArg
  if (parse === undefined) return
  option.argParser((value: string, before: unknown) => {
    try {
      return parse(value, before)
    } catch (error) {
      if (!(error instanceof OcellusError)) throw error
      throw new OcellusError(
        error.code,
        `${error.message}, for ${option.long ?? option.flags}; see ocellus ${command.name()} --help`,
        { cause: error },
      )
    }
  })
}

/** Prints what failed, on one line; returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    return line('E_USAGE', `${message}; see ocellus ${verb === undefined ? '' : `${verb} `}--help`, 2)
  }
  if (error instanceof OcellusError)
    return line(error.code, error.message, error.code === 'E_OPTION' || error.code === 'E_USAGE' ? 2 : 1)
  const isDebugged = process.env.OCELLUS_DEBUG !== undefined
  if (isDebugged && error instanceof Error) process.stderr.write(`${error.stack ?? error.message}\n`)
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return line(
    'E_INTERNAL',
    `${shown(what, 400)}: a fault of Ocellus; OCELLUS_DEBUG=1 shows where, please report it`,
    1,
  )
}

function line(code: string, message: string, exitCode: number): number {
  process.stderr.write(`${code}: ${shown(message, 1200)}\n`)
  return exitCode
}
