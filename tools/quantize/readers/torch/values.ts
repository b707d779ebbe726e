import type { ElementType } from '../elements.js'

/** What a pickle of tensors can hold, as data. Tuples and lists are arrays. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Value[]
  | Dict
  | Name
  | Storage
  | Tensor
  | Opaque

/**
 * A mapping of Python's. It holds its items as they came and becomes a Map only where somebody
 * looks into it: a pickle can ask for a million empty ones with a million bytes.
 */
export class Dict {
  /** Key, value, key, value, and so on. */
  #items: Value[] | undefined

  /** Takes keys and values in turn; the list is not the caller's any more. */
  add(items: Value[]): void {
    if (this.#items === undefined) this.#items = items
    else for (const item of items) this.#items.push(item)
  }

  /** Every value, those of keys that stand twice included. */
  *values(): Generator<Value> {
    const items = this.#items ?? []
    for (let i = 1; i < items.length; i += 2) yield items[i]
  }

  /** The last value of each key, in the order in which the keys came first, as in Python. */
  map(): Map<Value, Value> {
    const map = new Map<Value, Value>()
    const items = this.#items ?? []
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
    return map
  }
}

/**
 * A name of Python's that the lists allow; it stands for itself until a REDUCE asks what it makes.
 */
export class Name {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  toString(): string {
    return `${this.module}.${this.name}`
  }
}

/** Numbers that lie elsewhere in the file. */
export class Storage {
  constructor(
    readonly key: string,
    readonly dtype: ElementType,
    readonly elements: number,
    /**
     * Elements of the underlying storage before this one: not 0 only in files of torch before 0.4.
     */
    readonly first = 0,
  ) {}
}

/** Some elements of a storage, by strides; nothing is checked yet. */
export class Tensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/**
 * An object that may stand beside the weights and is never made: a path, a set, a training script's
 * arguments. Of the last the values are kept, as what the network was trained with may stand there.
 */
export class Opaque {
  state: Value = null

  constructor(readonly of: string) {}

  /**
   * Whether this would be numbers of a kind that is not read here: a quantised or sparse tensor, an
   * array of numpy's.
   */
  get isTensor(): boolean {
    return /^torch\._(utils|tensor)\._rebuild|^numpy\..*(_reconstruct|ndarray)$/.test(this.of)
  }
}

/** Where a storage's bytes lie in the file. */
export interface StorageBytes {
  readonly at: number
  readonly bytes: number
  /** Holds all of them to their checksum, where the file has one: E_TORCH_CHECKSUM. */
  readonly verify?: () => Promise<void>
}
