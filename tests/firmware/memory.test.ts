import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadModel } from '../../src/host/platform/node.js'
import { packFirmware } from '../../tools/firmware/pack.js'
import { skipUnless } from '../helpers/require.js'
import { has, modelSources, output, writeFirmware } from './build.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-memory-'))
afterAll(() => rmSync(folder, { recursive: true }))

const core = ['-mcpu=cortex-m7', '-mfpu=fpv5-d16', '-mfloat-abi=hard', '-mthumb', '-std=c99']

describe('MEMORY.md', () => {
  let page = ''
  let files: ReadonlyMap<string, string>

  beforeAll(async () => {
    files = await packFirmware(await loadModel('models/quantized/detector-small.safetensors'), {
      format: 'rgb565',
      frame: { width: 160, height: 120 },
    })
    page = files.get('MEMORY.md')!
    writeFirmware(folder, files, [new Uint8Array(4)])
  })

  const rowOf = (name: string): number =>
    Number(new RegExp(`^\\| ${name}[^|]*\\| (?:about )?(\\d+) \\|`, 'm').exec(page)?.[1])

  it('has the bytes of every symbol in flash, as the compiler has them', (context) => {
    skipUnless(context, has('arm-none-eabi-gcc'), 'gcc-arm-none-eabi')
    const sizes = new Map<string, number>()
    let code = 0
    for (const source of modelSources) {
      output('arm-none-eabi-gcc', [...core, '-O3', '-c', source, '-o', 'size.o'], folder)
      for (const [, size, type, name] of output('arm-none-eabi-nm', ['-S', 'size.o'], folder).matchAll(
        /^\w+ (\w+) (\w) (\w+)$/gm,
      )) {
        if (type === 'R' || type === 'r') sizes.set(name, Number.parseInt(size, 16))
      }
      const [, text, data, bss] = /\n\s*(\d+)\s+(\d+)\s+(\d+)/.exec(
        output('arm-none-eabi-size', ['size.o'], folder),
      )!
      expect([source, data, bss]).toEqual([source, '0', '0'])
      code += Number(text)
    }
    const names = ['weights', 'program', 'golden_frame', 'outputs', 'tables'].map((name) => `ocellus_${name}`)
    for (const name of names) {
      expect([name, rowOf(`\`${name}\``)]).toEqual([name, sizes.get(name)])
      code -= sizes.get(name)!
    }
    // The estimate of the code holds it, with what the compiler's own functions take beside it.
    expect(code).toBeLessThan(rowOf('code'))
    expect(code).toBeLessThan(13 * 1024)
  })

  it('has at most 8.5 KB of code at -Os', (context) => {
    skipUnless(context, has('arm-none-eabi-gcc'), 'gcc-arm-none-eabi')
    let code = 0
    for (const source of ['ocellus_engine.c', 'ocellus_model.c']) {
      output('arm-none-eabi-gcc', [...core, '-Os', '-c', source, '-o', 'size.o'], folder)
      code += Number(/\n\s*(\d+)/.exec(output('arm-none-eabi-size', ['size.o'], folder))![1])
    }
    expect(code - rowOf('`ocellus_program`') - rowOf('`ocellus_golden_frame`')).toBeLessThan(8.5 * 1024)
  })

  it('adds up, and no two of the arena that live at the same step share a byte', () => {
    const arena = [...page.matchAll(/^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm)].map(
      ([, name, ...numbers]) => {
        const [offset, bytes, first, last] = numbers.map(Number)
        return { name, offset, bytes, first, last }
      },
    )
    expect(arena.length).toBeGreaterThan(30)
    const bytes = rowOf('arena')
    expect(bytes).toBeLessThanOrEqual(80 * 1024)
    expect(files.get('ocellus_model.h')).toContain(`#define OCELLUS_ARENA_BYTES ${bytes}u\n`)
    for (const [n, a] of arena.entries()) {
      expect(a.offset + a.bytes).toBeLessThanOrEqual(bytes)
      for (const b of arena.slice(0, n)) {
        const together = a.first <= b.last && b.first <= a.last
        const apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset
        expect([a.name, b.name, together && !apart]).toEqual([a.name, b.name, false])
      }
    }
    const layers = page.split('| layer |')[1].split('## RAM')[0]
    const rows = [...layers.matchAll(/^\| ([^|]+) \| (\d+) \|$/gm)].map(([, name, size]) => ({
      name,
      size: Number(size),
    }))
    const all = rows.pop()!
    expect(rows.reduce((sum, { size }) => sum + size, 0)).toBe(all.size)
    expect(all.size).toBe(rowOf('`ocellus_weights`'))
  })
})
