import { describe, expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { detectionOf, preprocessingOf } from '../../src/host/graph/task.js'
import { buildNetwork, parseCfg, readDarknet } from '../../tools/quantize/readers/darknet.js'
import { everyLayer, randomWeights, smallest } from './tiny.js'

const build = (text: string) => buildNetwork(parseCfg(text, 'tiny.cfg'))

/** The code and message of what a configuration is refused with. */
function refusal(text: string): string {
  try {
    build(text)
  } catch (error) {
    if (error instanceof OcellusError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

/** `smallest` with other lines: a configuration of one [convolutional], `middle`, and a head. */
const withConv = (keys: string) => smallest.replace('filters=2\nsize=1', `filters=2\n${keys}`)
const withYolo = (keys: string) => `${smallest}${keys}\n`
const withNet = (from: string, to: string) => smallest.replace(from, to)
const withLayer = (section: string) => smallest.replace('[convolutional]\nfilters=6', `${section}\n\n$&`)

describe('what a cfg may look like', () => {
  test.each([
    ['as it is', smallest],
    ['CRLF', smallest.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${smallest}`],
    ['no end of line at the end', smallest.trimEnd()],
    ['comments and blanks', smallest.replaceAll('\n', '\n# one\n  ; two = 2\n\n')],
    ['spaces around everything', smallest.replaceAll('=', ' = ').replaceAll('\n', '  \n\t')],
    ['a comment after a value', smallest.replace('classes=1', 'classes=1 # was 80')],
    ['a key given twice with one value', withYolo('classes=1')],
    ['a training key given twice', withNet('width', 'decay=0.1\ndecay=0.2\nwidth')],
    ['[network]', smallest.replace('[net]', '[network]')],
    ['[conv]', smallest.replaceAll('[convolutional]', '[conv]')],
    ['padding= is ignored beside pad=1', withConv('size=1\npad=1\npadding=7')],
    ['dilation of a 1x1 kernel', withConv('size=1\ndilation=2')],
    ['zeros for what is off', withConv('size=1\nxnor=0\nantialiasing=0\nstopbackward=800')],
    ['more anchors than num', withYolo('num=1').replace('anchors=10,14', 'anchors=10,14,3,5')],
    ['inputs that agree', withNet('width', 'inputs=48\nwidth')],
  ])('%s', (_, text) => {
    expect(refusal(text)).toBe('accepted')
  })
})

describe('what is refused, and where', () => {
  const cases: readonly (readonly [text: string, expected: string])[] = [
    // the text
    ['', 'E_CFG_SYNTAX: tiny.cfg line 1: the file has no sections'],
    ['# nothing\n', 'E_CFG_SYNTAX: tiny.cfg line 1: the file has no sections'],
    ['width=4\n[net]\n', 'E_CFG_SYNTAX: tiny.cfg line 1: expected a section'],
    ['<!DOCTYPE html>', 'E_CFG_SYNTAX: tiny.cfg line 1: expected a section such as [net], found "<!DOCTYPE'],
    [smallest.replace('[yolo]', '[yolo'), 'E_CFG_SYNTAX: tiny.cfg line 17: expected a section'],
    [smallest.replace('[yolo]', '[yolo] # 1'), 'E_CFG_SYNTAX: tiny.cfg line 17'],
    [withYolo('num'), 'E_CFG_SYNTAX: tiny.cfg line 20: expected key=value, found "num"'],
    [withYolo('num='), 'E_CFG_SYNTAX: tiny.cfg line 20: "num" has no value'],
    [withYolo('num= # 3'), 'E_CFG_SYNTAX: tiny.cfg line 20: "num" has no value'],
    [withYolo('=3'), 'E_CFG_SYNTAX: tiny.cfg line 20'],
    [
      smallest.replace('[net]', '[convolutional]'),
      'E_CFG_SECTION: tiny.cfg line 1: the first section must be [net]',
    ],
    // sections and keys
    [withLayer('[connected]\noutput=7'), 'E_CFG_SECTION: tiny.cfg line 12: [connected] is no layer'],
    [withLayer('[Convolutional]'), 'E_CFG_SECTION: tiny.cfg line 12: [Convolutional] is no layer'],
    [withLayer('[__proto__]'), 'E_CFG_SECTION: tiny.cfg line 12: [__proto__] is no layer'],
    [withLayer('[constructor]'), 'E_CFG_SECTION: tiny.cfg line 12: [constructor] is no layer'],
    ['[net]\nwidth=4\nheight=4\nchannels=3\n', 'E_CFG_SECTION: tiny.cfg has no [yolo] layer'],
    [withConv('size=1\nfilter=3'), 'E_CFG_KEY: tiny.cfg line 10: "filter" is not a key of [convolutional]'],
    [withYolo('__proto__=1'), 'E_CFG_KEY: tiny.cfg line 20: "__proto__" is not a key of [yolo]'],
    [withYolo('toString=1'), 'E_CFG_KEY: tiny.cfg line 20: "toString" is not a key of [yolo]'],
    [withNet('width', 'constructor=1\nwidth'), 'E_CFG_KEY: tiny.cfg line 2: "constructor"'],
    [
      withConv('size=1\nfilters=4'),
      'E_CFG_KEY: tiny.cfg line 8: [convolutional] filters="2" is "4" on line 10',
    ],
    [withNet('width=4\n', ''), 'E_CFG_KEY: tiny.cfg line 1: [net] needs width='],
    [smallest.replace('anchors=10,14\n', ''), 'E_CFG_KEY: tiny.cfg line 17: [yolo] needs anchors='],
    [withLayer('[route]'), 'E_CFG_KEY: tiny.cfg line 12: [route] needs layers='],
    [withLayer('[shortcut]'), 'E_CFG_KEY: tiny.cfg line 12: [shortcut] needs from='],
    [withConv('size=1\nxnor=1'), 'E_CFG_KEY: tiny.cfg line 10: [convolutional] xnor=1 is not supported'],
    [withConv('size=1\nshare_index=0'), 'E_CFG_KEY: tiny.cfg line 10: [convolutional] share_index='],
    [withConv('size=1\ndontload=1'), 'E_CFG_KEY: tiny.cfg line 10: [convolutional] dontload=1'],
    [withLayer('[maxpool]\nmaxpool_depth=1'), 'E_CFG_KEY: tiny.cfg line 13: [maxpool] maxpool_depth=1'],
    [withLayer('[maxpool]\nantialiasing=1'), 'E_CFG_KEY: tiny.cfg line 13: [maxpool] antialiasing=1'],
    [withLayer('[upsample]\nscale=2'), 'E_CFG_KEY: tiny.cfg line 13: [upsample] scale=2'],
    [withYolo('map=coco9k.map'), 'E_CFG_KEY: tiny.cfg line 20: [yolo] map='],
    // numbers
    [
      withNet('width=4', 'width=0'),
      'E_CFG_VALUE: tiny.cfg line 2: [net] width=0 is out of range, 1 to 65536',
    ],
    [withNet('width=4', 'width=-4'), 'E_CFG_VALUE: tiny.cfg line 2'],
    [withNet('width=4', 'width=65537'), 'E_CFG_VALUE: tiny.cfg line 2'],
    [withNet('channels=3', 'channels=1'), 'E_CFG_VALUE: tiny.cfg line 4: [net] channels=1 is not supported'],
    [withNet('width', 'inputs=49\nwidth'), 'E_CFG_VALUE: tiny.cfg line 2: [net] inputs=49'],
    [withNet('width', 'letter_box=2\nwidth'), 'E_CFG_VALUE: tiny.cfg line 2: [net] letter_box=2'],
    [
      smallest.replace('filters=2', 'filters=65536'),
      'E_CFG_VALUE: tiny.cfg line 8: [convolutional] filters=65536',
    ],
    [smallest.replace('filters=2', 'filters=0'), 'E_CFG_VALUE: tiny.cfg line 8'],
    [withConv('size=0'), 'E_CFG_VALUE: tiny.cfg line 9: [convolutional] size=0'],
    [withConv('size=129'), 'E_CFG_VALUE: tiny.cfg line 9'],
    [withConv('size=5'), 'E_CFG_VALUE: tiny.cfg line 9: [convolutional] size=5 does not fit in 4x4 pixels'],
    [withConv('stride=0'), 'E_CFG_VALUE: tiny.cfg line 9: [convolutional] stride=0'],
    [withConv('stride=-1'), 'E_CFG_VALUE: tiny.cfg line 9'],
    [withConv('stride_x=0'), 'E_CFG_VALUE: tiny.cfg line 9'],
    [
      withConv('size=3\npadding=3'),
      'E_CFG_VALUE: tiny.cfg line 10: [convolutional] padding=3 must be less than size=3',
    ],
    [withConv('size=3\ndilation=2'), 'E_CFG_VALUE: tiny.cfg line 10: [convolutional] dilation=2'],
    [withConv('groups=0'), 'E_CFG_VALUE: tiny.cfg line 9'],
    [
      withConv('groups=2'),
      'E_CFG_VALUE: tiny.cfg line 9: [convolutional] groups=2 does not divide the 3 input',
    ],
    [
      withConv('groups=3'),
      'E_CFG_VALUE: tiny.cfg line 9: [convolutional] groups=3 does not divide the 2 filters',
    ],
    [
      smallest.replace('=leaky', '=loggy'),
      'E_CFG_VALUE: tiny.cfg line 10: [convolutional] activation="loggy"',
    ],
    [withLayer('[maxpool]\nstride=0'), 'E_CFG_VALUE: tiny.cfg line 13'],
    [withLayer('[maxpool]\nsize=0'), 'E_CFG_VALUE: tiny.cfg line 13'],
    [
      withLayer('[maxpool]\nsize=5\npadding=0'),
      'E_CFG_VALUE: tiny.cfg line 13: [maxpool] size=5 does not fit',
    ],
    [
      withLayer('[maxpool]\nsize=2\npadding=5'),
      'E_CFG_VALUE: tiny.cfg line 14: [maxpool] padding=5 is too much',
    ],
    [withLayer('[upsample]\nstride=-2'), 'E_CFG_VALUE: tiny.cfg line 13: [upsample] stride=-2'],
    [
      withLayer('[shortcut]\nfrom=-1\nweights_type=per_channel'),
      'E_CFG_VALUE: tiny.cfg line 14: [shortcut] weights_type',
    ],
    // routes; the layer on line 12 is layer 1
    [
      withLayer('[route]\nlayers=1'),
      'E_CFG_ROUTE: tiny.cfg line 13: [route] layers=1 means this layer itself',
    ],
    [withLayer('[route]\nlayers=2'), 'E_CFG_ROUTE: tiny.cfg line 13: [route] layers=2 means layer 2'],
    [withLayer('[route]\nlayers=-2'), 'E_CFG_ROUTE: tiny.cfg line 13: [route] layers=-2 means layer -1'],
    [withLayer('[route]\nlayers=-1,0,5'), 'E_CFG_ROUTE: tiny.cfg line 13: [route] layers=5'],
    [withLayer('[route]\nlayers=-1,'), 'E_CFG_VALUE: tiny.cfg line 13: [route] layers: ""'],
    [withLayer(`[route]\nlayers=${Array(65).fill('-1').join()}`), 'E_CFG_VALUE: tiny.cfg line 13'],
    [
      withLayer('[route]\nlayers=-1\ngroups=3'),
      'E_CFG_VALUE: tiny.cfg line 14: [route] groups=3 does not divide',
    ],
    [withLayer('[route]\nlayers=-1\ngroups=0'), 'E_CFG_VALUE: tiny.cfg line 14'],
    [
      withLayer('[route]\nlayers=-1\ngroups=2\ngroup_id=2'),
      'E_CFG_VALUE: tiny.cfg line 15: [route] group_id=2',
    ],
    [withLayer('[route]\nlayers=-1\ngroups=2\ngroup_id=-1'), 'E_CFG_VALUE: tiny.cfg line 15'],
    [
      withLayer('[maxpool]\nstride=2\n[route]\nlayers=-1,-2'),
      'E_CFG_ROUTE: tiny.cfg line 15: [route] joins 0_convolutional (4x4x2) to 1_maxpool (2x2x2)',
    ],
    [
      withLayer('[maxpool]\nstride=2\n[shortcut]\nfrom=-2'),
      'E_CFG_ROUTE: tiny.cfg line 15: [shortcut] adds 0_convolutional (4x4x2) to 1_maxpool (2x2x2)',
    ],
    [
      withYolo('[convolutional]'),
      'E_CFG_ROUTE: tiny.cfg line 20: [convolutional] takes the decoded output of layer 2',
    ],
    [
      withYolo('[route]\nlayers=-1'),
      'E_CFG_ROUTE: tiny.cfg line 20: [route] takes the decoded output of layer 2',
    ],
    // heads
    [smallest.replace('filters=6', 'filters=255'), 'E_CFG_VALUE: tiny.cfg line 17: [yolo] needs 6 channels'],
    [withYolo('num=2'), 'E_CFG_VALUE: tiny.cfg line 18: [yolo] anchors lists 2 numbers, but num=2 needs 4'],
    [withYolo('mask=1'), 'E_CFG_VALUE: tiny.cfg line 20: [yolo] mask=1 is not one of num=1 anchors'],
    [smallest.replace('anchors=10,14', 'anchors=10,0'), 'E_CFG_VALUE: tiny.cfg line 18'],
    [smallest.replace('anchors=10,14', 'anchors=10,1e999'), 'E_CFG_VALUE: tiny.cfg line 18'],
    [withYolo('scale_x_y=NaN'), 'E_CFG_VALUE: tiny.cfg line 20: [yolo] scale_x_y: "NaN" is not a number'],
    [withYolo('scale_x_y=0'), 'E_CFG_VALUE: tiny.cfg line 20'],
    [withYolo('new_coords=2'), 'E_CFG_VALUE: tiny.cfg line 20'],
    [withYolo('iou_thresh=1.5'), 'E_CFG_VALUE: tiny.cfg line 20'],
    [withYolo('nms_kind=softnms'), 'E_CFG_VALUE: tiny.cfg line 20: [yolo] nms_kind="softnms"'],
    [
      withYolo('[route]\nlayers=0\n[conv]\nfilters=7\n[yolo]\nclasses=2\nanchors=1,2'),
      'E_CFG_VALUE: tiny.cfg line 25: [yolo] classes=2, but line 17 has 1',
    ],
    // memory
    [
      withNet('width=4\nheight=4', 'width=65536\nheight=65536'),
      'E_MODEL_LIMIT: tiny.cfg line 1: [net] makes',
    ],
    [withLayer('[upsample]\nstride=64\n'.repeat(3)), 'E_MODEL_LIMIT: tiny.cfg line 16: [upsample] makes'],
    [
      withLayer('[conv]\nfilters=16384\nsize=99\npad=1\n'.repeat(2)),
      'E_MODEL_LIMIT: tiny.cfg line 16: [conv] brings the weights to',
    ],
    [
      withLayer(`[conv]\nfilters=16384\n\n[route]\nlayers=${Array(5).fill('-1').join()}`),
      'E_MODEL_LIMIT: tiny.cfg',
    ],
    [`[net]\n${'[dropout]\n'.repeat(10_002)}`, 'E_MODEL_LIMIT: tiny.cfg line 10002: more than 10000 layers'],
    [' '.repeat(2 ** 20 + 1), 'E_FILE_TOO_LARGE: tiny.cfg holds 1048577 characters'],
  ]
  for (const [text, expected] of cases) {
    test(expected, () => {
      const message = refusal(text)
      expect(message.slice(0, expected.length)).toBe(expected)
      expect(message).not.toContain('\n')
    })
  }
})

test.each(['12abc', '1e9', 'NaN', 'Infinity', '0x10', '1.5', '1 2', '1,2', '99999999999', '--1', "'1'"])(
  '%s is no whole number',
  (value) => {
    expect(refusal(withNet('width=4', `width=${value}`))).toBe(
      `E_CFG_VALUE: tiny.cfg line 2: [net] width: "${value}" is not a whole number`,
    )
  },
)

test('a key named __proto__ changes nothing', () => {
  expect(refusal(withNet('width', '__proto__=9\nwidth'))).toMatch(/^E_CFG_KEY: tiny.cfg line 2: "__proto__"/)
  expect(({} as Record<string, unknown>).width).toBeUndefined()
})

test('long lines, numbers and lists are refused at once', () => {
  const digits = '1'.repeat(1_000_000)
  const start = performance.now()
  expect(refusal(withNet('width=4', `width=${digits}`))).toMatch(/^E_CFG_VALUE/)
  expect(refusal(withYolo(`scale_x_y=${digits}x`))).toMatch(/^E_CFG_VALUE/)
  expect(refusal(withYolo(`${digits}=1`))).toMatch(/^E_CFG_KEY/)
  expect(refusal(withYolo(digits))).toMatch(/^E_CFG_SYNTAX/)
  expect(refusal(withYolo(`mask=${'0,'.repeat(400_000)}0`))).toMatch(/^E_CFG_VALUE/)
  expect(refusal(smallest + '\n'.repeat(1_000_000))).toBe('accepted')
  expect(performance.now() - start).toBeLessThan(2000)
})

test('anchors, thresholds and the kind of suppression come from the [yolo] sections', () => {
  const bytes = randomWeights(everyLayer, 1)
  const files = {
    cfg: { text: everyLayer, file: 'tiny.cfg' },
    weights: { bytes, file: 'some/where/tiny.weights' },
  }
  const { graph } = readDarknet(files)
  expect(graph.name).toBe('tiny')
  expect(graph.preprocessing).toEqual({
    mode: 'stretch',
    pad: 128,
    channels: 'rgb',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  })
  expect(graph.task).toEqual({
    kind: 'detection',
    labels: ['class 0', 'class 1'],
    heads: [
      {
        output: '16_convolutional',
        anchors: [
          [10, 14],
          [37, 58],
        ],
        scaleXY: 1.05,
        newCoords: false,
      },
      { output: '19_activation', anchors: [[23.5, 27]], scaleXY: 2, newCoords: true },
      { output: '23_convolutional', anchors: [[10, 14]], scaleXY: 1, newCoords: false },
    ],
    nms: { kind: 'diou', iou: 0.45, beta: 0.7 },
  })
  expect(graph.outputs).toEqual(['16_convolutional', '19_activation', '23_convolutional'])
  expect(detectionOf(readDarknet({ ...files, names: ['cat', 'dog'] }).graph).labels).toEqual(['cat', 'dog'])
  const letterbox = { text: everyLayer.replace('width', 'letter_box=1\nwidth'), file: 'tiny.cfg' }
  expect(preprocessingOf(readDarknet({ ...files, cfg: letterbox }).graph).mode).toBe('letterbox')
  expect(() => readDarknet({ ...files, names: ['cat'] })).toThrow(
    /tiny\.cfg line .*classes=2, but there are 1 names/,
  )
})

test.each([
  ['logistic', 'logistic'],
  ['mish', 'mish'],
  ['swish', 'swish'],
  ['tanh', 'tanh'],
  ['hard_mish', 'hardMish'],
])('activation=%s is the curve %s', (word, kind) => {
  const { nodes } = build(smallest.replace('=leaky', `=${word}`))
  expect(nodes[0].attributes.activation).toBe('linear')
  expect(nodes[1]).toMatchObject({ op: 'activation', inputs: nodes[0].outputs, attributes: { kind } })
})
