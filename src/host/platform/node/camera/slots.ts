import type { Slot } from './pam.js'

/**
 * The frame that the caller holds, the one being looked at, the latest that waits, and the one
 * being read.
 */
const count = 4

/**
 * A few buffers for frames, used in turn. They grow when a source's frames do, and are never more.
 */
export class Slots {
  readonly #free: Slot[] = Array.from({ length: count }, (_, index) => ({
    index,
    bytes: new Uint8Array(),
    width: 0,
    height: 0,
  }))

  /** A slot with room for a frame of this size. */
  take(width: number, height: number): Slot {
    const slot = this.#free.shift()
    if (slot === undefined) throw new Error('no slot is free')
    const bytes = width * height * 4
    if (slot.bytes.length === bytes) return slot
    return { ...slot, bytes: new Uint8Array(new SharedArrayBuffer(bytes)) }
  }

  give(slot: Slot): void {
    this.#free.push(slot)
  }
}
