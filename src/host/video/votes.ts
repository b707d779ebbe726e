/** Labels that one track remembers; the least of them makes room for a new one. */
const most = 8

/**
 * Which label a track has: each detection votes with its score, as an overhead view turns a car
 * into a bus or a truck for a frame. The label changes only when another one has more votes.
 */
export class LabelVotes {
  readonly #labels: string[] = []
  readonly #classIds: number[] = []
  readonly #votes: number[] = []
  #leader = 0

  get label(): string {
    return this.#labels[this.#leader]
  }

  get classId(): number {
    return this.#classIds[this.#leader]
  }

  add(label: string, classId: number, weight: number): void {
    const votes = this.#votes
    let at = this.#labels.indexOf(label)
    if (at < 0) {
      at = votes.length
      if (at === most) {
        at = this.#leader === 0 ? 1 : 0
        for (let i = at + 1; i < most; i++) if (i !== this.#leader && votes[i] < votes[at]) at = i
      }
      this.#labels[at] = label
      this.#classIds[at] = classId
      votes[at] = 0
    }
    votes[at] += weight
    if (votes[at] > votes[this.#leader]) this.#leader = at
  }
}
