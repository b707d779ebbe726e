import { basename, join, relative } from 'node:path'
import { type Command, Option } from 'commander'
import { type Peer, peers } from '../bench/contender.js'
import { runKernels } from '../bench/kernels/kernels.js'
import { randomMae, randomNetworks } from '../bench/models/vit.js'
import type { FrameSize } from '../bench/prepare.js'
import { kernelSections } from '../bench/report/kernels.js'
import type { Report } from '../bench/report/report.js'
import { headline, type Section, sections } from '../bench/report/tables.js'
import { writeKernelsReport, writeReport } from '../bench/report/write.js'
import { runSuite } from '../bench/suite.js'
import { OcellusError } from '../src/host/errors.js'
import type { Model } from '../src/host/graph/types.js'
import { checkWritable } from '../src/host/platform/node/write.js'
import { type Build, limits } from '../src/host/platform/node.js'
import {
  addNetworkOptions,
  type ModelWords,
  openModel,
  parseBuild,
  parseChoice,
  parseCount,
  parseEpsilon,
  parseThreads,
} from './inputs.js'
import { print, printJson, progress, table, warn } from './output.js'
import { readVersion } from './version.js'

interface Options extends ModelWords {
  model?: string
  against?: string
  network?: string
  reduceRange?: boolean
  threads: number[]
  sizes: FrameSize[]
  frame: FrameSize
  runs: number
  warmup: number
  seconds: number
  cold: number
  profile?: boolean
  peers?: true | Peer[]
  kernels?: true | string
  json?: boolean
  out?: string
  build?: Build
}

export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('time a network, alone or beside other runtimes in the same run')
    .option('-m, --model <file>', 'model (.safetensors), or darknet .weights; default: the embedded detector')
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--epsilon <value>', 'of batch normalisation in float weights', parseEpsilon)
    .option('--against <model>', 'a second model to time in turn with the first, usually the float original')
    .option(
      '--network <name>',
      `instead of a model one of chance weights, int8 and float: ${Object.keys(randomNetworks).join(', ')}`,
      parseChoice(Object.keys(randomNetworks)),
    )
    .option('--reduce-range', 'its int8 weights of 7 bits, for relaxed SIMD')
    .addOption(
      new Option('--threads <n,...>', 'numbers of threads, each timed')
        .argParser(parseThreadCounts)
        .default([1], '1'),
    )
    .addOption(
      new Option('--sizes <n,WxH,...>', 'input sizes to time too: how time and memory grow')
        .argParser(parseSizes)
        .default([], 'none'),
    )
    .addOption(
      new Option('--frame <WxH>', 'size of the frame for timing from frame to boxes')
        .argParser(parseSize)
        .default({ width: 1280, height: 720 }, '1280x720'),
    )
    .option('--runs <n>', 'timed inferences', parseCount, 30)
    .option('--warmup <n>', 'inferences before them', parseCount, 5)
    .option('--seconds <n>', 'start no new round after this long, once five are timed', parseCount, 600)
    .option('--cold <n>', 'processes started for each cold start; 0: only those that are timed', parseCold, 3)
    .option('--profile', 'time each layer')
    .option(
      '--peers [names]',
      `time other runtimes on the same networks, in turn with ours: all that are installed, or some of ${peers.join(', ')}`,
      parsePeers,
    )
    .option(
      '--kernels [shapes]',
      'time every kernel that could compute the layers of YOLOv4-tiny, DCGAN and MAE ViT-B/16, or of one of them, instead of a model',
    )
    .option('--json', 'print JSON')
    .option('-o, --out <folder>', 'write JSON, a page and plots to this folder')
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .action(bench)
  addNetworkOptions(command)
}

