import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadModel } from '../../src/host/platform/node.js'
import { packFirmware } from '../../tools/firmware/pack.js'
import { skipUnless } from '../helpers/require.js'
import {
  board,
  expectedLines,
  has,
  modelSources,
  output,
  printedLines,
  sampleFrames,
  writeFirmware,
} from './build.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-firmware-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What the compiler may call of itself, and mathematics. */
const allowed = /^(?:mem(?:cpy|move|set)|_GLOBAL_OFFSET_TABLE_|(?:floor|nearbyint|sqrt|exp|trunc|ceil)f?)$/
const strict = ['-std=c99', '-O2', '-Wall', '-Wextra', '-pedantic', '-Werror']

describe.each([
  { model: 'detector-small', format: 'rgb565', width: 320, height: 240 },
  { model: 'detector-small', format: 'yuv422', width: 160, height: 120 },
  { model: 'detector-tiny', format: 'grey', width: 96, height: 96 },
  { model: 'detector-tiny', format: 'rgb', width: 97, height: 33 },
  { model: 'detector-tiny', format: 'rgba', width: 64, height: 200 },
] as const)('$model for $width x $height $format', ({ model, format, width, height }) => {
  it('compiles without a warning and gives the host its bytes, on a PC', async (context) => {
    skipUnless(context, has('gcc'), 'gcc')
    const size = { width, height }
    const files = await packFirmware(await loadModel(`models/quantized/${model}.safetensors`), {
      format,
      frame: size,
    })
    const frames = await sampleFrames(format, size)
    const own = join(folder, `${model}-${format}`)
    writeFirmware(own, files, frames)
    const program = join(own, 'program')
    for (const source of [...modelSources, 'example/main.c'])
      output('gcc', [...strict, '-c', source, '-o', `${source.replaceAll('/', '_')}.o`], own)
    const objects = modelSources.map((source) => `${source}.o`)
    output('gcc', [...objects, 'example_main.c.o', '-lm', '-o', 'example_main'], own)
    expect(output(join(own, 'example_main'), [])).toMatch(/^self-test passed\n/)
    const harness = [join(board, 'harness.c'), join(board, 'pc.c'), 'frames.c']
    output('gcc', ['-O1', '-I.', ...harness, ...objects, '-lm', '-o', program], own)
    const printed = output(program, [])
    expect(printed).toContain('init 00000000 selftest 00000000')
    expect(printedLines(printed)).toEqual(
      await expectedLines(`models/quantized/${model}.safetensors`, format, size, frames),
    )
    expect(printed).toContain('flash 00000001')
  }, 120_000)

  it('has no heap, no stream and no state of its own', async (context) => {
    skipUnless(context, has('gcc') && has('nm'), 'gcc and nm')
    const own = join(folder, `${model}-${format}`)
    for (const source of modelSources) {
      const symbols = output('nm', [`${source}.o`], own)
      expect(symbols).not.toMatch(/ [bBdDcC] \w/)
      const foreign = [...symbols.matchAll(/ U (\w+)$/gm)].map(([, name]) => name)
      expect(foreign.filter((name) => !name.startsWith('ocellus_') && !allowed.test(name))).toEqual([])
    }
  })
})

it("is C++ as Arduino's compiler takes it", async (context) => {
  skipUnless(context, has('g++'), 'g++')
  const files = await packFirmware(await loadModel('models/quantized/detector-tiny.safetensors'), {
    format: 'rgb565',
    frame: { width: 96, height: 96 },
  })
  const own = join(folder, 'arduino')
  const board = `#define LED_BUILTIN 13
enum { LOW, HIGH, OUTPUT };
void pinMode(int, int); void digitalWrite(int, int); void delay(unsigned long);
`
  writeFirmware(own, new Map([...files, ['Arduino.h', board]]), [new Uint8Array(4)])
  const words = ['-x', 'c++', '-std=c++11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-I.']
  output('g++', [...words, '-include', 'Arduino.h', 'examples/blink/blink.ino'], own)
  expect(files.get('library.properties')).toContain('includes=ocellus_model.h')
})
