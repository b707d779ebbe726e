import { join } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { fs } from '../../src/host/platform/node/builtin.js'
import { packageFolder } from '../../src/host/platform/node/package.js'
import type { FirmwareInstruction } from './layout.js'

/** A kernel's C, as the build has made it (scripts/firmware). */
interface KernelFunction {
  readonly name: string
  readonly c: string
  readonly prototype: string
  readonly calls: readonly string[]
  readonly usesMemory: boolean
  readonly usesTables: boolean
}

interface Kernels {
  /** Tables that kernels read, in base64. */
  readonly tables: string
  /** The function of each instruction. */
  readonly exports: Readonly<Record<string, string>>
  readonly functions: readonly KernelFunction[]
}

const folder = join(packageFolder, 'dist', 'firmware')

/** A file of C that is the same for all models, but for what stands between @. */
export const template = (name: string): string => fs.readFileSync(join(folder, 'c', name), 'utf8')

let known: Kernels | undefined

function kernels(): Kernels {
  if (known !== undefined) return known
  try {
    known = JSON.parse(fs.readFileSync(join(folder, 'kernels.json'), 'utf8')) as Kernels
    return known
  } catch (cause) {
    throw new OcellusError(
      'E_ENGINE_BUILD',
      `the kernels of firmware are missing in ${folder}: npm run build`,
      {
        cause,
      },
    )
  }
}

/** The C of what a program needs and of nothing else. */
export interface EngineSource {
  readonly functions: string
  readonly dispatch: string
  readonly tables: Uint8Array
}

/** Throws E_FIRMWARE_OPERATOR for an instruction that no kernel of firmware is for. */
export function engineSource(
  instructions: readonly FirmwareInstruction[],
  opcodes: Readonly<Record<string, number>>,
  format: string,
): EngineSource {
  const { exports, functions, tables } = kernels()
  const byName = new Map(functions.map((one) => [one.name, one]))
  const needed = new Map<string, KernelFunction>()
  const need = (name: string): void => {
    if (needed.has(name)) return
    const one = byName.get(name)!
    needed.set(name, one)
    for (const call of one.calls) need(call)
  }
  const cases = new Map<string, string>()
  for (const { opcode, name } of instructions) {
    if (cases.has(opcode)) continue
    if (opcode === 'beginList') {
      cases.set(opcode, '    case 0: /* beginList */\n      st32(ld32(instruction + 4u), 0);\n      return;')
      continue
    }
    const exported =
      opcode === 'preprocess' ? `preprocess${format[0].toUpperCase()}${format.slice(1)}` : opcode
    const target = Object.hasOwn(exports, exported) ? exports[exported] : undefined
    if (target === undefined)
      throw new OcellusError(
        'E_FIRMWARE_OPERATOR',
        `${name}: firmware has no kernel for ${opcode}; nothing was written`,
      )
    need(target)
    const call = byName.get(target)!.usesMemory ? `${target}(M_ instruction);` : `${target}(instruction);`
    cases.set(opcode, `    case ${opcodes[opcode]}: /* ${opcode} */\n      ${call}\n      return;`)
  }
  const list = functions.filter(({ name }) => needed.has(name))
  const prototypes = list.map(({ prototype }) => prototype.replace('OC_NOINLINE ', '')).join('\n')
  return {
    functions: `${prototypes}\n\n${list.map(({ c }) => c).join('\n')}`,
    dispatch: [...cases.values()].join('\n'),
    tables: list.some(({ usesTables }) => usesTables)
      ? new Uint8Array(Buffer.from(tables, 'base64'))
      : new Uint8Array(4),
  }
}