async function bench(options: Options): Promise<void> {
  if (options.out !== undefined) checkWritable(join(options.out, 'report.json'))
  if (options.kernels !== undefined) return benchKernels(options)
  const { model, against } = await modelsOf(options)
  const bars = progressBars()
  const report = await runSuite({
    ...options,
    version: await readVersion(),
    model,
    against,
    profile: options.profile === true,
    peers: options.peers === true ? peers : (options.peers ?? []),
    onProgress: bars.update,
  }).finally(bars.stop)
  if (options.out !== undefined) {
    for (const file of writeReport(report, options.out, commandLine())) warn(`wrote ${file}`)
  }
  if (options.json) printJson(report)
  else printReport(report)
}

async function modelsOf(options: Options): Promise<{ model: Model; against?: Model }> {
  const { network, reduceRange, model, against } = options
  if (network === undefined) {
    if (reduceRange)
      throw new OcellusError('E_OPTION', '--reduce-range is for --network: quantize a model with it')
    return {
      model: await openModel(model, { ...options, seekDetector: true }),
      against:
        against === undefined ? undefined : await openModel(against, { ...options, seekDetector: true }),
    }
  }
  if (model !== undefined || against !== undefined)
    throw new OcellusError('E_OPTION', '--network stands for --model and --against: give one or the other')
  const shape = randomNetworks[network]
  return {
    model: await randomMae(shape, 'int8', reduceRange ? 7 : 8),
    against: await randomMae(shape, 'float'),
  }
}

async function benchKernels(options: Options): Promise<void> {
  const bars = progressBars()
  const name = options.kernels === true ? undefined : options.kernels
  const report = await runKernels(name, { ...options, onProgress: bars.update }).finally(bars.stop)
  if (options.out !== undefined) {
    for (const file of writeKernelsReport(report, options.out, commandLine())) warn(`wrote ${file}`)
  }
  if (options.json) printJson(report)
  else printSections(kernelSections(report))
}

function printReport(report: Report): void {
  print(headline(report))
  printSections(sections(report))
}

function printSections(tables: readonly Section[]): void {
  for (const { title, header, rows, notes } of tables) {
    print(`\n${title}\n`)
    print(table(header, rows))
    for (const note of notes) print(note)
  }
}

/** One bar after another, each for one part of the work. */
function progressBars() {
  let current = ''
  let bar: ReturnType<typeof progress> | undefined
  return {
    update(what: string, done: number, total: number): void {
      if (what !== current) {
        bar?.stop()
        bar = progress(what)
        current = what
      }
      bar?.update(done, total)
    },
    stop: () => bar?.stop(),
  }
}

/** As it was given, but for folders that are nobody's business. */
function commandLine(): string {
  const words = process.argv.slice(2).map((word) => (word.includes('/') ? shortened(word) : word))
  return ['npx ocellus', ...words].join(' ')
}

function shortened(path: string): string {
  const inside = relative(process.cwd(), path)
  return inside.startsWith('..') ? basename(path) : inside
}

const parseThreadCounts = (word: string): number[] => [...new Set(word.split(',').map(parseThreads))]

function parseSizes(word: string): FrameSize[] {
  return word.split(',').map(parseSize)
}

/** `416` for a square, or `1280x720`. */
function parseSize(word: string): FrameSize {
  const [, width, height = width] = /^(\d{1,6})(?:x(\d{1,6}))?$/.exec(word) ?? []
  const size = { width: Number(width), height: Number(height) }
  const most = limits.imageSide
  if (!(size.width >= 1 && size.height >= 1 && size.width <= most && size.height <= most)) {
    throw new OcellusError('E_OPTION', `${word}: give a side or WIDTHxHEIGHT, from 1 to ${most}`)
  }
  return size
}

function parseCold(word: string): number {
  return word === '0' ? 0 : parseCount(word)
}

function parsePeers(words: string): Peer[] {
  return words.split(',').map((word) => {
    const peer = peers.find((p) => p === word)
    if (peer !== undefined) return peer
    throw new OcellusError('E_OPTION', `no peer ${word}: there are ${peers.join(', ')}`)
  })
}
