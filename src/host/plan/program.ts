import { type Place, type Placement, pixelCount } from '../graph/descriptor.js'
import { bytesOf } from '../graph/ops/shared.js'
import { preprocessingOf } from '../graph/task.js'
import { encode } from '../program/encode.js'
import { type Instruction, instructionWords, scratchStrideWord } from '../program/instruction.js'
import { kindOf, outputTypes } from '../program/kinds.js'
import { channelPlace, type Plan } from './plan.js'

/**
 * The words of the program: preprocessing first, for a model that takes pictures, then one
 * instruction a step.
 */
export function compileProgram(plan: Plan): Int32Array {
  const instructions = [...preprocessInstruction(plan), ...plan.steps.map((_, i) => stepInstruction(plan, i))]
  const scratches = [...(plan.preprocessing ? [plan.preprocessing.scratch] : []), ...plan.scratch]
  const words = new Int32Array(instructions.length * instructionWords)
  instructions.forEach((instruction, i) => {
    words.set(encode(instruction), i * instructionWords)
    words[i * instructionWords + scratchStrideWord] = scratches[i].stride
  })
  return words
}

/** The fields that depend on the picture (source, sizes, offsets) are filled in for each frame. */
function preprocessInstruction(plan: Plan): Instruction[] {
  const { graph, tensorsByName } = plan.model
  if (plan.preprocessing === undefined) return []
  const { pad, channels } = preprocessingOf(graph)
  const input = tensorsByName.get(graph.inputs[0])!
  const place = plan.places.get(input.name)!
  const [, outputHeight, outputWidth] = input.shape
  return [
    {
      opcode: 'preprocess',
      fields: {
        source: 0,
        output: place.address,
        sourceWidth: 0,
        sourceHeight: 0,
        outputWidth,
        outputHeight,
        outputStride: place.stride,
        outputType: kindOf(outputTypes, input.dtype),
        table: plan.preprocessing.table,
        resizedWidth: 0,
        resizedHeight: 0,
        offsetX: 0,
        offsetY: 0,
        pad: pad,
        scratch: plan.preprocessing.scratch.address,
        swapRedBlue: channels === 'bgr' ? 1 : 0,
      },
    },
  ]
}

function stepInstruction(plan: Plan, index: number): Instruction {
  const step = plan.steps[index]
  if (step.kind === 'copy')
    return copyInstruction(plan, step.from, channelPlace(plan, step.into, step.channel))
  const { view, operator } = plan.model.views[step.index]
  const placement: Placement = {
    input: (i) => plan.places.get(view.inputs[i].name)!,
    output: plan.places.get(view.output.name)!,
    block: (role) => plan.blocks[step.index].get(role)!,
    scratch: plan.scratch[index].address,
  }
  return operator.emit(view, placement)
}

function copyInstruction(plan: Plan, from: string, output: Place): Instruction {
  const tensor = plan.model.tensorsByName.get(from)!
  const input = plan.places.get(from)!
  return {
    opcode: 'copy',
    fields: {
      input: input.address,
      output: output.address,
      pixels: pixelCount(tensor.shape),
      pixelBytes: tensor.shape[tensor.shape.length - 1] * bytesOf(tensor),
      inputStride: input.stride,
      outputStride: output.stride,
    },
  }
}

/** The node, or the copy, that an instruction of the program does. */
export function describeInstruction(plan: Plan, instruction: number): { name: string; op: string } {
  const lead = plan.preprocessing === undefined ? 0 : 1
  if (instruction < lead) return { name: 'preprocess', op: 'preprocess' }
  const step = plan.steps[instruction - lead]
  if (step.kind === 'copy') return { name: `${step.into} <- ${step.from}`, op: 'copy' }
  const { node } = plan.model.views[step.index].view
  return { name: node.name, op: node.op }
}

const round = Math.fround

/**
 * Tables from a channel's byte to the network's input, for red, green and blue in the network's own
 * order: value = (u8 / 255 - mean) / std, and its int8 when the input is quantised.
 */
export function preprocessTables(plan: Plan): Int8Array | Float32Array {
  const { graph, tensorsByName } = plan.model
  const input = tensorsByName.get(graph.inputs[0])!
  const { mean, std } = preprocessingOf(graph)
  const value = (c: number, u: number): number => (u / 255 - mean[c]) / std[c]
  const at = (i: number): number => value(Math.floor(i / 256), i % 256)
  if (input.quantization === undefined) return Float32Array.from({ length: 768 }, (_, i) => round(at(i)))
  const { scale, zeroPoint } = input.quantization
  return Int8Array.from({ length: 768 }, (_, i) => {
    const q = roundHalfEven(at(i) / scale) + zeroPoint
    return Math.max(-128, Math.min(127, q))
  })
}

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor
}
