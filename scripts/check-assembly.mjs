/**
 * node scripts/check-assembly.mjs [--write]
 *
 * Runs Biome over assembly/. AssemblyScript decorates functions, which TypeScript does not and
 * Biome refuses to parse, so Biome is given a copy in which these decorators are comments; what it
 * changes there with --write is brought back. Then no line may be longer than 120 characters, and
 * no comment than 100.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const write = process.argv.includes('--write')
const most = { line: 120, comment: 100 }

const files = readdirSync('assembly', { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const hide = (text) => text.replace(/^( *)@(inline|external\(.*\))$/gm, '$1//@$2')
const show = (text) => text.replace(/^( *)\/\/ ?@(inline|external\(.*\))$/gm, '$1@$2')

function runBiome() {
  // Biome skips whatever lies in node_modules.
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-assembly-'))
  try {
    cpSync('assembly', folder, { recursive: true })
    for (const name of files)
      writeFileSync(join(folder, name), hide(readFileSync(join('assembly', name), 'utf8')))
    const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')
    const words = [biome, 'check', ...(write ? ['--write'] : []), '--colors=off', '.']
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) console.error(`assembly/\n${stdout}${stderr}`)
    for (const name of write ? files : []) {
      const text = show(readFileSync(join(folder, name), 'utf8'))
      if (text !== readFileSync(join('assembly', name), 'utf8')) writeFileSync(join('assembly', name), text)
    }
    return status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function longLines() {
  return files.flatMap((name) =>
    readFileSync(join('assembly', name), 'utf8')
      .split('\n')
      .flatMap((line, n) => {
        const isComment = /^\s*(?:\/\/|\/\*\*|\*)/.test(line)
        const limit = isComment ? most.comment : most.line
        return line.length > limit
          ? [`assembly/${name}:${n + 1}: ${line.length} characters, the most is ${limit}`]
          : []
      }),
  )
}

const clean = runBiome()
const long = longLines()
for (const line of long) console.error(line)
if (!clean || long.length > 0) process.exit(1)
