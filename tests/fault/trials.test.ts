import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageFolder } from '../../src/host/platform/node/package.js'
import { pickle, tensor, whole, zip } from '../helpers/torch-file.js'
import { lineOf, made, ocellus, program, scratchFolder, tellsMemory } from './child.js'

const folder = scratchFolder()

/** Prints nothing but what a program tells, as JSON. */
function told(source: string): unknown {
  const ended = program(source)
  expect(ended.stderr).toBe('')
  expect(ended.code).toBe(0)
  return JSON.parse(ended.stdout)
}

describe('a checkpoint whose tensors repeat one value', () => {
  const width = 512

  /** An MAE of `depth` blocks of 12 MB each, all of them views with stride 0 of four bytes. */
  function repeating(depth: number): Uint8Array {
    const view = (...shape: number[]): Buffer =>
      tensor({ elements: 1, shape, strides: shape.map(() => 0), key: '0' })
    const named: [string, Buffer][] = [
      ['cls_token', view(1, 1, width)],
      ['pos_embed', view(1, 5, width)],
      ['patch_embed.proj.weight', view(width, 3, 2, 2)],
      ['patch_embed.proj.bias', view(width)],
    ]
    for (let block = 0; block < depth; block++) {
      for (const [layer, rows, columns] of [
        ['attn.qkv', 3, 1],
        ['attn.proj', 1, 1],
        ['mlp.fc1', 4, 1],
        ['mlp.fc2', 1, 4],
      ] as const) {
        named.push([`blocks.${block}.${layer}.weight`, view(rows * width, columns * width)])
        named.push([`blocks.${block}.${layer}.bias`, view(rows * width)])
      }
      for (const name of ['norm1.weight', 'norm1.bias', 'norm2.weight', 'norm2.bias'])
        named.push([`blocks.${block}.${name}`, view(width)])
    }
    named.push(['norm.weight', view(width)], ['norm.bias', view(width)])
    const state = pickle.dict(...named.map(([name, data]) => Buffer.concat([pickle.string(name), data])))
    return zip([
      { name: 'x/data.pkl', data: whole(state) },
      { name: 'x/data/0', data: Buffer.alloc(4) },
    ])
  }

  test('is read where that takes little', () => {
    const ended = ocellus(['inspect', made(folder, 'shallow.pth', repeating(2))])
    expect(ended.stderr).not.toMatch(/^E_/m)
    expect(ended.code).toBe(0)
  })

  test('is refused before 4.5 GB are taken', () => {
    const bytes = repeating(370)
    expect(bytes.length).toBeLessThan(1 << 20)
    const ended = ocellus(['inspect', made(folder, 'deep.pth', bytes)])
    expect(ended.code).toBe(1)
    expect(lineOf(ended).code).toBe('E_TORCH_TENSOR')
    if (tellsMemory) expect(ended.peakMiB).toBeLessThan(200)
  })
})

test('pictures of nothing but chunks, segments and markers', () => {
  const verdicts = told(`
    import { sniffImage } from 'dist/src/host/image/header.js'
    const size = 64 << 20
    const latin = (text) => Uint8Array.from(text, (unit) => unit.charCodeAt(0))
    function repeated(start, ...pieces) {
      const bytes = Buffer.alloc(size).fill(Buffer.concat(pieces), start.length)
      bytes.set(start)
      return bytes
    }
    const png = Uint8Array.of(...latin('\\x89PNG\\r\\n\\x1a\\n'), 0, 0, 0, 13, ...latin('IHDR'), 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0, 0, 0, 0)
    const webp = Buffer.alloc(30)
    webp.set(latin('RIFF....WEBPVP8X'))
    webp.writeUInt32LE(size - 8, 4)
    webp.writeUInt32LE(10, 16)
    const gif = Uint8Array.of(...latin('GIF89a'), 1, 0, 1, 0, 0, 0, 0, 0x21, 0xfe)
    const files = {
      segments: repeated(Uint8Array.of(0xff, 0xd8), Uint8Array.of(0xff, 0xfe, 0, 2)),
      markers: repeated(Uint8Array.of(0xff, 0xd8), Uint8Array.of(0xff, 0xd8)),
      fill: repeated(Uint8Array.of(0xff, 0xd8), Uint8Array.of(0xff)),
      stuffed: repeated(Uint8Array.of(0xff, 0xd8, 0xff, 0xfe, 0, 2), Uint8Array.of(0xff, 0)),
      png: repeated(png, Buffer.alloc(4), latin('tEXt'), Buffer.alloc(4), Buffer.alloc(4), latin('IDAT'), Buffer.alloc(4)),
      webp: repeated(webp, latin('EXIF'), Buffer.alloc(4), latin('VP8 '), Buffer.alloc(4)),
      gif: repeated(gif, Uint8Array.of(1)),
    }
    const verdicts = {}
    for (const [name, bytes] of Object.entries(files)) {
      try { verdicts[name] = sniffImage(bytes, 'photo').format } catch (error) { verdicts[name] = error.message }
    }
    console.log(JSON.stringify(verdicts))`)
  const cut = expect.stringMatching(/^photo is cut short: it has 67108864 bytes and needs at least 671088/)
  const many = 'photo is damaged: it has more than 262144 parts'
  expect(verdicts).toEqual({
    segments: many,
    markers: many,
    fill: cut,
    stuffed: cut,
    png: many,
    webp: many,
    gif: cut,
  })
})

