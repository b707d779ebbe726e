/**
 * node scripts/pack.mjs [folder]
 *
 * Makes the package that is published: ocellus-VERSION.tgz in a folder, by default .out. Its
 * package.json leaves out what serves only a clone of the repository (scripts, development
 * dependencies), which also keeps `prepare` from running anywhere else. Publish the file: `npm
 * publish .out/ocellus-VERSION.tgz`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(process.argv[2] ?? join(root, '.out'))
mkdirSync(out, { recursive: true })

/** npm's own words; on Windows it is a script that only a shell runs. */
const pack = (cwd, ...words) =>
  JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', ...words], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    }),
  )[0]

const {
  private: _,
  scripts,
  devDependencies,
  overrides,
  allowScripts,
  ...published
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const stage = mkdtempSync(join(tmpdir(), 'ocellus-pack-'))
try {
  for (const { path } of pack(root, '--dry-run').files) cpSync(join(root, path), join(stage, path))
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  const { filename, size, files } = pack(stage, '--pack-destination', out)
  console.log(`${join(out, filename)}  ${size} bytes, ${files.length} files`)
} finally {
  rmSync(stage, { recursive: true })
}
