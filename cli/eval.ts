import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { isInt8 } from '../src/host/graph/precision.js'
import { detectionOf } from '../src/host/graph/task.js'
import type { Model } from '../src/host/graph/types.js'
import { Detector } from '../src/host/platform/node.js'
import { type Evaluation, Evaluator, evaluationOptions } from '../tools/evaluate/evaluate.js'
import { readDataSet } from '../tools/evaluate/labels.js'
import {
  addNetworkOptions,
  type ModelWords,
  openModel,
  parseChoice,
  parseCount,
  parseEpsilon,
  parseFraction,
  parseSeed,
} from './inputs.js'
import { fixed, print, printJson, progress, table, warn } from './output.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  tracks?: string
  every: number
  against?: string
  data?: string
  count: number
  seed: number
  mask: number
  voc?: boolean
  iou: number
  fit?: 'letterbox' | 'stretch'
  json?: boolean
}

export function addEval(program: Command): void {
  const command = program
    .command('eval')
    .description(
      'measure a model, int8 and float side by side: a detector on labelled photos, a generator on latents, an autoencoder on photos; or the results of a tracker',
    )
    .argument(
      '[model]',
      'model (.safetensors) or darknet .weights; default: the embedded detector; with --tracks: results of a tracker',
    )
    .option(
      '--data <path>',
      'labelled photos: a folder with YOLO labels, or COCO instances JSON; for a generator: photos as it should draw; for an autoencoder: photos',
    )
    .option('--against <model>', 'a second model, usually the float original, measured on the same photos')
    .option('-n, --count <n>', 'latents on which two generators are compared', parseCount, 64)
    .option('--seed <n>', 'of the first latent or mask', parseSeed, 1)
    .option('--mask <ratio>', 'share of the patches that autoencoders have to restore', parseFraction, 0.75)
    .option('--voc', 'Pascal VOC all-point average precision instead of COCO 101-point')
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--names <file>', 'labels, one a line, or darknet .data that names such a file')
    .option(
      '--epsilon <value>',
      "of batch normalisation in darknet weights; default: darknet's 1e-5",
      parseEpsilon,
    )
    .option('--iou <overlap>', 'overlap of the suppression', parseFraction, evaluationOptions.iouThreshold)
    .option(
      '--fit <mode>',
      "letterbox or stretch; default: the model's",
      parseChoice(['letterbox', 'stretch'] as const),
    )
    .option(
      '--tracks <truth>',
      "ground truth of a video in MOT Challenge's format: HOTA, MOTA, IDF1 of results",
    )
    .option('--every <n>', 'with --tracks: only every n-th frame, from the first', parseCount, 1)
    .option('--json', 'print JSON')
    .action(evaluate)
  addSessionOptions(command)
  addNetworkOptions(command)
}

async function evaluate(path: string | undefined, options: Options): Promise<void> {
  if (options.tracks !== undefined) {
    const { evaluateTracks } = await import('./eval-tracks.js')
    return evaluateTracks(options.tracks, path, options)
  }
  const model = await openModel(path, { ...options, seekDetector: true })
  const other =
    options.against === undefined
      ? undefined
      : await openModel(options.against, { ...options, seekDetector: true })
  if (model.graph.task.kind === 'generation') {
    const { evaluateGenerator } = await import('./eval-generator.js')
    return evaluateGenerator(model, other, options)
  }
  if (model.graph.task.kind === 'autoencoder') {
    const { evaluateAutoencoder } = await import('./eval-autoencoder.js')
    return evaluateAutoencoder(model, other, options)
  }
  if (options.data === undefined)
    throw new OcellusError('E_OPTION', 'a detector needs labelled photos: give them with --data')
  const data = await readDataSet(options.data, { names: detectionOf(model.graph).labels })
  for (const warning of data.warnings) warn(warning)
  const results = new Map<string, Evaluation>()
  const measured = other === undefined ? [model] : [model, other]
  for (const one of measured) {
    let kind: string = precisionOf(one)
    if (results.has(kind)) kind = 'against'
    results.set(kind, await measure(one, data, kind, options))
  }
  const first = [...results.values()][0]
  if (options.json) {
    const columns = [...results].map(([kind, { images: _, boxes: __, ...rest }]) => [kind, rest] as const)
    printJson({ images: first.images, boxes: boxesOf(first), ...Object.fromEntries(columns) })
    return
  }
  const names = [...results.keys()]
  const row = (label: string, boxes: number, value: (e: Evaluation) => number | undefined): string[] => [
    label,
    String(boxes),
    ...[...results.values()].map((e) => fixed(value(e) ?? Number.NaN)),
  ]
  print(
    table(
      ['', 'boxes', ...names],
      [
        row('AP50', boxesOf(first), (e) => e.ap50),
        row('AP75', boxesOf(first), (e) => e.ap75),
        row('AP50:95', boxesOf(first), (e) => e.ap),
        ...Object.entries(first.perClass).map(([label, { boxes }]) =>
          row(label, boxes, (e) => e.perClass[label]?.ap50),
        ),
      ],
    ),
  )
  print(`\n${first.images} photos; classes: AP50, ${options.voc ? 'VOC all-point' : 'COCO 101-point'}`)
}

const precisionOf = (model: Model): 'int8' | 'float' => (isInt8(model) ? 'int8' : 'float')

/** `int8 has no class for 2 that are labelled, left out with their 7 boxes: zebra, oven` */
function missingClasses(kind: string, missing: ReadonlyMap<string, number>): string {
  const boxes = [...missing.values()].reduce((a, b) => a + b, 0)
  const most = 5
  const names = [...missing.keys()].slice(0, most).join(', ')
  return `${kind} has no class for ${missing.size} that are labelled, left out with their ${boxes} boxes: ${names}${missing.size > most ? ', ...' : ''}`
}

const boxesOf = (e: Evaluation): number => e.boxes

async function measure(
  model: Model,
  data: Awaited<ReturnType<typeof readDataSet>>,
  kind: string,
  options: Options,
): Promise<Evaluation> {
  const detector = await Detector.create({
    model,
    ...sessionOptionsOf(options),
    fit: options.fit,
    ...evaluationOptions,
    iouThreshold: options.iou,
  })
  const bar = progress(`measuring ${kind}`)
  try {
    const evaluator = new Evaluator(data, detectionOf(model.graph).labels)
    if (evaluator.missing.size > 0) warn(missingClasses(kind, evaluator.missing))
    return await evaluator.run((file) => detector.detectWithSize(file), {
      protocol: options.voc ? 'voc' : 'coco',
      onProgress: (done, total) => bar.update(done, total),
    })
  } finally {
    bar.stop()
    detector.close()
  }
}
