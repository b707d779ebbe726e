import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { isInt8 } from '../src/host/graph/precision.js'
import type { Model } from '../src/host/graph/types.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import { writeModel } from '../src/host/platform/node.js'
import { hashFile } from '../tools/pull/download.js'
import { type Method, methods } from '../tools/quantize/calibrate/observers.js'
import { parseRanges, type Ranges, writeRanges } from '../tools/quantize/calibrate/ranges.js'
import { quantizeModel } from '../tools/quantize/quantize.js'
import { type ModelFile, ocellusFormat, openFormat } from '../tools/quantize/readers/open.js'
import { calibrationOf, findCalibration } from './calibration.js'
import {
  addNetworkOptions,
  type ModelWords,
  modelFiles,
  modelSource,
  openOptions,
  parseChoice,
  parseCount,
  parseEpsilon,
  parseSeed,
} from './inputs.js'
import { bytes, print, printJson, progress, table, warn, writeWhole } from './output.js'
import { Outputs } from './outputs.js'
import { warnDropped } from './photos.js'
import { autoencoderOf, quantizeAutoencoder } from './quantize-autoencoder.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  calibrate?: string[]
  ranges?: string
  saveRanges?: string
  samples: number
  seed: number
  out: string
  method: Method
  percentile: number
  reduceRange?: boolean
  biasCorrection: boolean
  equalize: boolean
  float?: string[]
  fit?: 'letterbox' | 'stretch'
  random?: boolean
  name?: string
  license?: string
  source?: string
  json?: boolean
}

export function addQuantize(program: Command): void {
  const command = program
    .command('quantize')
    .description('turn float weights into an int8 model, calibrated on photos')
    .argument(
      '<weights>',
      'darknet .weights, a checkpoint (.pth, .safetensors), .onnx, or a float Ocellus model',
    )
    .option(
      '--calibrate <photos...>',
      'photos, folders or globs, not the ones that you evaluate on; for an ONNX network also arrays: NAME=FILE.npy. Generators and autoencoders need none',
    )
    .requiredOption('-o, --out <file>', 'the int8 model to write (.safetensors)')
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--names <file>', 'labels, one a line, or .data; default: the .names beside the weights')
    .option('--epsilon <value>', "of batch normalisation; default: darknet's 1e-5", parseEpsilon)
    .option('--ranges <file>', 'ranges that --save-ranges kept: photos then serve to measure noise alone')
    .option('--save-ranges <file>', 'keep the ranges seen, to quantise the same weights without photos')
    .option('--samples <n>', 'most photos to calibrate on, evenly picked', parseCount, 128)
    .option(
      '--seed <n>',
      'a generator is calibrated on the latents of the seeds from here on',
      parseSeed,
      1_000_000,
    )
    .option('--random', 'inputs of an ONNX network that are not given: normal numbers, and any label')
    .option('--method <method>', `how ranges are chosen: ${methods.join(', ')}`, parseChoice(methods), 'lp')
    .option(
      '--percentile <percent>',
      'of the values at each end that stay unclipped, for --method percentile',
      parsePercent,
      99.99,
    )
    .option('--no-equalize', 'leave the ranges of channels between convolutions as they are')
    .option('--no-bias-correction', 'leave biases as they are when rounding the weights shifts the mean')
    .option('--float <layers...>', 'layers that stay float32, as the table of noise names them')
    .option('--reduce-range', '7-bit weights, as the relaxed dot product needs them')
    .option(
      '--fit <mode>',
      'letterbox or stretch: how photos are fitted, kept in the model',
      parseChoice(['letterbox', 'stretch'] as const),
    )
    .option('--name <name>', "the model's name; default: the file's")
    .option('--license <text>', 'licence of the weights, kept in the model')
    .option('--source <text>', 'where the weights come from, kept in the model')
    .option('--json', 'print the noise of each layer as JSON')
    .action(quantize)
  addSessionOptions(command)
  addNetworkOptions(command)
}

/** Ranges of a file, if they are of these weights. */
async function readRanges(file: string, source: ModelFile): Promise<Ranges> {
  const ranges = parseRanges(new TextDecoder().decode(await readCapped(file, limits.cfgBytes)), file)
  const { sha256 } = await hashFile(source.file)
  if (sha256 !== ranges.weights)
    throw new OcellusError(
      'E_OPTION',
      `${file} has the ranges of other weights than ${source.file}: give photos with --calibrate`,
    )
  return ranges
}

