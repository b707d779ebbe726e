import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const sample = (name: string): string => join(root, 'samples', name)

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the built command as a shell would. A command that hangs is stopped after a minute, with
 * code null.
 */
export const ocellus = (...words: readonly string[]): Promise<Ran> => ocellusWith({}, ...words)

/** As `ocellus`, with more in the environment. */
export function ocellusWith(
  env: Readonly<Record<string, string>>,
  ...words: readonly string[]
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...words], {
      timeout: 300_000,
      env: { ...process.env, ...env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text: Buffer) => {
      stdout += text
    })
    child.stderr.on('data', (text: Buffer) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'ocellus-'))

/** What quantising random weights on the three samples tells. */
export const fewPhotos = /^fewer than 32 photos \(3\): [^\n]+\n(?:\d+ layers? ha[^\n]+\n)*$/
