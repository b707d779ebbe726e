import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

const folder = mkdtempSync(join(tmpdir(), 'ocellus-boards-'))
afterAll(() => rmSync(folder, { recursive: true }))

const model = 'models/quantized/detector-small.safetensors'
const format = 'rgb565'
const size = { width: 160, height: 120 }

/** What a machine of qemu is, and where its memories lie. */
const machines = [
  { machine: 'mps2-an385', core: ['-mcpu=cortex-m3'], code: 0, ram: 0x20000000 },
  {
    machine: 'mps2-an386',
    core: ['-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard'],
    code: 0,
    ram: 0x20000000,
  },
  {
    machine: 'mps2-an500',
    core: ['-mcpu=cortex-m7', '-mfpu=fpv5-d16', '-mfloat-abi=hard'],
    code: 0,
    ram: 0x20000000,
  },
  {
    machine: 'mps2-an505',
    core: ['-mcpu=cortex-m33', '-mfpu=fpv5-sp-d16', '-mfloat-abi=hard'],
    code: 0x10000000,
    ram: 0x38000000,
  },
  {
    machine: 'mps3-an547',
    core: ['-mcpu=cortex-m55', '-mfloat-abi=hard'],
    code: 0,
    data: 0x60000000,
    ram: 0x21000000,
  },
] as const

let expected: string[] = []

beforeAll(async () => {
  const frames = await sampleFrames(format, size)
  writeFirmware(folder, await packFirmware(await loadModel(model), { format, frame: size }), frames)
  expected = await expectedLines(model, format, size, frames)
}, 60_000)

describe.each(machines)('$machine', (one) => {
  it("computes the host's bytes with weights in flash", (context) => {
    skipUnless(
      context,
      has('arm-none-eabi-gcc') && has('qemu-system-arm'),
      'gcc-arm-none-eabi and qemu-system-arm',
    )
    const { machine, core, code, ram } = one
    const program = join(folder, `${machine}.elf`)
    const places = { CODE: code, RAM: ram, ...('data' in one ? { DATA: one.data } : {}) }
    output(
      'arm-none-eabi-gcc',
      [
        ...core,
        ...['-mthumb', '-std=gnu99', '-O3', '-Wall', '-Wextra', '-Werror', '-I.'],
        ...['-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections', '-Wl,--no-warn-rwx-segments'],
        ...['-nostartfiles', '--specs=nano.specs', '--specs=nosys.specs'],
        ...Object.entries(places).map(([name, value]) => `-Wl,--defsym=${name}=${value}`),
        ...['-T', join(board, 'board.ld'), join(board, 'board.c'), join(board, 'harness.c'), 'frames.c'],
        ...[...modelSources, '-lm', '-o', program],
      ],
      folder,
    )
    // Semihosting writes to stderr.
    const { stderr: printed } = spawnSync(
      'qemu-system-arm',
      [
        ...['-M', machine, '-nographic', '-monitor', 'none', '-serial', 'none', '-icount', 'shift=0'],
        ...['-semihosting-config', 'enable=on,target=native', '-kernel', program],
      ],
      { encoding: 'utf8', timeout: 200_000 },
    )
    if (process.env.OCELLUS_SHOW_BOARDS === '1') console.log(machine, printed)
    expect(printed).toContain('init 00000000 selftest 00000000')
    expect(printedLines(printed)).toEqual(expected)
    expect(printed).toContain('flash 00000001')
    expect(Number.parseInt(/stack (\w+)/.exec(printed)![1], 16)).toBeLessThanOrEqual(1024)
  }, 240_000)
})

it("computes the host's bytes on rv32imc", (context) => {
  skipUnless(
    context,
    has('riscv64-unknown-elf-gcc') && has('qemu-riscv32-static'),
    'gcc-riscv64-unknown-elf and qemu-user-static',
  )
  const program = join(folder, 'rv32.elf')
  output(
    'riscv64-unknown-elf-gcc',
    [
      ...['-march=rv32imc', '-mabi=ilp32', '-std=gnu99', '-O2', '-Wall', '-Wextra', '-Werror'],
      ...[
        '-fno-tree-loop-distribute-patterns',
        '-Wl,--no-relax',
        '-Wl,--no-warn-rwx-segments',
        '-nostdlib',
        '-static',
        '-I.',
        '-I',
        join(board, 'riscv'),
      ],
      ...[
        join(board, 'riscv.c'),
        join(board, 'harness.c'),
        'frames.c',
        ...modelSources,
        '-lgcc',
        '-o',
        program,
      ],
    ],
    folder,
  )
  const printed = output('qemu-riscv32-static', [program])
  expect(printed).toContain('init 00000000 selftest 00000000')
  expect(printedLines(printed)).toEqual(expected)
  expect(printed).toContain('flash 00000001')
}, 240_000)