test.each([
  ['a photo, in one line', 'labels', '0 '],
  ['a photo, without a line', 'labels', '\n'],
  ['tracks, in one line', 'mot', ','],
  ['tracks, without a line', 'mot', '\n'],
])('60 MB of labels of %s take little memory', (_, target, unit) => {
  const ended = program(`
    import { targets } from 'dist/tools/fuzz/targets.js'
    const bytes = Buffer.alloc(60e6, ${JSON.stringify(unit)})
    try {
      await targets.${target}.read(bytes)
      console.log('taken')
    } catch (error) { console.log(error.code) }`)
  expect(ended.stderr).toBe('')
  expect(ended.stdout.trim()).toBe(target === 'mot' && unit === '\n' ? 'taken' : 'E_DATA_LABELS')
  if (tellsMemory) expect(ended.peakMiB).toBeLessThan(450)
})

test("a small WebP in Node's pool: its neighbours and itself stay as they are", () => {
  const webp = made(
    folder,
    'small.webp',
    Buffer.from('UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=', 'base64'),
  )
  const outcome = told(`
    import { readFileSync } from 'node:fs'
    import { Detector } from 'ocellus'
    const detector = await Detector.create({ threads: 1, model: 'detector-small' })
    const file = readFileSync(${JSON.stringify(webp)})
    // All that is loaded late is loaded.
    await detector.detect(Uint8Array.from(file)).catch(() => {})
    let neighbour
    do neighbour = Buffer.from('a neighbour: 16B')
    while (neighbour.byteOffset !== 0)
    const picture = Buffer.from(file)
    const found = await detector.detect(picture).then(() => 'taken', (error) => error.code)
    console.log(JSON.stringify({
      pooled: picture.buffer === neighbour.buffer && picture.byteOffset > 0,
      neighbour: neighbour.toString(),
      same: picture.equals(file),
      found,
    }))
    detector.close()`)
  expect(outcome).toMatchObject({ pooled: true, neighbour: 'a neighbour: 16B', same: true })
  // Without @napi-rs/canvas nothing decodes a WebP here.
  expect((outcome as { found: string }).found).toMatch(/^(taken|E_IMAGE_FORMAT)$/)
})

test('a sound model whose data lie at any address, by path and as bytes', () => {
  const model = readFileSync(join(packageFolder, 'models/quantized/detector-small.safetensors'))
  const headerEnd = 8 + Number(model.readBigUInt64LE(0))
  const header = model.subarray(8, headerEnd).toString().trimEnd()
  const files = [0, 1, 2, 3].map((pad) => {
    const text = Buffer.from(header + ' '.repeat(pad))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(text.length))
    return made(folder, `${pad}.safetensors`, Buffer.concat([length, text, model.subarray(headerEnd)]))
  })
  const outcomes = told(`
    import { readFileSync } from 'node:fs'
    import { Detector } from 'ocellus'
    const outcomes = []
    for (const file of ${JSON.stringify(files)}) {
      for (const model of [file, readFileSync(file), Uint8Array.from(readFileSync(file))]) {
        const detector = await Detector.create({ model, threads: 1, tuneMs: 0 })
        outcomes.push((await detector.detect('samples/cat.jpg')).map(({ label }) => label).join())
        detector.close()
      }
    }
    console.log(JSON.stringify(outcomes))`)
  expect(outcomes).toEqual(new Array(12).fill('cat'))
})

describe('the command', () => {
  test('shows names and labels without what steers a terminal', () => {
    const photo = made(folder, 'e\x1b[2Jvil.jpg', readFileSync(join(packageFolder, 'samples/cat.jpg')))
    const shownPhoto = ocellus(['detect', photo, '--model', 'detector-small'])
    expect(shownPhoto.stdout).toContain('e\\x1b[2Jvil.jpg (451x300)')
    const missing = ocellus(['detect', join(folder, 'no\nE_FAKE: forged')])
    expect(lineOf(missing).code).toBe('E_FILE_MISSING')
    for (const text of [shownPhoto.stdout, missing.stderr]) expect(text).not.toContain('\x1b')
  })

  test.runIf(existsSync('/dev/full'))('tells in one line that standard output is full', () => {
    const full = openSync('/dev/full', 'w')
    for (const words of [['inspect', 'detector-small'], ['models'], ['--help']]) {
      const child = spawnSync(process.execPath, [join(packageFolder, 'dist/cli/main.js'), ...words], {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      })
      expect(child.stderr).toMatch(/^E_FILE_WRITE: standard output can't be written: ENOSPC.*\n$/)
      expect(child.status).toBe(1)
    }
    closeSync(full)
  })

  test('tells of a data.yaml whose alias stands for nothing', () => {
    writeFileSync(join(folder, 'data.yaml'), 'names: *a')
    const ended = ocellus(['eval', 'detector-small', '--data', folder])
    expect(lineOf(ended).code).toBe('E_DATA_LABELS')
  })
})
