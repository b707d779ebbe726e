import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeMachine, describeSource, readConditions, throttling } from '../../bench/machine.js'

/** A machine made of files; commands answer what is given, or are not there. */
function machine(files: Readonly<Record<string, string>>, commands: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'ocellus-machine-'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const command = (name: string, ...words: string[]) => commands[[name, ...words].join(' ')]
  return { root, command }
}

const pi4 = machine(
  {
    'proc/cpuinfo': 'processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n',
    'proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.5\0',
    'sys/class/thermal/thermal_zone0/temp': '51121\n',
    'sys/class/thermal/thermal_zone1/temp': '49000\n',
    'sys/class/thermal/cooling_device0/type': 'fan\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'ondemand\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq': '1800000\n',
    'sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq': '600000\n',
    'sys/devices/system/cpu/cpufreq/boost': '1\n',
  },
  { 'vcgencmd get_throttled': 'throttled=0x50005' },
)
const bare = machine({})

describe('a Raspberry Pi', () => {
  it('is described by its firmware and its kernel', () => {
    expect(describeMachine(pi4)).toMatchObject({
      board: 'Raspberry Pi 4 Model B Rev 1.5',
      cpu: 'Cortex-A72',
      features: ['asimd'],
      governor: 'ondemand',
      node: process.versions.node,
    })
  })

  it('tells temperature, clocks and throttling', () => {
    expect(readConditions(pi4)).toEqual({
      celsius: 51.1,
      mhz: [1800, 600],
      throttled: ['under-voltage now', 'throttled now', 'under-voltage since boot', 'throttled since boot'],
      load: expect.any(Number),
    })
  })
})

describe('a machine that tells nothing', () => {
  it('is described by what Node knows', () => {
    const found = describeMachine(bare)
    expect(found).toMatchObject({ features: [], cpu: expect.any(String), cores: expect.any(Number) })
    expect(found).not.toHaveProperty('board')
    expect(found).not.toHaveProperty('governor')
  })

  it('has only its load for conditions', () => {
    expect(readConditions(bare)).toEqual({ load: expect.any(Number) })
  })

  it('survives files with nonsense in them', () => {
    const odd = machine({
      'proc/cpuinfo': 'nothing of use',
      'sys/class/thermal/thermal_zone0/temp': 'hot',
      'sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq': '',
    })
    expect(readConditions(odd)).toEqual({ load: expect.any(Number) })
    expect(describeMachine(odd).features).toEqual([])
  })
})

it.each([
  ['throttled=0x0', []],
  ['throttled=0x2', ['frequency capped now']],
  ['VCHI initialization failed', undefined],
  [undefined, undefined],
])('throttling says %s', (answer, expected) => {
  expect(throttling(answer)).toEqual(expected)
})

describe('the source', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-source-'))
  mkdirSync(join(folder, 'build'))
  writeFileSync(join(folder, 'build/ocellus.simd.wasm'), 'a module')
  writeFileSync(join(folder, 'build/ocellus.simd.js'), 'no module')
  const git = (answers: Readonly<Record<string, string>>) => ({
    root: '/',
    command: (_: string, __: string, ___: string, ...words: string[]) => answers[words[0]],
  })

  it('has a commit, and a mark where files were changed since', () => {
    const clean = { 'ls-files': 'package.json', 'rev-parse': 'abc', status: '' }
    expect(describeSource(folder, git(clean)).commit).toBe('abc')
    expect(describeSource(folder, git({ ...clean, status: ' M x' })).commit).toBe('abc+')
  })

  it('has none where the repository is another', () => {
    const found = describeSource(folder, git({ 'rev-parse': 'abc', status: '' }))
    expect(Object.keys(found)).toEqual(['builds'])
    expect(Object.keys(found.builds)).toEqual(['simd'])
    expect(found.builds.simd).toMatch(/^[0-9a-f]{12}$/)
  })

  it('may have no builds', () => {
    expect(describeSource(join(folder, 'none'), git({}))).toEqual({ builds: {} })
  })
})
