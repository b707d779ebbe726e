import type { VideoEvent } from '../../../../video/types.js'

/** Who is there, by the events: each `start` adds one, and its `end` takes it away. */
export class Present {
  readonly #objects = new Map<string, { readonly label: string; readonly zones: readonly string[] }>()

  update({ type, id, label, zones }: VideoEvent): void {
    if (type === 'end') this.#objects.delete(id)
    else this.#objects.set(id, { label, zones })
  }

  ofLabel(label: string): number {
    return this.#count((object) => object.label === label)
  }

  inZone(zone: string): number {
    return this.#count(({ zones }) => zones.includes(zone))
  }

  #count(test: (object: { label: string; zones: readonly string[] }) => boolean): number {
    let count = 0
    for (const object of this.#objects.values()) if (test(object)) count++
    return count
  }
}
