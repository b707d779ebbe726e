import { extname, join } from 'node:path'
import { type Command, Option } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import type { Model } from '../src/host/graph/types.js'
import { drawOn } from '../src/host/platform/node/canvas.js'
import { Detector } from '../src/host/platform/node.js'
import { shown } from '../src/host/shown.js'
import {
  addOnnxOptions,
  type ModelWords,
  modelFiles,
  openModel,
  parseChoice,
  parseCount,
  parseFraction,
} from './inputs.js'
import { fixed, makeFolder, print, printJson, warn, writeWhole } from './output.js'
import { meansFolder, namesOf, Outputs, pictureEndings } from './outputs.js'
import { findPhotos, photoName, readPhoto } from './photos.js'
import { cocoResults, type PhotoResult, yoloLines } from './results.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

const formats = ['text', 'json', 'coco', 'yolo'] as const

interface Options extends Omit<ModelWords, 'outputs'>, SessionWords {
  model?: string
  threshold: number
  iou?: number
  max?: number
  labels?: string[]
  agnostic?: boolean
  order: 'class' | 'darknet'
  fit?: 'letterbox' | 'stretch'
  out?: string
  format: (typeof formats)[number]
  saveConf?: boolean
  imgsz?: number
  json?: boolean
}

export function addDetect(program: Command): void {
  const command = program
    .command('detect')
    .description('find the objects in photos')
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .option(
      '-m, --model <file>',
      'model (.safetensors), darknet .weights or .onnx; default: the embedded detector',
    )
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--names <file>', 'labels, one a line, or darknet .data that names such a file')
    .option('-t, --threshold <score>', 'least score, 0 to 1', parseFraction, 0.25)
    .option(
      '--iou <overlap>',
      "overlap above which the lower-scored box goes; default: the model's",
      parseFraction,
    )
    .option('--max <n>', 'most objects in a photo', parseCount)
    .option('--labels <name...>', 'only these labels')
    .option('--agnostic', 'boxes of different labels suppress each other too')
    .option(
      '--order <order>',
      "class, or darknet's own order of threshold, suppression and class",
      parseChoice(['class', 'darknet'] as const),
      'class',
    )
    .option(
      '--fit <mode>',
      "letterbox or stretch; default: the model's",
      parseChoice(['letterbox', 'stretch'] as const),
    )
    .option(
      '-o, --out <path>',
      'draw: a picture (.jpg, .png) for one photo, or a folder; .json: write the results',
    )
    .option('-f, --format <format>', `${formats.join(', ')}: what is printed`, parseChoice(formats), 'text')
    .option('--save-conf', 'add the score to each line of --format yolo')
    .option('--json', 'the same as --format json')
    .addOption(new Option('--imgsz <pixels>', "side of the network's input").argParser(parseCount).hideHelp())
    .action(detect)
  addSessionOptions(command)
  addOnnxOptions(command)
}

