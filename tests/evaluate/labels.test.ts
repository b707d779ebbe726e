import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/host/errors.js'
import { limits } from '../../src/host/limits.js'
import { mapClasses } from '../../tools/evaluate/classes.js'
import { readDataSet } from '../../tools/evaluate/labels.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'labels-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

async function read(files: Record<string, string>, at = '', names?: string[]) {
  write(files)
  const dataSet = await readDataSet(join(folder, at), { names })
  return { ...dataSet, photos: dataSet.photos.map((photo) => ({ ...photo, file: basename(photo.file) })) }
}

const refused = (files: Record<string, string>, code: ErrorCode, message: RegExp | string, at = '') =>
  expect(read(files, at)).rejects.toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )

const box = (classId: number, xmin: number, ymin: number, xmax: number, ymax: number, crowd = false) => ({
  classId,
  box: {
    xmin: expect.closeTo(xmin),
    ymin: expect.closeTo(ymin),
    xmax: expect.closeTo(xmax),
    ymax: expect.closeTo(ymax),
  },
  crowd,
})

describe('YOLO', () => {
  const expected = [{ file: 'a.jpg', labels: [box(1, 0.25, 0.4, 0.75, 0.6)] }]
  const label = '1 0.5 0.5 0.5 0.2\n'

  test.each([
    ['images/ and labels/', { 'images/a.jpg': '', 'labels/a.txt': label, 'classes.txt': 'cat\ndog\n' }, ''],
    ['parts of images/', { 'images/val/a.jpg': '', 'labels/val/a.txt': label, 'x.names': 'cat\ndog' }, ''],
    ['one part', { 'images/val/a.jpg': '', 'labels/val/a.txt': label, 'x.names': 'cat\ndog' }, 'images/val'],
    [
      'images/ alone',
      { 'images/a.jpg': '', 'labels/a.txt': label, 'labels/classes.txt': 'cat\ndog' },
      'images',
    ],
    ['side by side', { 'a.jpg': '', 'a.txt': label, 'classes.txt': 'cat\r\ndog\r\n' }, ''],
    ['a YAML list', { 'a.jpg': '', 'a.txt': label, 'data.yaml': 'nc: 2\nnames: [cat, dog]\n' }, ''],
    ['a YAML map', { 'a.jpg': '', 'a.txt': label, 'data.yaml': 'names:\n  1: dog\n  0: cat\n' }, ''],
  ] as [string, Record<string, string>, string][])('%s', async (_, files, at) => {
    const dataSet = await read(files, at)
    expect(dataSet).toEqual({ names: ['cat', 'dog'], photos: expected, warnings: [] })
  })

  test("a folder without names takes the model's", async () => {
    const files = { 'a.jpg': '', 'a.txt': label }
    expect((await read(files, '', ['x', 'y'])).names).toEqual(['x', 'y'])
    await refused(files, 'E_DATA_LABELS', /classes\.txt/)
  })

  test('a polygon is the box around it', async () => {
    const files = { 'a.jpg': '', 'a.txt': '0 0.1 0.2 0.5 0.3 0.2 0.9', 'classes.txt': 'cat' }
    expect((await read(files)).photos[0].labels).toEqual([box(0, 0.1, 0.2, 0.5, 0.9)])
  })

  test('what is missing is said and left out', async () => {
    const { photos, warnings } = await read({
      'images/a.jpg': '',
      'images/b.png': '',
      'labels/a.txt': '\n0 0.5 0.5 0.1 0.1\n\n',
      'labels/c.txt': '',
      'classes.txt': 'cat',
    })
    expect(photos.map(({ file, labels }) => [file, labels.length])).toEqual([['a.jpg', 1], ['b.png', 0]]) // biome-ignore format: pairs
    expect(warnings).toEqual([
      '1 photos without a label file, taken as showing nothing: b.png',
      '1 label files without a photo, left out: c.txt',
    ])
  })

  test('a bad label file is named and left out with its photo', async () => {
    const { photos, warnings } = await read({
      'a.jpg': '',
      'a.txt': label,
      'b.jpg': '',
      'b.txt': '0 0.5 0.5 0.1\n',
      'c.jpg': '',
      'classes.txt': 'cat\ndog',
    })
    expect(photos.map(({ file }) => file)).toEqual(['a.jpg', 'c.jpg'])
    expect(warnings).toEqual([
      expect.stringMatching(/^left out with its photo: .*b\.txt:1: 3 numbers/),
      '1 photos without a label file, taken as showing nothing: c.jpg',
    ])
  })

  test('more bad label files than one reads are counted', async () => {
    const bad = Array.from({ length: 12 }, (_, n) => [`${n}.jpg`, `${n}.txt`])
    const { warnings } = await read({
      'a.jpg': '',
      'a.txt': label,
      ...Object.fromEntries(bad.flatMap(([photo, text]) => [[photo, ''], [text, 'x']])), // biome-ignore format: pairs
      'classes.txt': 'cat\ndog',
    })
    expect(warnings).toHaveLength(11)
    expect(warnings[10]).toBe('2 more label files left out with their photos')
  })

  test('a label a little beyond the edge is clipped, and said', async () => {
    const files = { 'a.jpg': '', 'a.txt': '0 0.5 0.5 1.009 0.5\n', 'classes.txt': 'cat' }
    const { photos, warnings } = await read(files)
    expect(photos[0].labels).toEqual([box(0, 0, 0.25, 1, 0.75)])
    expect(warnings).toEqual(['1 photos with labels a little beyond the edge, which were clipped: a.jpg'])
    await refused({ ...files, 'a.txt': '0 0.5 0.5 1.011 0.5\n' }, 'E_DATA_LABELS', /'1\.011' is no fraction/)
  })

  test.each([
    ['2 0.5 0.5 0.1 0.1', /a\.txt:2: class 2, but the classes are 0 to 1/],
    ['-1 0.5 0.5 0.1 0.1', /a\.txt:2: '-1' is no class number/],
    ['1.5 0.5 0.5 0.1 0.1', /'1\.5' is no class number/],
    ['0 0.5 0.5 0.1', /a\.txt:2: 3 numbers/],
    ['0 0.5 0.5 0.1 0.1 0.9 0.9 0.9', /7 numbers/],
    ['0 0.5 0.5 0.1 x', /'x' is no fraction/],
    ['0 0.5 0.5 0.1 NaN', /'NaN' is no fraction/],
    ['0 0.5 0.5 0.1 -0.1', /'-0\.1' is no fraction/],
    ['0 320 240 64 48', /'320' is no fraction/],
  ])('refuses %j', async (line, message) => {
    const files = { 'a.jpg': '', 'a.txt': `0 0.5 0.5 0.1 0.1\n${line}\n`, 'classes.txt': 'cat\ndog' }
    await refused(files, 'E_DATA_LABELS', message)
  })

  test.each([
    ['names: 3', /no list called names/],
    ['nc: 3', /no list called names/],
    ['', /no list called names/],
    ['names: []', /names no class/],
    ['names: {0: cat, 2: dog}', /key '2'; expected 0 to 1/],
    ['names: {__proto__: cat}', /key '__proto__'|names no class/],
    ['names: [[cat]]', /names: 0 is no text/],
    ['names: [cat\nnc: 1', /data\.yaml:\d+: /],
  ])('refuses data.yaml %j', async (yaml, message) => {
    await refused({ 'a.jpg': '', 'a.txt': label, 'data.yaml': yaml }, 'E_DATA_LABELS', message)
  })

  test('a label file over the cap is refused unread', async () => {
    write({ 'a.jpg': '', 'a.txt': '', 'classes.txt': 'cat' })
    truncateSync(join(folder, 'a.txt'), limits.labelFileBytes + 1)
    await refused({}, 'E_FILE_TOO_LARGE', /a\.txt/)
  })
})

