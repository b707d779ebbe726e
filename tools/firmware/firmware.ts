import type { FrameFormat } from './frames.js'
import type { FirmwareLayout } from './layout.js'
import type { ProgramWords } from './program.js'

/** All that the files of C are written from. */
export interface Firmware {
  readonly name: string
  readonly labels: readonly string[]
  readonly format: FrameFormat
  readonly frame: { readonly width: number; readonly height: number }
  readonly layout: FirmwareLayout
  readonly program: ProgramWords
  readonly golden: { readonly frame: Uint8Array; readonly results: number; readonly flash: number }
}
