import { describe, expect, it } from 'vitest'
import { translated } from '../../cli/aliases.js'
import { ocellus, ocellusWith, sample, temporaryFolder } from './run.js'

describe('words of other detectors', () => {
  it.each([
    ['detect --source a.jpg --conf 0.5 --weights m', 'detect a.jpg --threshold 0.5 --model m'],
    [
      'detect a.jpg --conf=0.5 --save-txt --save-conf',
      'detect a.jpg --threshold=0.5 --format=yolo --save-conf',
    ],
    ['detect --source=a.jpg -- --source', 'detect a.jpg -- --source'],
    ['camera --source 0 --conf 0.4', 'camera 0 --threshold 0.4'],
    ['eval --weights m --data d --iou-thres 0.6', 'eval m --data d --iou 0.6'],
    ['run --source a', 'run --source a'],
  ])('%s is %s', (given, want) => {
    expect(translated(given.split(' '))).toEqual(want.split(' '))
  })

  it('--imgsz is told from the size of the model', async () => {
    const words = ['detect', '--source', sample('cat.jpg'), '--conf', '0.5', '--save-txt', '--imgsz']
    const other = await ocellus(...words, '640')
    expect(other.code).toBe(0)
    expect(other.stdout).toMatch(/^\d+( \d\.\d+){4}\n/)
    expect(other.stderr).toMatch(/^--imgsz 640: detector takes \d+x\d+ pixels[^\n]*\n$/)
    const [, side] = /takes (\d+)x/.exec(other.stderr)!
    expect(await ocellus(...words, side)).toMatchObject({ code: 0, stderr: '', stdout: other.stdout })
  })
})

describe('errors', () => {
  it('a model that can be pulled is told so', async () => {
    const env = { OCELLUS_CACHE: temporaryFolder() }
    for (const verb of [['detect', sample('cat.jpg'), '--model'], ['inspect']]) {
      const ran = await ocellusWith(env, ...verb, 'yolov4-tiny')
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toBe(
        'E_FILE_MISSING: yolov4-tiny is not here yet: fetch it with ocellus pull yolov4-tiny\n',
      )
    }
  })

  it.each([
    ['detect a.jpg --threshold 3', 'E_OPTION: 3 is not a number from 0 to 1, for --threshold'],
    ['detect a.jpg --fit round', 'E_OPTION: round: give one of letterbox, stretch, for --fit'],
    ['detect a.jpg --thresh 3', "E_USAGE: unknown option '--thresh' [^\n]*"],
    ['detect', "E_USAGE: missing required argument 'photo'"],
    ['quantize x --samples 0 --out y', 'E_OPTION: 0 is not a whole number of at least 1, for --samples'],
  ])('%s: leads to the help of the verb', async (words, message) => {
    const given = words.split(' ')
    const { code, stderr } = await ocellus(...given)
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^${message}; see ocellus ${given[0]} --help\n$`))
  })
})
