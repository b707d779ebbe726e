import type { Model, Task } from '../../../src/host/graph/types.js'
import type { Checkpoint } from './checkpoint.js'
import type { ReadMaeOptions } from './mae/architecture.js'

/** What the checkpoints of the networks that are known may need to be told. */
export interface NetworkOptions extends Omit<ReadMaeOptions, 'epsilon'> {
  /** Of normalisation layers: one for all, or one for each in their order. */
  readonly epsilon?: readonly number[]
  /** Which network of a file with several: the key or prefix under which its tensors stand. */
  readonly key?: string
  /** What the network is wanted for, where a file holds several and no key says which. */
  readonly task?: Task['kind']
}

/** One architecture: how its checkpoints are recognised, and how they become a float model. */
export interface NetworkReader {
  readonly title: string
  readonly task: Task['kind']
  /**
   * A tensor that every such network has: what stands before it in a name is the network's prefix.
   */
  readonly mark: string
  /** Whether the tensors belong to such a network, by their names and shapes. */
  fits(checkpoint: Checkpoint): boolean
  read(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model>
  /** Names of tensors that the network's outputs do not depend on, so that they may be left out. */
  mayStay(checkpoint: Checkpoint, options: NetworkOptions): readonly RegExp[]
}