/** Samples on which noise is measured. */
const mostCompared = 16

async function quantize(weights: string, options: Options): Promise<void> {
  const source = await modelSource(weights)
  const given = await findCalibration(options.calibrate)
  const outputs = new Outputs([
    ...modelFiles(source.file, options),
    ...given.photos,
    ...given.arrays,
    ...(options.ranges === undefined ? [] : [options.ranges]),
  ])
  for (const file of [options.out, options.saveRanges]) if (file !== undefined) outputs.add(file)
  outputs.check()
  const bits = options.reduceRange ? 7 : 8
  const { model: read, format } = await openFormat(source, {
    ...openOptions({ ...options, seekDetector: true }),
    precision: 'int8',
    bits,
  })
  if (format.name === ocellusFormat && isInt8(read))
    throw new OcellusError('E_OPTION', `${weights} is quantised already: give its float weights`)
  const reopen = async (): Promise<Model> => (await openFormat(source, openOptions(options))).model
  const autoencoder = autoencoderOf(read, reopen, options)
  if (autoencoder !== undefined) return quantizeAutoencoder(weights, autoencoder, given.photos, options)
  const { float, samples, held, noun, drawn, what } = await calibrationOf(read, weights, given, options)
  const ranges = options.ranges === undefined ? undefined : await readRanges(options.ranges, source)
  const bars = {
    equalize: progress('equalizing '),
    calibrate: progress('calibrating'),
    compare: progress('comparing  '),
  }
  const {
    model,
    layers,
    calibrated,
    compared,
    heldBack,
    warnings,
    ranges: seen,
  } = await quantizeModel(float, samples, {
    method: options.method,
    percentile: options.percentile,
    reduceRange: options.reduceRange ?? false,
    biasCorrection: options.biasCorrection,
    equalize: options.equalize,
    compare: mostCompared,
    float: options.float,
    held,
    ranges,
    noun,
    drawn,
    onDropped: warnDropped,
    session: {
      ...sessionOptionsOf(options),
    },
    progress: (stage, done, total) => bars[stage].update(done, total),
  }).finally(() => {
    bars.equalize.stop()
    bars.calibrate.stop()
    bars.compare.stop()
  })
  for (const warning of warnings) warn(warning)
  const method = options.method === 'percentile' ? `percentile ${options.percentile}` : options.method
  const file = writeModel({
    ...model,
    graph: {
      ...model.graph,
      name: options.name ?? basename(options.out, extname(options.out)),
      provenance: {
        ...model.graph.provenance,
        quantization: `int8, ${options.reduceRange ? '7-bit' : '8-bit'} weights per channel, ${method}, ${calibrated} ${what}`,
        ...(options.license === undefined ? {} : { license: options.license }),
        ...(options.source === undefined ? {} : { source: options.source }),
      },
    },
  })
  writeWhole(options.out, file)
  if (options.saveRanges !== undefined) {
    const { sha256 } = await hashFile(source.file)
    writeWhole(options.saveRanges, writeRanges(seen, sha256))
  }
  if (options.json) {
    printJson({
      file: options.out,
      bytes: file.length,
      photos: calibrated,
      compared,
      heldBack,
      warnings,
      layers,
    })
    return
  }
  const made = `${options.out}: ${bytes(file.length)}, calibrated on ${calibrated} ${what}`
  if (layers.length === 0) {
    print(`${made}; noise was not measured, which takes --calibrate`)
    return
  }
  print(
    table(
      ['layer', 'operator', 'SNR dB'],
      layers.map((l) => [l.name, l.op, l.decibels.toFixed(1)]),
    ),
  )
  const worst = [...layers].sort((a, b) => a.decibels - b.decibels)[0]
  const on = heldBack ? `${compared} other ${noun}` : 'the same'
  print(`\n${made}; most noise in ${worst.name} (${worst.decibels.toFixed(1)} dB, on ${on})`)
}

function parsePercent(word: string): number {
  const value = Number(word)
  if (!(value > 50 && value <= 100))
    throw new OcellusError('E_OPTION', `${word} is not a percentage above 50`)
  return value
}
