import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { meansFolder, namesOf, Outputs } from '../../cli/outputs.js'
import { temporaryOf, writeWhole } from '../../src/host/platform/node/write.js'
import { codeOf } from '../helpers/code-of.js'
import { ocellus, sample, temporaryFolder } from './run.js'

const root = temporaryFolder()
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
let count = 0
beforeEach(() => {
  folder = join(root, String(count++))
  mkdirSync(folder)
})
const at = (...names: string[]): string => join(folder, ...names)
const cat = readFileSync(sample('cat.jpg'))

describe('names of photos', () => {
  it.each([
    [
      ['a/x.jpg', 'b/x.jpg'],
      ['x', 'x-2'],
    ],
    [
      ['a/x.jpg', 'b/x.jpg', 'x-2.jpg'],
      ['x', 'x-3', 'x-2'],
    ],
    [
      ['x-2.jpg', 'a/x.jpg', 'b/x.jpg', 'c/x.png'],
      ['x-2', 'x', 'x-3', 'x-4'],
    ],
    [
      ['a/X.jpg', 'b/x.jpg'],
      ['X', 'x-2'],
    ],
    [
      ['x.jpg', 'x.png', 'x.jpeg'],
      ['x', 'x-2', 'x-3'],
    ],
    [
      ['a/é.jpg', 'b/e\u0301.jpg'],
      ['é', 'e\u0301-2'],
    ],
    [
      ['-', 'stdin.jpg'],
      ['stdin', 'stdin-2'],
    ],
    [
      ['.jpg', 'a.b.jpg'],
      ['.jpg', 'a.b'],
    ],
  ])('%j', (photos, names) => expect([...namesOf(photos).values()]).toEqual(names))
})

describe('a plan of outputs', () => {
  it('refuses an input, by whatever way it is reached, and a name twice', () => {
    writeFileSync(at('in.jpg'), 'x')
    symlinkSync(at('in.jpg'), at('link.jpg'))
    const outputs = new Outputs([at('in.jpg'), undefined, 'detector-small', '-'])
    for (const path of [at('in.jpg'), at('.', 'in.jpg'), at('link.jpg')])
      expect(codeOf(() => outputs.add(path))).toBe('E_OPTION')
    outputs.add(at('out.jpg'))
    expect(codeOf(() => outputs.add(at('x', '..', 'out.jpg')))).toBe('E_OPTION')
    expect(codeOf(() => outputs.add('/dev/null'))).toBe('none')
    expect(codeOf(() => outputs.add('/dev/null/x'))).toBe('none')
    expect(codeOf(() => outputs.check())).toBe('E_FILE_WRITE')
  })

  it('finds a place that can not be written', () => {
    for (const path of ['/proc/x/y.jpg', at('folder')]) {
      mkdirSync(at('folder'), { recursive: true })
      const outputs = new Outputs([])
      outputs.add(path)
      expect(codeOf(() => outputs.check())).toBe('E_FILE_WRITE')
    }
    const outputs = new Outputs([])
    outputs.add(at('new', 'deep', 'x.jpg'))
    outputs.check()
    expect(readdirSync(at('new', 'deep'))).toEqual([])
  })

  it('takes a name with another ending for no folder', () => {
    mkdirSync(at('here.d'))
    expect(meansFolder('found', ['.jpg'])).toBe(true)
    expect(meansFolder('found.v2/', ['.jpg'])).toBe(true)
    expect(meansFolder(at('here.d'), ['.jpg'])).toBe(true)
    expect(meansFolder('x.JPG', ['.jpg'])).toBe(false)
    expect(codeOf(() => meansFolder('x.txt', ['.jpg']))).toBe('E_OPTION')
  })
})