async function detect(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const format = options.json ? 'json' : options.format
  const names = namesOf(photos)
  const target = targetOf(photos, names, options)
  const model = await openModel(options.model, { ...options, seekDetector: true })
  if (options.imgsz !== undefined) checkSide(model, options.imgsz)
  const detector = await Detector.create({
    model,
    ...sessionOptionsOf(options),
    // Workers would hardly have started when a single photo is done.
    threads: options.threads ?? (photos.length === 1 ? 1 : undefined),
    fit: options.fit,
    scoreThreshold: options.threshold,
    iouThreshold: options.iou,
    maxResults: options.max,
    categoryAllowlist: options.labels,
    agnostic: options.agnostic,
    order: options.order,
  })
  const results: PhotoResult[] = []
  let failed: OcellusError | undefined
  for (const file of photos) {
    try {
      const pixels = await readPhoto(file, options.maxPixels)
      const detections = detector.detectPixels(pixels)
      results.push({ file, width: pixels.width, height: pixels.height, detections })
      if (format === 'text') printText(results[results.length - 1])
      const drawing = target.drawings.get(file)
      if (drawing !== undefined) writeWhole(drawing, await drawOn(pixels, detections, drawing))
      const labels = target.labels.get(file)
      if (labels !== undefined) writeWhole(labels, yoloLines(results[results.length - 1], options.saveConf))
    } catch (error) {
      // One bad photo among many does not cost the others.
      if (!(error instanceof OcellusError) || photos.length === 1 || error.code === 'E_FILE_WRITE')
        throw error
      warn(`${error.code}: ${error.message}`)
      failed = error
    }
  }
  detector.close()
  const report = reportOf(format, results, detector.labels, names)
  if (target.json !== undefined)
    writeWhole(target.json, `${JSON.stringify(report ?? jsonReport(results), null, 2)}\n`)
  else if (report !== undefined) printJson(report)
  else if (format === 'yolo' && target.labels.size === 0) {
    for (const result of results) print(yoloLines(result, options.saveConf).trimEnd())
  }
  if (failed !== undefined) process.exitCode = 1
}

/** Users of other detectors choose a size; here it is the model's, and another one is no error. */
function checkSide({ graph }: Model, asked: number): void {
  const [, height, width] = graph.tensors.find(({ name }) => name === graph.inputs[0])!.shape
  if (asked !== width && asked !== height)
    warn(`--imgsz ${asked}: ${graph.name} takes ${width}x${height} pixels, as its file says`)
}

/** Where results go, settled before the work starts. */
interface Target {
  readonly json?: string
  /** By photo. */
  readonly drawings: ReadonlyMap<string, string>
  readonly labels: ReadonlyMap<string, string>
}

function targetOf(photos: readonly string[], names: ReadonlyMap<string, string>, options: Options): Target {
  const { out, model, format } = options
  const none: Target = { drawings: new Map(), labels: new Map() }
  if (out === undefined) return none
  const outputs = new Outputs([...photos, ...modelFiles(model, options)])
  const target = planned(out, outputs, photos, names, format) ?? none
  outputs.check()
  return target
}

function planned(
  out: string,
  outputs: Outputs,
  photos: readonly string[],
  names: ReadonlyMap<string, string>,
  format: Options['format'],
): Target {
  const none = new Map<string, string>()
  if (!meansFolder(out, [...pictureEndings, '.json'])) {
    if (extname(out).toLowerCase() === '.json')
      return { json: outputs.add(out), drawings: none, labels: none }
    if (photos.length > 1) {
      throw new OcellusError(
        'E_OPTION',
        `--out ${out} is one picture for ${photos.length} photos: give a folder`,
      )
    }
    return { drawings: new Map([[photos[0], outputs.add(out)]]), labels: none }
  }
  makeFolder(out)
  const each = (ending: string) =>
    new Map([...names].map(([photo, name]) => [photo, outputs.add(join(out, `${name}${ending}`))] as const))
  return { drawings: each('.jpg'), labels: format === 'yolo' ? each('.txt') : none }
}

function printText({ file, width, height, detections }: PhotoResult): void {
  print(
    `${shown(photoName(file))} (${width}x${height}): ${detections.length === 0 ? 'nothing found' : ''}`.trimEnd(),
  )
  for (const { label, score, box } of detections) {
    const corners = [box.xmin, box.ymin, box.xmax, box.ymax].map((v) => v.toFixed(0)).join(', ')
    print(`  ${shown(label, 60)} ${fixed(score, 2)} at [${corners}]`)
  }
}

const jsonReport = (results: readonly PhotoResult[]) => ({ images: results })

function reportOf(
  format: Options['format'],
  results: readonly PhotoResult[],
  labels: readonly string[],
  names: ReadonlyMap<string, string>,
): unknown {
  if (format === 'json') return jsonReport(results)
  return format === 'coco' ? cocoResults(results, labels, names) : undefined
}