describe('COCO', () => {
  const instances = (changes: Record<string, unknown> = {}) =>
    JSON.stringify({
      categories: [{ id: 7, name: 'dog' }, { id: 3, name: 'cat' }],
      images: [{ id: 10, file_name: 'a.jpg', width: 640, height: 480 }],
      annotations: [
        { id: 1, image_id: 10, category_id: 3, bbox: [10, 20, 30, 40], iscrowd: 0 },
        { id: 2, image_id: 10, category_id: 7, bbox: [0, 0, 640, 480], iscrowd: 1 },
      ],
      ...changes,
    }) // biome-ignore format: rows

  test.each([
    ['beside', { 'a.jpg': '', 'x.json': instances() }, 'x.json'],
    ['a folder with one file', { 'a.jpg': '', 'x.json': instances() }, ''],
    ['images/', { 'images/a.jpg': '', 'x.json': instances() }, ''],
    ["COCO's own", { 'val2017/a.jpg': '', 'annotations/instances_val2017.json': instances() }, ''],
  ] as [string, Record<string, string>, string][])('%s', async (_, files, at) => {
    expect(await read(files, at)).toEqual({
      names: ['dog', 'cat'],
      photos: [
        {
          file: 'a.jpg',
          size: { width: 640, height: 480 },
          labels: [box(1, 10, 20, 40, 60), box(0, 0, 0, 640, 480, true)],
        },
      ],
      warnings: [],
    })
  })

  const photo = { id: 10, file_name: 'a.jpg', width: 640, height: 480 }
  const one = { image_id: 10, category_id: 3, bbox: [1, 2, 3, 4] }
  test.each([
    [{ images: undefined }, /images: expected a list/],
    [{ images: [3] }, /images\[0\]: expected an object/],
    [{ images: [photo, photo] }, /images\[1\]\.id: 10 stands twice/],
    [{ images: [{ ...photo, file_name: '../a.jpg' }] }, /leaves the folder/],
    [{ images: [{ ...photo, file_name: 'x/../../a.jpg' }] }, /leaves the folder/],
    [{ images: [{ ...photo, file_name: '/etc/passwd' }] }, /leaves the folder/],
    [{ images: [{ ...photo, width: 0 }] }, /0x480 pixels/],
    [{ categories: [{ id: 1, name: 'a' }, { id: 1, name: 'b' }] }, /categories\[1\]\.id: 1 stands twice/],
    [{ categories: [{ id: 1.5, name: 'a' }] }, /categories\[0\]\.id: expected an integer/],
    [{ annotations: [{ ...one, image_id: 11 }] }, /annotations\[0\]\.image_id: no image has the id 11/],
    [{ annotations: [{ ...one, category_id: 1 }] }, /category_id: no category has the id 1/],
    [{ annotations: [{ ...one, bbox: [1, 2, 3] }] }, /bbox: expected \[x, y, width, height\]/],
    [{ annotations: [{ ...one, bbox: [1, 2, 3, null] }] }, /bbox: expected/],
    [{ annotations: [{ ...one, bbox: [1, 2, -3, 4] }] }, /a size of -3x4/],
    [{ annotations: [{ ...one, iscrowd: 2 }] }, /iscrowd: expected 0 or 1/],
  ])('refuses %j', async (changes, message) => {
    await refused({ 'a.jpg': '', 'x.json': instances(changes) }, 'E_DATA_LABELS', message)
  }) // biome-ignore format: rows

  test('refuses what is no JSON, and what is no object', async () => {
    await refused({ 'x.json': '{' }, 'E_DATA_LABELS', /x\.json: is no JSON/)
    await refused({ 'x.json': '[]' }, 'E_DATA_LABELS', /expected an object/)
  })

  test('photos that are not there are said and left out; without any there is no data', async () => {
    const images = [photo, { ...photo, id: 11, file_name: 'b.jpg' }]
    const files = { 'a.jpg': '', 'x.json': instances({ images }) }
    expect((await read(files)).warnings).toEqual(['1 labelled photos are not there, left out: b.jpg'])
    rmSync(join(folder, 'a.jpg'))
    await refused({}, 'E_DATA_EMPTY', /none of the labelled photos/)
  })
})

