import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { type FrameFormat, frameFormats } from '../tools/firmware/frames.js'
import { packFirmware } from '../tools/firmware/pack.js'
import { type ModelWords, modelFiles, openModel, parseChoice, parseCount, parseFraction } from './inputs.js'
import { print, writeWhole } from './output.js'
import { Outputs } from './outputs.js'

interface Options extends ModelWords {
  target: 'c'
  frame: { readonly width: number; readonly height: number }
  format: FrameFormat
  threshold?: number
  iou?: number
  maxResults?: number
  maxRam?: number
  maxFlash?: number
  out: string
}

export function addPack(program: Command): void {
  program
    .command('pack')
    .description('write an int8 detector as plain C99 for a microcontroller: no malloc, no stdio, no globals')
    .argument('<model>', 'int8 model: a path or a name such as detector-small')
    .addOption(
      new Option('--target <target>', 'what to write').argParser(parseChoice(['c'] as const)).default('c'),
    )
    .requiredOption('--frame <width>x<height>', 'pixels of every frame that the camera gives', parseSize)
    .requiredOption('--format <format>', `its format: ${frameFormats.join(', ')}`, parseChoice(frameFormats))
    .option('--threshold <score>', 'least score of a detection; default: 0.25', parseFraction)
    .option(
      '--iou <overlap>',
      "boxes that overlap a better one by more are dropped; default: the model's",
      parseFraction,
    )
    .option('--max-results <n>', 'most detections of a frame', parseCount)
    .option(
      '--max-ram <bytes>',
      'refuse more RAM than this: arena, frame and 1 KB of stack; 256K, 1M',
      parseBytes,
    )
    .option('--max-flash <bytes>', 'refuse more flash than this: constants and about the code', parseBytes)
    .requiredOption('--out <folder>', 'folder for the files')
    .action(pack)
}

async function pack(word: string, options: Options): Promise<void> {
  const model = await openModel(word, options)
  const files = await packFirmware(model, {
    format: options.format,
    frame: options.frame,
    scoreThreshold: options.threshold,
    iouThreshold: options.iou,
    maxResults: options.maxResults,
    maxRam: options.maxRam,
    maxFlash: options.maxFlash,
  })
  const outputs = new Outputs(modelFiles(word, options))
  const paths = [...files.keys()].map((name) => outputs.add(join(options.out, name)))
  outputs.check()
  const written: string[] = []
  try {
    for (const [n, content] of [...files.values()].entries()) {
      writeWhole(paths[n], content)
      written.push(paths[n])
    }
  } catch (error) {
    // Some files of one model beside some of another would compile.
    for (const path of written) rmSync(path, { force: true })
    throw error
  }
  print(`${files.size} files in ${options.out}`)
}

/** `262144`, `256K` or `1M`, of 1024 each. */
function parseBytes(word: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,9})([KM]?)$/i.exec(word) ?? []
  if (digits === undefined)
    throw new OcellusError('E_OPTION', `${word} is no size: give bytes, or 256K, or 1M`)
  const factor = { '': 1, K: 1024, M: 1024 * 1024 }[unit.toUpperCase()] ?? 1
  return Number(digits) * factor
}

function parseSize(word: string): { width: number; height: number } {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(word) ?? []
  if (width === undefined) throw new OcellusError('E_OPTION', `${word} is no size: give one like 320x240`)
  return { width: Number(width), height: Number(height) }
}
