import { limits } from '../../../../src/host/limits.js'
import { yoloTraining } from './keys.js'
import type { NetworkBuilder } from './network.js'
import type { Options } from './options.js'

const mostAnchors = 512

/**
 * [yolo]: the previous layer's output is a head; decoding it is the task's work, not the graph's.
 */
export function yolo(options: Options, _index: number, builder: NetworkBuilder): undefined {
  const input = builder.previous(options)
  const classes = options.integer('classes', 20, { min: 1, max: limits.labels })
  const anchors = readAnchors(options)
  const channels = anchors.length * (5 + classes)
  if (input.channels !== channels) {
    throw options.error(
      'E_CFG_VALUE',
      `needs ${channels} channels, ${anchors.length} anchors * (5 + ${classes} classes), but ${input.name} has ${input.channels}; correct its filters=, or mask= or classes= here`,
    )
  }
  // cornersnms is the Gaussian head's; for [yolo] darknet quietly falls back to default there.
  const nms = options.word('nms_kind', 'default', ['default', 'greedynms', 'diounms'])
  const beta = options.number('beta_nms', 0.6, { min: 0, max: 100 })
  // Which anchors answer for an object in training; no threshold of suppression. Checked, then
  // unused.
  options.number('iou_thresh', 1, { min: 0, max: 1 })
  options.unsupported('map', 'another list of classes')
  options.ignore(yoloTraining)
  builder.heads.push({
    output: input.name,
    anchors,
    scaleXY: options.number('scale_x_y', 1, { min: 0.01, max: 100 }),
    newCoords: options.integer('new_coords', 0, { min: 0, max: 1 }) === 1,
    classes,
    nms: { kind: nms === 'diounms' ? 'diou' : 'greedy', beta },
    options,
  })
  return undefined
}

/** The anchors that this head's mask picks from the list that all heads share. */
function readAnchors(options: Options): readonly (readonly [number, number])[] {
  const num = options.integer('num', 1, { min: 1, max: mostAnchors })
  const mask = options.integers('mask') ?? Array.from({ length: num }, (_, i) => i)
  const sides = options.numbers('anchors')
  if (sides === undefined) throw options.error('E_CFG_KEY', 'needs anchors=')
  if (sides.length < 2 * num) {
    throw options.error(
      'E_CFG_VALUE',
      `anchors lists ${sides.length} numbers, but num=${num} needs ${2 * num}`,
      'anchors',
    )
  }
  return mask.map((index) => {
    if (index < 0 || index >= num) {
      throw options.error('E_CFG_VALUE', `mask=${index} is not one of num=${num} anchors`, 'mask')
    }
    const [width, height] = sides.slice(2 * index)
    if (!(width > 0 && width <= limits.dimension && height > 0 && height <= limits.dimension)) {
      throw options.error('E_CFG_VALUE', `anchor ${index} is ${width} by ${height}, out of range`, 'anchors')
    }
    return [width, height] as const
  })
}