test('no labels, no folder, two JSON files, no box', async () => {
  await refused({}, 'E_FILE_MISSING', /nowhere/, 'nowhere')
  await refused({ 'a.jpg': '' }, 'E_DATA_LABELS', /no labels/)
  await refused({ 'x.json': '', 'y.json': '' }, 'E_DATA_LABELS', /2 JSON files/)
  await refused({ 'a.txt': '', 'classes.txt': 'cat' }, 'E_DATA_EMPTY', /not one labelled box/)
  await refused({}, 'E_DATA_LABELS', /give a folder/, 'a.txt')
})

test('classes meet by name, whatever the spelling', () => {
  const voc = ['aeroplane', 'Dining Table', 'tvmonitor', 'sofa', 'unicorn']
  const coco = ['tv', 'airplane', 'couch', 'diningtable', 'dining_table']
  expect([...mapClasses(voc, coco)]).toEqual([1, 3, 0, 2, -1])
  expect([...mapClasses(coco, voc)]).toEqual([2, 0, 3, 1, 1])
  expect([...mapClasses(['__proto__', 'constructor'], coco)]).toEqual([-1, -1])
})

describe('what other tools write is read as they read it', () => {
  const coco = (id: unknown, iscrowd: unknown) =>
    JSON.stringify({
      images: [{ id, file_name: 'p.jpg', width: 200, height: 100 }],
      categories: [{ id, name: 'dog' }],
      annotations: [{ image_id: id, category_id: id, bbox: [20, 10, 40, 20], iscrowd }],
    })

  test.each([
    [1, false, false],
    ['1', 0, false],
    ['a-7', true, true],
  ])('COCO with the id %j and iscrowd %j', async (id, iscrowd, crowd) => {
    const { photos } = await read({ 'p.json': coco(id, iscrowd), 'p.jpg': '' }, 'p.json')
    expect(photos[0].labels).toEqual([box(0, 20, 10, 60, 30, crowd)])
  })

  test('YOLO lines with a score, as detectors write them', async () => {
    const { photos } = await read({ 'p.jpg': '', 'p.txt': '0 0.5 0.5 0.2 0.4 0.75\n' }, '', ['dog'])
    expect(photos[0].labels).toEqual([box(0, 0.4, 0.3, 0.6, 0.7)])
  })

  test('a data.yaml with an alias that stands for nothing is named', async () => {
    const files = { 'p.jpg': '', 'p.txt': '0 0.5 0.5 0.2 0.4\n', 'data.yaml': 'names: *a' }
    await refused(files, 'E_DATA_LABELS', /data\.yaml/)
  })
})
