import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { applyConfig } from '../../cli/camera/config.js'
import { addOptions, type Words } from '../../cli/camera/options.js'
import { Line, Zone } from '../../src/host/platform/node.js'
import { hasProgram } from '../helpers/programs.js'
import { skipUnless } from '../helpers/require.js'
import { ocellus, root, temporaryFolder } from './run.js'

const folder = join(root, 'docs/camera')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

function optionsOf(file: string): Words & { readonly source?: string } {
  const command = addOptions(new Command('camera')).exitOverride()
  command.parse(['--config', file], { from: 'user' })
  const source = applyConfig(command)
  return { source, ...command.opts<Words>() }
}

it('the sample of a file of options is one', () => {
  const { source, name, zone, line, mqttPassword } = optionsOf(join(folder, 'camera.yaml'))
  expect({ source, name, mqttPassword }).toMatchObject({ name: 'front', mqttPassword: 'password' })
  expect(zone?.map((each) => new Zone(each).name)).toEqual(['door', 'yard'])
  expect(line?.map((each) => new Line(each).name)).toEqual(['gate'])
})

it('the sample in the documentation is one', () => {
  const page = readFileSync(join(root, 'docs/camera.md'), 'utf8')
  const sample = /```yaml\n([^`]*)```/.exec(page)?.[1] ?? ''
  const file = join(temporaryFolder(), 'camera.yaml')
  writeFileSync(file, sample)
  expect(optionsOf(file)).toMatchObject({ name: 'front', labels: ['person', 'car'] })
})

it('the documentation names options that there are', async () => {
  const page = readFileSync(join(root, 'docs/camera.md'), 'utf8')
  const { stdout } = await ocellus('camera', '--help')
  const known = new Set([...stdout.matchAll(/--[a-z-]+/g)].map(([word]) => word))
  const named = [...page.matchAll(/`(--[a-z-]+)/g)].map(([, word]) => word)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((word) => !known.has(word))).toEqual([])
})

it('the unit for systemd is one, as systemd itself sees it', (context) => {
  skipUnless(context, hasProgram('systemd-analyze', '--version'), 'systemd-analyze')
  const units = join(temporaryFolder(), 'units')
  mkdirSync(units)
  writeFileSync(join(units, 'ocellus-camera@.service'), read('ocellus-camera@.service'))
  const { stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', join(units, 'ocellus-camera@front.service')],
    { encoding: 'utf8' },
  )
  expect((stdout + stderr).split('\n').filter((line) => line.includes('ocellus-camera@'))).toEqual([])
})

it('the unit and the container start the command with options that it has', async () => {
  const unit = /^ExecStart=\/usr\/bin\/env (.*)$/m.exec(read('ocellus-camera@.service'))?.[1]
  expect(unit).toMatch(/^ocellus camera --config \$\{CREDENTIALS_DIRECTORY\}\/camera\.yaml$/)
  const words = [...read('Dockerfile').matchAll(/^(?:ENTRYPOINT|CMD) (.*)$/gm)].flatMap(
    ([, list]) => JSON.parse(list) as string[],
  )
  expect(words).toEqual(['ocellus', 'camera', '--config', '/config/camera.yaml'])
  // Options that are wrong end the service for good: systemd is told so by this code.
  const file = join(temporaryFolder(), 'camera.yaml')
  writeFileSync(file, 'rate: fast\n')
  expect(await ocellus('camera', '--config', file)).toMatchObject({ code: 2 })
})
