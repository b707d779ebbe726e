import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'

/** What a timing depends on, as far as the machine tells. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly features: readonly string[]
  readonly arch: string
  readonly os: string
  readonly memoryMiB: number
  readonly node: string
  readonly v8: string
}

/** Instruction sets that decide which dot products a machine has. */
const telling = ['ssse3', 'avx', 'avx2', 'avx_vnni', 'avx512_vnni', 'asimd', 'asimddp', 'i8mm']

export function describeMachine(): Machine {
  const list = cpus()
  return {
    cpu: list[0]?.model.trim() || 'unknown',
    cores: list.length,
    features: cpuFeatures(),
    arch: arch(),
    os: `${platform()} ${release().split('-')[0]}`,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    node: process.versions.node,
    v8: process.versions.v8,
  }
}

function cpuFeatures(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))
    const has = new Set(line?.[1].trim().split(/\s+/))
    return telling.filter((feature) => has.has(feature))
  } catch {
    return []
  }
}
