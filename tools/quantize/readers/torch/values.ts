import type { ElementType } from '../elements.js'

/** What a pickle of tensors can hold, as data. Tuples and lists are arrays, every mapping is a Map. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Map<Value, Value>
  | Name
  | Storage
  | Tensor
  | Opaque

/** A name of Python's that the list allows; it stands for itself until a REDUCE asks what it makes. */
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
    /** Elements of the underlying storage before this one: not 0 only in files of torch before 0.4. */
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

/** An object that is allowed beside the weights, such as a training script's arguments; its contents are dropped. */
export class Opaque {
  constructor(readonly of: string) {}
}
