import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { crc32 } from '../../src/host/platform/node/crc32.js'
import { bytesSource } from '../../tools/quantize/readers/byte-source.js'
import { readCheckpoint } from '../../tools/quantize/readers/checkpoint.js'
import { readZip } from '../../tools/quantize/readers/torch/zip.js'
import { Random } from '../helpers/kernel.js'
import { variantOf } from '../helpers/variants.js'

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../fixtures/torch/${name}`, import.meta.url))

/** The code of what reading throws, or none; anything but an OcellusError is a fault. */
async function outcome(file: Uint8Array): Promise<string> {
  const { bytes, check } = variantOf(file, kind++)
  try {
    return await outcomeOf(bytes)
  } finally {
    check()
  }
}

let kind = 0

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  try {
    const checkpoint = await readCheckpoint(bytesSource(bytes, 'f.pth'))
    for (const name of checkpoint.names) {
      if (checkpoint.dtype(name) !== 'I64') await checkpoint.read(name)
    }
    return 'none'
  } catch (error) {
    if (error instanceof OcellusError && /^E_(TORCH|CHECKPOINT|MODEL)_/.test(error.code)) {
      expect(error.message).not.toContain('\n')
      return error.code
    }
    throw error
  }
}

/** Gives changed files of an archive their checksums anew, so that what reads them is reached. */
async function resummer(archive: Uint8Array): Promise<(changed: Uint8Array) => void> {
  const whole = Buffer.from(archive)
  const entries = [...(await readZip(bytesSource(archive, 'f.pth'))).values()].map((entry) => ({
    ...entry,
    // The directory follows the files; a name stands 46 bytes after the head of its entry there.
    sumAt: whole.lastIndexOf(entry.name) - 46 + 16,
  }))
  return (changed) => {
    const view = new DataView(changed.buffer)
    for (const { at, bytes, sumAt } of entries)
      view.setUint32(sumAt, crc32(changed.subarray(at, at + bytes)), true)
  }
}

const files = [
  'small.pth',
  'small-legacy.pth',
  'state.pth',
  'state-legacy.pth',
  'training.pth',
  'training-legacy.pth',
]

it.each(files.slice(0, 2))('%s cut at every byte', async (file) => {
  const bytes = fixture(file)
  for (let end = 0; end < bytes.length; end++)
    expect(await outcome(bytes.subarray(0, end)), `${end}`).toMatch(/^E_/)
  expect(await outcome(bytes)).toBe('none')
})

it.each(files)('%s changed in 2,000 ways', async (file) => {
  const original = fixture(file)
  const random = new Random(original.length)
  const seen = new Set<string>()
  const resum = file.includes('legacy') ? () => {} : await resummer(original)
  for (let n = 0; n < 2000; n++) {
    const bytes = Uint8Array.from(original)
    for (let k = random.integer(1, 3); k > 0; k--) {
      const at = random.integer(0, bytes.length - 1)
      const kind = random.integer(0, 3)
      if (kind === 0) bytes[at] = random.integer(0, 255)
      else if (kind === 1) bytes[at] ^= 1 << random.integer(0, 7)
      else if (kind === 2) bytes.fill(random.pick([0, 255]), at, at + random.integer(1, 8))
      else bytes.copyWithin(at, random.integer(0, bytes.length - 1), random.integer(0, bytes.length))
    }
    if (n % 4 > 0) resum(bytes)
    seen.add(await outcome(bytes))
  }
  expect(seen.size).toBeGreaterThan(3)
})
