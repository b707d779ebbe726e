import type { DetectionTask } from '../../graph/types.js'
import type { Geometry } from '../../image/fit.js'
import type { HeadPlace } from '../../plan/detection.js'
import type { Instruction } from '../../program/instruction.js'
import { overlapKinds } from '../../program/kinds.js'
import type { Settings } from './options.js'

/** Where the instructions that make detections of a network's outputs find what they work on. */
export interface DecodingPlaces {
  readonly heads: readonly HeadPlace[]
  /** Address of the parameters of each instruction: one a head, then the suppression. */
  readonly parameters: readonly number[]
  readonly classMask: number
  readonly chains: number
  /** The list of candidates, and how many it holds. */
  readonly list: number
  readonly capacity: number
}

const mostResults = 0x7fffffff

/** An instruction for each head, then the suppression, and the float64 parameters of each. */
export function decodingProgram(
  { labels, heads, nms }: DetectionTask,
  settings: Settings,
  geometry: Geometry,
  places: DecodingPlaces,
): { readonly instruction: Instruction; readonly parameters: readonly number[] }[] {
  let origin = 0
  const decoding = heads.map((head, n) => {
    const { address, stride, rows, columns } = places.heads[n]
    const instruction: Instruction = {
      opcode: 'decodeYolo',
      fields: {
        ...geometry,
        input: address,
        inputStride: stride,
        rows,
        columns,
        anchors: head.anchors.length,
        classes: labels.length,
        newCoords: Number(head.newCoords),
        multiLabel: Number(settings.multiLabel),
        classMask: settings.classMask === undefined ? 0 : places.classMask,
        parameters: places.parameters[n],
        candidates: places.list,
        capacity: places.capacity,
        origin,
      },
    }
    origin += rows * columns * head.anchors.length
    return { instruction, parameters: [settings.scoreThreshold, head.scaleXY, ...head.anchors.flat()] }
  })
  const suppression: Instruction = {
    opcode: 'suppress',
    fields: {
      candidates: places.list,
      chains: places.chains,
      classes: labels.length,
      kind: overlapKinds[nms.kind === 'greedy' ? 'iou' : nms.kind],
      agnostic: Number(settings.agnostic),
      bestOnly: Number(settings.byDarknet),
      maxResults: Math.min(settings.maxResults, mostResults),
      clip: Number(settings.clip),
      sourceWidth: geometry.sourceWidth,
      sourceHeight: geometry.sourceHeight,
      parameters: places.parameters[heads.length],
    },
  }
  return [...decoding, { instruction: suppression, parameters: [settings.iouThreshold, nms.beta] }]
}