describe('writing', () => {
  it('replaces a file whole, and sweeps what dead processes have left', () => {
    writeFileSync(at('x'), 'old')
    writeFileSync(at('x.4194999.tmp'), 'half')
    writeFileSync(at(`x.${process.ppid}.tmp`), 'of a living process')
    writeFileSync(at('y.4194999.tmp'), "another file's")
    writeWhole(at('x'), 'new')
    expect(readFileSync(at('x'), 'utf8')).toBe('new')
    expect(readdirSync(folder).sort()).toEqual(['x', `x.${process.ppid}.tmp`, 'y.4194999.tmp'].sort())
  })

  it('leaves the old file and no temporary where it fails', () => {
    mkdirSync(at('x'))
    writeFileSync(at('x', 'inside'), 'kept')
    expect(codeOf(() => writeWhole(at('x'), 'new'))).toBe('E_FILE_WRITE')
    expect(readdirSync(folder)).toEqual(['x'])
    mkdirSync(temporaryOf(at('z')))
    writeFileSync(at('z'), 'old')
    expect(codeOf(() => writeWhole(at('z'), 'new'))).toBe('E_FILE_WRITE')
    expect(readFileSync(at('z'), 'utf8')).toBe('old')
  })

  it('writes to a device and never puts a file in its place', () => {
    writeWhole('/dev/null', 'x')
    expect(codeOf(() => writeWhole('/dev/full', 'x'))).toBe('E_FILE_WRITE')
  })
})

describe('the command', () => {
  beforeEach(() => {
    for (const name of ['a', 'b']) {
      mkdirSync(at(name))
      writeFileSync(at(name, 'x.jpg'), cat)
    }
  })
  const found = ['--model', 'detector-small', '--threads', '1']

  it('numbers photos of one name alike in drawings, labels and ids', async () => {
    const photos = [at('a', 'x.jpg'), at('b', 'x.jpg')]
    await ocellus('detect', ...photos, ...found, '--format', 'yolo', '--out', at('out'))
    expect(readdirSync(at('out')).sort()).toEqual(['x-2.jpg', 'x-2.txt', 'x.jpg', 'x.txt'])
    const { stdout } = await ocellus('detect', ...photos, ...found, '--format', 'coco')
    const ids = (JSON.parse(stdout) as { image_id: string }[]).map((box) => box.image_id)
    expect([...new Set(ids)]).toEqual(['x', 'x-2'])
  })

  it('keeps numbers of COCO apart that are one number', async () => {
    copyFileSync(at('a', 'x.jpg'), at('a', '001.jpg'))
    copyFileSync(at('a', 'x.jpg'), at('b', '1.jpg'))
    const { stdout } = await ocellus(
      'detect',
      at('a', '001.jpg'),
      at('b', '1.jpg'),
      ...found,
      '--format',
      'coco',
    )
    const ids = (JSON.parse(stdout) as { image_id: unknown }[]).map((box) => box.image_id)
    expect([...new Set(ids)]).toEqual([1, '1'])
  })

  it.each([
    ['detect', () => ['detect', at('a'), '--out', at('a')]],
    ['detect, one photo', () => ['detect', at('a', 'x.jpg'), '--out', at('b', '..', 'a', 'x.jpg')]],
    ['reconstruct', () => ['reconstruct', at('a', 'x.jpg'), '--out', at('a', 'x.jpg')]],
    ['generate', () => ['generate', '--model', at('a', 'x.jpg'), '--out', at('a', 'x.jpg')]],
    ['walk', () => ['walk', '--model', at('a', 'x.jpg'), '--out', at('a', 'x.jpg')]],
    ['quantize', () => ['quantize', at('a', 'x.jpg'), '--out', at('a', 'x.jpg')]],
    [
      'quantize to a photo',
      () => ['quantize', 'detector', '--calibrate', at('a'), '--out', at('a', 'x.jpg')],
    ],
  ])('%s never writes over what it reads', async (_verb, words) => {
    const { code, stderr } = await ocellus(...words())
    expect(stderr).toMatch(/^E_OPTION: .* is read by this command: .*\n$/)
    expect(code).toBe(2)
    expect(readFileSync(at('a', 'x.jpg'))).toEqual(cat)
  })

  it.each([
    ['detect', () => ['detect', at('a'), '--out']],
    ['reconstruct', () => ['reconstruct', at('a'), '--out']],
    ['generate', () => ['generate', '--out']],
    ['walk', () => ['walk', '--out']],
    ['arithmetic', () => ['arithmetic', '--a', '1', '--b', '2', '--c', '3', '--out']],
    ['encode', () => ['encode', at('a'), '--out']],
  ])('%s makes no folder of a name with another ending', async (_verb, words) => {
    const { code, stderr } = await ocellus(...words(), at('out.txt'))
    expect(stderr).toMatch(/^E_OPTION: --out .*ends in \./)
    expect(code).toBe(2)
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
  })
})
