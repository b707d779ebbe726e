/** An `AbortSignal`, without asking for its type. */
export interface Signal {
  readonly aborted: boolean
}
