import type { ElementType } from './elements.js'

/** Tensors by name. */
export interface Dictionary {
  /** Where it stands in the file: keys with points between them, or nothing. */
  readonly path: string
  readonly names: readonly string[]
  /** Throws where a tensor is not what its file says. */
  views(): ReadonlyMap<string, StoredView>
}

/** One tensor, as a reader found it: a view of some elements of the file. */
export interface StoredView {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  /** In elements; row-major and without gaps where absent. */
  readonly strides?: readonly number[]
  /** Byte of the file where the view's first element lies. */
  readonly at: number
  /** Throws where the bytes that the view lies in are not those that were written. */
  readonly verify?: () => Promise<void>
  /** What it is, where its values are of a kind that is not read. */
  readonly unread?: string
}
