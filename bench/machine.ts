import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a timing depends on, as far as the machine tells. */
export interface Machine {
  /** The board's name, where the firmware tells it. */
  readonly board?: string
  readonly cpu: string
  readonly cores: number
  readonly features: readonly string[]
  readonly arch: string
  readonly os: string
  readonly memoryMiB: number
  readonly governor?: string
  readonly node: string
  readonly v8: string
}

/** What may change while it is measured, and explains a slow run. */
export interface Conditions {
  /** Of the hottest zone. */
  readonly celsius?: number
  /** Of each core. */
  readonly mhz?: readonly number[]
  /** The Raspberry Pi's own word: throttled, or too little voltage; empty where all is well. */
  readonly throttled?: readonly string[]
  /** Other work: runnable processes over the last minute. */
  readonly load: number
}

/** Where the machine is asked; tests give others. */
export interface Probes {
  readonly root: string
  command(name: string, ...words: string[]): string | undefined
}

export const system: Probes = {
  root: '/',
  command(name, ...words) {
    const { status, stdout } = spawnSync(name, words, { encoding: 'utf8', timeout: 5000 })
    return status === 0 ? stdout.trim() : undefined
  },
}

/** Instruction sets that decide which dot products a machine has. */
const telling = ['ssse3', 'avx', 'avx2', 'avx_vnni', 'avx512_vnni', 'asimd', 'asimddp', 'i8mm']

export function describeMachine(probes: Probes = system): Machine {
  const list = cpus()
  const board = text(probes, 'proc/device-tree/model')?.replaceAll('\0', '').trim()
  const governor = text(probes, 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim()
  return {
    ...(board ? { board } : {}),
    cpu: cpuName(list[0]?.model, probes),
    cores: list.length,
    features: cpuFeatures(probes),
    arch: arch(),
    os: `${platform()} ${release().split('-')[0]}`,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    ...(governor ? { governor } : {}),
    node: process.versions.node,
    v8: process.versions.v8,
  }
}

/** On ARM the kernel names no model, only a part number. */
const armParts: Readonly<Record<string, string>> = {
  '0xd03': 'Cortex-A53',
  '0xd04': 'Cortex-A35',
  '0xd05': 'Cortex-A55',
  '0xd07': 'Cortex-A57',
  '0xd08': 'Cortex-A72',
  '0xd0b': 'Cortex-A76',
  '0xd0c': 'Neoverse-N1',
  '0xd40': 'Neoverse-V1',
}

function cpuName(model: string | undefined, probes: Probes): string {
  const part = /^CPU part\s*:\s*(\S+)/m.exec(text(probes, 'proc/cpuinfo') ?? '')?.[1]
  if (part !== undefined) return armParts[part] ?? `ARM part ${part}`
  const name = model?.trim()
  return name && name !== 'unknown' ? name : 'unknown'
}

function cpuFeatures(probes: Probes): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(text(probes, 'proc/cpuinfo') ?? '')
  const has = new Set(line?.[1].trim().split(/\s+/))
  return telling.filter((feature) => has.has(feature))
}

export function readConditions(probes: Probes = system): Conditions {
  const zones = folders(probes, 'sys/class/thermal', /^thermal_zone\d+$/)
  const celsius = zones.flatMap((zone) => numberIn(probes, `${zone}/temp`, 1000))
  const clocks = folders(probes, 'sys/devices/system/cpu', /^cpu\d+$/)
  const mhz = clocks.flatMap((cpu) => numberIn(probes, `${cpu}/cpufreq/scaling_cur_freq`, 1000))
  const throttled = throttling(probes.command('vcgencmd', 'get_throttled'))
  return {
    ...(celsius.length > 0 ? { celsius: Math.max(...celsius) } : {}),
    ...(mhz.length > 0 ? { mhz } : {}),
    ...(throttled ? { throttled } : {}),
    load: loadavg()[0],
  }
}

/** Bits of `vcgencmd get_throttled`: raspberrypi.com, documentation of vcgencmd. */
const throttleBits: readonly (readonly [bit: number, meaning: string])[] = [
  [0, 'under-voltage now'],
  [1, 'frequency capped now'],
  [2, 'throttled now'],
  [3, 'soft temperature limit now'],
  [16, 'under-voltage since boot'],
  [17, 'frequency capped since boot'],
  [18, 'throttled since boot'],
  [19, 'soft temperature limit since boot'],
]

export function throttling(answer: string | undefined): string[] | undefined {
  const bits = /^throttled=0x([0-9a-f]+)$/i.exec(answer ?? '')?.[1]
  if (bits === undefined) return undefined
  const value = Number.parseInt(bits, 16)
  return throttleBits.filter(([bit]) => (value >>> bit) & 1).map(([, meaning]) => meaning)
}

export interface Source {
  /** Of the repository, `+` where files were changed since; undefined outside of one. */
  readonly commit?: string
  /** The engine itself: the first 12 digits of each build's SHA-256. */
  readonly builds: Readonly<Record<string, string>>
}

export function describeSource(folder: string, probes: Probes = system): Source {
  const git = (...words: string[]) => probes.command('git', '-C', folder, ...words)
  // A package in someone's node_modules lies in a repository that is not ours.
  const own = git('ls-files', '--error-unmatch', 'package.json') !== undefined
  const commit = own ? git('rev-parse', '--short=12', 'HEAD') : undefined
  const changed = own && git('status', '--porcelain', '--untracked-files=no') !== ''
  const files = list(join(folder, 'build')).filter((name) => /^ocellus\..*\.wasm$/.test(name))
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, 'build', name)))
      .digest('hex')
      .slice(0, 12)
  return {
    ...(commit === undefined ? {} : { commit: commit + (changed ? '+' : '') }),
    builds: Object.fromEntries(files.sort().map((name) => [name.slice(8, -5), hash(name)])),
  }
}

function text({ root }: Probes, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const folders = ({ root }: Probes, path: string, name: RegExp): string[] =>
  list(join(root, path))
    .filter((entry) => name.test(entry))
    .map((entry) => `${path}/${entry}`)

function numberIn(probes: Probes, path: string, divisor: number): number[] {
  const value = Number.parseInt(text(probes, path) ?? '', 10)
  return Number.isFinite(value) ? [Math.round((value / divisor) * 10) / 10] : []
}
