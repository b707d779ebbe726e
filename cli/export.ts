import type { Command } from 'commander'
import { exportOnnx } from '../tools/export/onnx.js'
import {
  addNetworkOptions,
  type ModelWords,
  modelFiles,
  openModel,
  parseChoice,
  parseEpsilon,
} from './inputs.js'
import { bytes, print, printJson, writeWhole } from './output.js'
import { checkEnding, oneOutput } from './outputs.js'

const inputs = ['float32', 'uint8'] as const

interface Options extends ModelWords {
  out: string
  input: (typeof inputs)[number]
  json?: boolean
}

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a model as an .onnx file: int8 with QuantizeLinear and DequantizeLinear (QDQ)')
    .argument(
      '<model>',
      'model (.safetensors) or its name, darknet .weights or .cfg, checkpoint (.pth) or .onnx',
    )
    .requiredOption('-o, --out <file>', 'the .onnx file to write')
    .option(
      '--input <type>',
      "what an int8 model's inputs take: float32, or uint8 bytes of the engine's int8 plus 128",
      parseChoice(inputs),
      'float32',
    )
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--epsilon <epsilon>', 'of batch normalisation', parseEpsilon)
    .option('--json', 'print JSON')
    .action(write)
  addNetworkOptions(command)
}

async function write(path: string, options: Options): Promise<void> {
  checkEnding(options.out, ['.onnx'])
  oneOutput(options.out, modelFiles(path, options))
  const model = await openModel(path, options)
  const file = exportOnnx(model, { input: options.input })
  writeWhole(options.out, file)
  const { name, inputs: from, outputs } = model.graph
  if (options.json) printJson({ model: name, file: options.out, bytes: file.length, inputs: from, outputs })
  else print(`${options.out}: ${bytes(file.length)}`)
}
