import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyModel } from '../../src/host/graph/verify.js'
import { loadModel } from '../../src/host/platform/node.js'
import { opcodes } from '../../src/host/program/instruction.js'
import { engineSource } from '../../tools/firmware/engine.js'
import { withFirmwareKernels } from '../../tools/firmware/kernels.js'
import { packFirmware } from '../../tools/firmware/pack.js'
import { ocellus } from '../cli/run.js'
import { codeOf } from '../helpers/code-of.js'
import { skipUnless } from '../helpers/require.js'
import { board, has, modelSources, output, sampleFrames, writeFirmware } from './build.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-faults-'))
afterAll(() => rmSync(folder, { recursive: true }))

const model = 'models/quantized/detector-tiny.safetensors'
const options = { format: 'rgb565', frame: { width: 96, height: 96 } } as const

describe('firmware that is used wrongly, or damaged', () => {
  let files: ReadonlyMap<string, string>

  beforeAll(async () => {
    files = await packFirmware(await loadModel(model), options)
    const writable = new Map(files)
    for (const name of ['ocellus_weights.c', 'ocellus_data.h'])
      writable.set(
        name,
        files.get(name)!.replaceAll('const uint32_t ocellus_weights', 'uint32_t ocellus_weights'),
      )
    writeFirmware(folder, writable, await sampleFrames(options.format, options.frame))
  })

  it('tells errors, writes nothing on them, and notices every flipped weight', (context) => {
    skipUnless(context, has('gcc'), 'gcc')
    const words = /OCELLUS_WEIGHTS_BYTES (\d+)u/.exec(files.get('ocellus_data.h')!)![1]
    output('gcc', ['-O2', '-I.', join(board, 'faults.c'), ...modelSources, '-lm', '-o', 'faults'], folder)
    const flips = process.env.OCELLUS_FLIPS ?? '60'
    expect(output(join(folder, 'faults'), [flips, String(Number(words) / 4)]).split('\n')).toEqual([
      'short -1',
      'misaligned -1',
      'missing -1',
      'before init -3',
      'untouched 1',
      'init 0',
      'step before start -3',
      'results before start -3',
      'short frame -2',
      'missing frame -2',
      'selftest 0',
      'start 0',
      'steps many',
      'results 1',
      `caught ${flips} of ${flips}`,
      'selftest 0',
      '',
    ])
  }, 240_000)

  it('is not compiled where fast mathematics would change its results', (context) => {
    skipUnless(context, has('gcc'), 'gcc')
    expect(() =>
      output('gcc', ['-std=c99', '-ffast-math', '-c', 'ocellus_engine.c', '-o', 'fast.o'], folder),
    ).toThrow(/-ffast-math changes results/)
  })

  it('fuses no multiplication with an addition, though the compiler is told to', (context) => {
    skipUnless(context, has('gcc') && process.arch === 'x64', 'gcc for x86-64')
    const fused = ['-O3', '-march=haswell', '-ffp-contract=fast', '-I.']
    output(
      'gcc',
      [
        ...fused,
        join(board, 'harness.c'),
        join(board, 'pc.c'),
        'frames.c',
        ...modelSources,
        '-lm',
        '-o',
        'fused',
      ],
      folder,
    )
    const assembly = output('objdump', ['-d', 'fused'], folder)
    const own = assembly.slice(assembly.indexOf('<ocellus_execute>:'))
    expect(own.slice(0, own.indexOf('\n\n'))).not.toMatch(/vfn?m(?:add|sub)/)
  })
})

describe('ocellus pack', () => {
  it('refuses what does not fit, names what would, and writes nothing', async () => {
    const out = join(folder, 'refused')
    const words = ['pack', 'detector-small', '--frame', '320x240', '--format', 'rgb565', '--out', out]
    const ram = await ocellus(...words, '--max-ram', '128K')
    expect(ram.code).toBe(1)
    expect(ram.stderr).toMatch(
      /^E_FIRMWARE_MEMORY: \d+ bytes of RAM .* more than 131072: a frame of 176x144 would fit/,
    )
    const flash = await ocellus(...words, '--max-flash', '256K')
    expect(flash.stderr).toMatch(
      /^E_FIRMWARE_MEMORY: \d+ bytes of flash .* more than 262144: .*detector-tiny/,
    )
    expect(existsSync(out)).toBe(false)
    const fits = await ocellus(
      ...words.slice(0, -1),
      join(folder, 'fits'),
      '--max-ram',
      '256K',
      '--max-flash',
      '1M',
    )
    expect(fits).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(join(folder, 'fits/MEMORY.md'), 'utf8')).toContain('# Memory of detector-small')
  })

  it.each([
    [['detector-small', '--frame', '320', '--format', 'rgb565'], /^E_OPTION: 320 is no size/],
    [['detector-small', '--frame', '320x240', '--format', 'jpeg'], /^E_OPTION: jpeg: give one of rgba/],
    [['detector-small', '--frame', '321x240', '--format', 'yuv422'], /^E_OPTION: .* give an even width/],
    [['generator', '--frame', '320x240', '--format', 'rgb'], /^E_MODEL_TASK/],
    [
      ['detector-small', '--frame', '320x240', '--format', 'rgb', '--max-ram', 'lots'],
      /^E_OPTION: lots is no size/,
    ],
  ])('refuses %j', async (words, message) => {
    const out = join(folder, 'wrong')
    const { code, stderr } = await ocellus('pack', ...words, '--out', out)
    expect(code).toBeGreaterThan(0)
    expect(stderr).toMatch(message)
    expect(existsSync(out)).toBe(false)
  })

  it('refuses an operator that firmware has no kernel for, by its name', async () => {
    const instruction = { name: 'turn', opcode: 'rearrange', words: [], arenaMask: 0, flashMask: 0 } as const
    expect(codeOf(() => engineSource([instruction], opcodes, 'rgb'), /^turn: .*rearrange/)).toBe(
      'E_FIRMWARE_OPERATOR',
    )
    const tiny = verifyModel(await loadModel(model))
    const [{ view, operator }] = tiny.views
    const node = { ...view.node, attributes: { ...view.node.attributes, groups: 3 } }
    const grouped = { ...tiny, views: [{ view: { ...view, node }, operator }] }
    expect(codeOf(() => withFirmwareKernels(grouped), /groups/)).toBe('E_FIRMWARE_OPERATOR')
  })
})
