import { OcellusError } from '../src/host/errors.js'
import { type ContentLimits, contentOf } from '../src/host/source/content.js'

/**
 * Standard input ends once it was read: it can be one thing only, and who asks for that again gets
 * the same bytes.
 */
let read: { readonly noun: string; readonly bytes: Promise<Uint8Array> } | undefined

/**
 * All of standard input. Throws E_USAGE where it was something else already, E_FILE_TOO_LARGE,
 * E_IMAGE_TOO_LARGE.
 */
export function readStdin(limits: ContentLimits): Promise<Uint8Array> {
  read ??= { noun: limits.noun, bytes: contentOf(process.stdin, limits).then((content) => content!.bytes) }
  if (read.noun !== limits.noun)
    throw new OcellusError('E_USAGE', `standard input can't be both ${read.noun} and ${limits.noun}`)
  return read.bytes
}
