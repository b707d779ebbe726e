import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { OcellusError } from '../../src/host/errors.js'
import { unreadable } from '../../src/host/platform/node/files.js'
import { replay, type SceneOptions } from '../../src/host/platform/node.js'
import { fileLines, printedLines } from './lines.js'
import type { Words } from './options.js'
import { eventText } from './text.js'

/**
 * Events of a run that was recorded with --frames, with the options that are given in place of its
 * own.
 */
export async function replayRecording(file: string, words: Words, signal: AbortSignal): Promise<void> {
  const { events: target } = words
  const lines = target === undefined || target === '-' ? printedLines() : await fileLines(target, false)
  let frames = 0
  async function* counted(): AsyncGenerator<string> {
    for await (const line of linesOf(file)) {
      if (line.includes('"type":"frame"')) frames++
      yield line
    }
  }
  try {
    for await (const event of replay(counted(), sceneWords(words), file)) {
      if (signal.aborted) break
      await lines.write(target === undefined ? eventText(event) : JSON.stringify(event))
    }
    if (frames === 0)
      throw new OcellusError('E_RECORDING', `${file} has no frames: record with --events FILE --frames`)
    await lines.close()
  } catch (error) {
    await lines.discard()
    throw error
  }
}

/** Throws E_FILE_MISSING, E_FILE_READ. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file)
  const lines = createInterface({ input, crlfDelay: Infinity })
  let failure: unknown
  input.on('error', (cause) => {
    failure ??= cause
    lines.close()
  })
  try {
    yield* lines
  } catch (cause) {
    failure ??= cause
  }
  if (failure !== undefined) throw unreadable(file, failure)
}

function sceneWords(words: Words): SceneOptions {
  const { name, threshold, labelThreshold, zone, line, minHits, lost } = words
  return {
    camera: name,
    threshold,
    labelThresholds: labelThreshold,
    zones: zone,
    lines: line,
    minHits,
    lostMs: lost,
  }
}
