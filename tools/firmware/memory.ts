import { OcellusError } from '../../src/host/errors.js'
import { roundUp } from '../../src/host/graph/descriptor.js'
import type { Firmware } from './firmware.js'
import { pixelBytes } from './frames.js'

/** Most bytes of stack that ocellus_detect takes on a Cortex-M; tests measure it. */
export const stackBytes = 1024

/** What firmware takes, in bytes. `code` is an estimate, all else is exact. */
export interface Sizes {
  readonly weights: number
  readonly program: number
  readonly golden: number
  readonly tables: number
  readonly outputs: number
  readonly code: number
  readonly flash: number
  readonly arena: number
  readonly frame: number
  readonly ram: number
}

/**
 * Bytes of code for characters of C: what gcc 12 makes at -O3 for Cortex-M is less, and the compiler's
 * own functions for float64 take some.
 */
const codeOf = (characters: number): number => 3072 + Math.round(characters * 0.42)

export function sizesOf(
  { layout, program, golden, frame, format }: Firmware,
  tables: number,
  c: string,
): Sizes {
  const weights = roundUp(layout.weights.length, 4)
  const parts = {
    weights,
    program: program.words.length * 4,
    golden: golden.frame.length,
    tables: roundUp(tables, 4),
    outputs: layout.outputs.length * 16,
    code: codeOf(c.length),
  }
  const arena = roundUp(layout.arenaBytes, 16)
  const frameBytes = frame.width * frame.height * pixelBytes[format]
  return {
    ...parts,
    flash: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
    arena,
    frame: frameBytes,
    ram: arena + frameBytes + stackBytes,
  }
}

/** How much memory there may be, in bytes. */
export interface MemoryLimits {
  readonly maxRam?: number
  readonly maxFlash?: number
}

/** Sides of frames that cameras give, the largest first. */
const usualFrames = [
  [320, 240],
  [240, 240],
  [240, 176],
  [176, 144],
  [160, 120],
  [128, 128],
  [96, 96],
  [80, 60],
] as const

/** Throws E_FIRMWARE_MEMORY where the limits are too low, and tells what is missing and what would fit. */
export function checkLimits(
  firmware: Firmware,
  sizes: Sizes,
  { maxRam = Number.POSITIVE_INFINITY, maxFlash = Number.POSITIVE_INFINITY }: MemoryLimits,
): void {
  if (sizes.ram > maxRam) {
    const { width, height } = firmware.frame
    const fits = usualFrames.find(
      ([w, h]) =>
        w * h < width * height && sizes.arena + stackBytes + w * h * pixelBytes[firmware.format] <= maxRam,
    )
    const hint =
      fits === undefined
        ? 'no frame is small enough: take a smaller model, such as detector-tiny'
        : `a frame of ${fits[0]}x${fits[1]} would fit`
    throw new OcellusError(
      'E_FIRMWARE_MEMORY',
      `${sizes.ram} bytes of RAM (arena ${sizes.arena}, frame ${sizes.frame}, stack ${stackBytes}) are ${sizes.ram - maxRam} more than ${maxRam}: ${hint}; nothing was written`,
    )
  }
  if (sizes.flash > maxFlash)
    throw new OcellusError(
      'E_FIRMWARE_MEMORY',
      `${sizes.flash} bytes of flash (weights ${sizes.weights}, code about ${sizes.code}) are ${sizes.flash - maxFlash} more than ${maxFlash}: take a smaller model, such as detector-tiny; nothing was written`,
    )
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((one) => cell(String(one))).join(' | ')} |`
  const rule = `|${header.map((_, n) => (n === 0 ? '---|' : '--:|')).join('')}`
  return [line(header), rule, ...rows.map(line)].join('\n')
}

/** MEMORY.md: flash by layer, the arena by lifetime, and the stack. */
export function memoryPage(firmware: Firmware, sizes: Sizes): string {
  const { layout, name, frame, format } = firmware
  const layers = new Map<string, number>()
  for (const part of layout.flash)
    layers.set(part.name, (layers.get(part.name) ?? 0) + roundUp(part.bytes, 4))
  const steps = layout.arena.reduce((most, { last }) => Math.max(most, last), 0)
  const arena = [...layout.arena].sort((a, b) => a.first - b.first || a.offset - b.offset)
  const unused = sizes.arena - Math.max(...arena.map(({ offset, bytes }) => offset + bytes))
  return `# Memory of ${name}

For frames of ${frame.width}x${frame.height} ${format}. Bytes, exact but for the code, which depends on the compiler.

## Flash

${table(
  ['symbol', 'bytes', 'what'],
  [
    ['`ocellus_weights`', sizes.weights, 'weights, biases, multipliers and tables, below by layer'],
    ['`ocellus_program`', sizes.program, 'the instructions'],
    ['`ocellus_golden_frame`', sizes.golden, "the self-test's picture"],
    ['`ocellus_outputs`', sizes.outputs, 'where outputs lie'],
    ['`ocellus_tables`', sizes.tables, 'of the kernels themselves'],
    [
      'code',
      `about ${sizes.code}`,
      'at -O3 on a Cortex-M, with what the compiler adds for float64; `size` tells',
    ],
    ['all', `about ${sizes.flash}`, ''],
  ],
)}

${table(['layer', 'bytes in `ocellus_weights`'], [...[...layers].map(([layer, bytes]) => [layer, bytes]), ['all', sizes.weights]])}

## RAM

${table(
  ['what', 'bytes'],
  [
    ['arena (`OCELLUS_ARENA_BYTES`)', sizes.arena],
    [`frame (\`OCELLUS_FRAME_BYTES\`), where the camera puts it`, sizes.frame],
    ['stack, at most', stackBytes],
    ['all', sizes.ram],
  ],
)}

The arena holds what is needed at the same time only. Steps are 0, the preprocessing, to ${steps}, the decoding;
what lives at different steps shares bytes. The first ${layout.arena.length > 0 ? 128 : 0} bytes hold the instruction that runs, and
the last ${unused} are for alignment.

${table(
  ['in the arena', 'from byte', 'bytes', 'from step', 'to step'],
  arena.map((part) => [part.name, part.offset, part.bytes, part.first, part.last]),
)}
`
}
