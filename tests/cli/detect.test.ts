import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sniffImage } from '../../src/host/image/header.js'
import { ocellus, sample, temporaryFolder } from './run.js'

interface Report {
  images: {
    file: string
    width: number
    height: number
    detections: { label: string; classId: number; score: number; box: Record<string, number> }[]
  }[]
}

describe('ocellus detect', () => {
  it('finds the cat and the astronaut with the embedded model', async () => {
    const { code, stdout, stderr } = await ocellus(
      'detect',
      sample('cat.jpg'),
      sample('astronaut.jpg'),
      '--json',
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { images } = JSON.parse(stdout) as Report
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [451, 300],
      [512, 512],
    ])
    expect(images[0].detections[0].label).toBe('cat')
    expect(images[1].detections[0].label).toBe('person')
    for (const { detections, width, height } of images) {
      for (const { score, box } of detections) {
        expect(score).toBeGreaterThanOrEqual(0.25)
        expect(box.xmin).toBeGreaterThanOrEqual(0)
        expect(box.ymin).toBeGreaterThanOrEqual(0)
        expect(box.xmax).toBeLessThanOrEqual(width)
        expect(box.ymax).toBeLessThanOrEqual(height)
      }
    }
  })

  it('says the same in every build', async () => {
    const [simd, scalar] = await Promise.all(
      ['simd', 'scalar'].map((build) => ocellus('detect', sample('cat.jpg'), '--json', '--build', build)),
    )
    expect(simd.code).toBe(0)
    expect(scalar).toEqual(simd)
  })

  it('draws photos of a folder, and leaves nothing else there', async () => {
    const out = join(temporaryFolder(), 'deep', 'found')
    const { code } = await ocellus('detect', sample('.'), '--out', out)
    expect(code).toBe(0)
    expect(readdirSync(out).sort()).toEqual(['astronaut.jpg', 'cat.jpg', 'coffee.jpg'])
    const drawn = readFileSync(join(out, 'cat.jpg'))
    expect(sniffImage(drawn, 'cat.jpg')).toMatchObject({ format: 'jpeg', width: 451, height: 300 })
    expect(drawn.equals(readFileSync(sample('cat.jpg')))).toBe(false)
  })

  it('draws one photo as PNG', async () => {
    const out = join(temporaryFolder(), 'cat.png')
    expect((await ocellus('detect', sample('cat.jpg'), '--out', out)).code).toBe(0)
    expect(sniffImage(readFileSync(out), out)).toMatchObject({ format: 'png', width: 451, height: 300 })
  })

  it("writes COCO's results and YOLO's lines that agree with the boxes", async () => {
    const [json, coco, yolo] = await Promise.all(
      ['json', 'coco', 'yolo'].map((format) =>
        ocellus(
          'detect',
          sample('cat.jpg'),
          '--format',
          format,
          ...(format === 'yolo' ? ['--save-conf'] : []),
        ),
      ),
    )
    const [{ detections }] = (JSON.parse(json.stdout) as Report).images
    const [{ score, box, classId }] = detections
    const [first] = JSON.parse(coco.stdout) as Record<string, unknown>[]
    expect(first).toEqual({
      image_id: 'cat',
      category_id: classId + 1,
      bbox: [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin],
      score,
    })
    const [id, x, y, w, h, s] = yolo.stdout.split('\n')[0].split(' ').map(Number)
    expect(id).toBe(classId)
    expect(s).toBeCloseTo(score, 5)
    expect((x - w / 2) * 451).toBeCloseTo(box.xmin, 2)
    expect((y + h / 2) * 300).toBeCloseTo(box.ymax, 2)
  })

  it('obeys labels, threshold and max', async () => {
    const none = await ocellus('detect', sample('cat.jpg'), '--json', '--labels', 'bus')
    expect((JSON.parse(none.stdout) as Report).images[0].detections).toEqual([])
    const one = await ocellus('detect', sample('astronaut.jpg'), '--json', '-t', '0.01', '--max', '1')
    expect((JSON.parse(one.stdout) as Report).images[0].detections).toHaveLength(1)
  })

  it('goes on after a bad photo, names it, and exits with 1', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a.jpg'), readFileSync(sample('cat.jpg')).subarray(0, 9000))
    writeFileSync(join(folder, 'b.jpg'), readFileSync(sample('cat.jpg')))
    const { code, stdout, stderr } = await ocellus('detect', folder, '--json')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^E_IMAGE_TRUNCATED: .*a\.jpg.*\n$/)
    expect((JSON.parse(stdout) as Report).images.map(({ file }) => file)).toEqual([join(folder, 'b.jpg')])
  })

  const folder = temporaryFolder()
  const file = (name: string, bytes: string | Uint8Array): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  mkdirSync(join(folder, 'empty'))
  it.each([
    ['no photo named', [], 2, 'E_USAGE'],
    ['an unknown option', [sample('cat.jpg'), '--sharp'], 2, 'E_USAGE'],
    ['a threshold beyond 1', [sample('cat.jpg'), '-t', '7'], 2, 'E_OPTION'],
    ['an unknown label', [sample('cat.jpg'), '--labels', 'unicorn'], 2, 'E_OPTION'],
    ['an unknown build', [sample('cat.jpg'), '--build', 'gpu'], 2, 'E_OPTION'],
    [
      'one picture for two photos',
      [sample('cat.jpg'), sample('astronaut.jpg'), '-o', 'x.jpg'],
      2,
      'E_OPTION',
    ],
    ['a photo that is not there', [join(folder, 'nothing.jpg')], 1, 'E_FILE_MISSING'],
    ['a folder without photos', [join(folder, 'empty')], 1, 'E_FILE_MISSING'],
    ['an empty photo', [file('empty.jpg', '')], 1, 'E_IMAGE_EMPTY'],
    ['a photo that is text', [file('text.jpg', 'hello, I am a photo')], 1, 'E_IMAGE_FORMAT'],
    [
      'a model that is not there',
      [sample('cat.jpg'), '-m', join(folder, 'no.safetensors')],
      1,
      'E_FILE_MISSING',
    ],
    ['an empty model', [sample('cat.jpg'), '-m', file('empty.safetensors', '')], 1, 'E_MODEL_EMPTY'],
    ['a model that is a photo', [sample('cat.jpg'), '-m', sample('cat.jpg')], 1, 'E_MODEL_FORMAT'],
    ['weights without a cfg', [sample('cat.jpg'), '-m', file('lone.weights', 'x')], 1, 'E_FILE_MISSING'],
    [
      'an output folder below a file',
      [sample('cat.jpg'), '-o', join(file('file', 'x'), 'out')],
      1,
      'E_FILE_WRITE',
    ],
    [
      'an output folder that the system refuses',
      [sample('cat.jpg'), '-o', '/proc/nothing/here'],
      1,
      'E_FILE_WRITE',
    ],
  ])('%s: one line, a code', async (_, words, code, error) => {
    const ran = await ocellus('detect', ...words)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(new RegExp(`^${error}: [^\\n]+\\n$`))
  })

  it('writes no part of a file that it cannot finish', async () => {
    const out = join(temporaryFolder(), 'results.json')
    mkdirSync(out)
    const { code, stderr } = await ocellus('detect', sample('cat.jpg'), '--json', '--out', out)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^E_FILE_WRITE: /)
    expect(readdirSync(join(out, '..'))).toEqual(['results.json'])
    expect(existsSync(`${out}.tmp`)).toBe(false)
  })
})
