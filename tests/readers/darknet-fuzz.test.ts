import { expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { variantOf } from '../helpers/variants.js'
import { everyLayer, randomizer, randomWeights, smallest } from './tiny.js'

/**
 * Reads hostile files: whatever they are, the answer is a model that verifies or an OcellusError.
 */
function survives(text: string, file: Uint8Array): 'read' | 'refused' {
  const { bytes, check } = variantOf(file, kind++)
  try {
    return readOrRefused(text, bytes)
  } finally {
    check()
  }
}

let kind = 0

function readOrRefused(text: string, bytes: Uint8Array): 'read' | 'refused' {
  try {
    verifyModel(readDarknet({ cfg: { text, file: 'f.cfg' }, weights: { bytes, file: 'f.weights' } }))
    return 'read'
  } catch (error) {
    if (!(error instanceof OcellusError))
      throw new Error(`not an OcellusError for:\n${text}`, { cause: error })
    // A model that the reader accepts must not be refused by the engine: the message would name no
    // line.
    expect(error.code, error.message).toMatch(/^E_(CFG|WEIGHTS)_|^E_MODEL_LIMIT/)
    expect(error.message).not.toContain('\n')
    return 'refused'
  }
}

const nasty = [
  ...[
    '0',
    '-1',
    '1',
    '2',
    '3',
    '7',
    '64',
    '65536',
    '99999999',
    '-99999999',
    '1e9',
    'NaN',
    '',
    '=',
    '[',
    ']',
    '#',
  ],
  ...[
    '__proto__',
    'constructor',
    '\0',
    '\uFFFD',
    ',',
    '-1,-2',
    '1.5',
    'leaky',
    'mish',
    '[yolo]',
    '[route]',
    '\n',
  ],
]

const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)]

/**
 * One change to a text: a line lost, doubled or moved, a value replaced, a character changed or
 * cut.
 */
function mutate(text: string, random: () => number): string {
  const lines = text.split('\n')
  const at = Math.floor(random() * lines.length)
  const place = Math.floor(random() * text.length)
  switch (Math.floor(random() * 7)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(at, 0, pick(lines, random))
      break
    case 2:
      lines[at] = `${lines[at].split('=')[0]}=${pick(nasty, random)}`
      break
    case 3:
      lines[at] = pick(lines, random)
      break
    case 4:
      return text.slice(0, place) + pick(nasty, random) + text.slice(place)
    case 5:
      return text.slice(0, place) + text.slice(place + 1)
    default:
      return text.slice(0, place)
  }
  return lines.join('\n')
}

test('a cfg cut at every character', () => {
  const bytes = randomWeights(everyLayer, 1)
  for (let length = 0; length < everyLayer.length; length++) survives(everyLayer.slice(0, length), bytes)
})

test('4,000 changed cfgs', () => {
  const random = randomizer(11)
  const bytes = randomWeights(everyLayer, 1)
  const count = { read: 0, refused: 0 }
  for (let i = 0; i < 4000; i++) {
    let text = everyLayer
    for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) text = mutate(text, random)
    const start = performance.now()
    count[survives(text, bytes)]++
    expect(performance.now() - start, text).toBeLessThan(1000)
  }
  expect(count.read).toBeGreaterThan(200)
  expect(count.refused).toBeGreaterThan(2000)
})

test('3,000 changed weight files', () => {
  const random = randomizer(12)
  const whole = randomWeights(smallest, 1)
  const count = { read: 0, refused: 0 }
  for (let i = 0; i < 3000; i++) {
    const bytes = whole.slice(0, random() < 0.1 ? Math.floor(random() * whole.length) : whole.length)
    for (let changes = Math.floor(random() * 8); changes > 0 && bytes.length > 0; changes--) {
      bytes[Math.floor(random() * bytes.length)] = random() < 0.3 ? 0xff : Math.floor(random() * 256)
    }
    count[survives(smallest, bytes)]++
  }
  expect(count.read).toBeGreaterThan(200)
  expect(count.refused).toBeGreaterThan(500)
})
