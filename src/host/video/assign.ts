/**
 * Pairs rows with columns so that the sum of the pairs' benefits is the greatest: the Hungarian method by shortest
 * augmenting paths (Kuhn, 1955; Jonker and Volgenant, 1987), O(min^2 * max). Benefits are at least 0; a pair whose
 * benefit is 0 is no pair. Ties go to the lowest index, always in the same way. Buffers are kept from call to call.
 */
export class Assigner {
  /** Of the problem with no more rows than columns: potentials, the row of each column, and the path's way back. */
  #u = new Float64Array(0)
  #v = new Float64Array(0)
  #rowOf = new Int32Array(0)
  #way = new Int32Array(0)
  #least = new Float64Array(0)
  #used = new Uint8Array(0)

  /**
   * `benefits` holds rows x columns numbers, row by row. Writes the column of each row, or -1, to `columnOf`.
   *
   *     new Assigner().assign(Float64Array.of(0.9, 0.8, 0.7, 0), 2, 2, columnOf)     // columnOf: 1, 0
   */
  assign(benefits: Float64Array, rows: number, columns: number, columnOf: Int32Array): void {
    columnOf.fill(-1, 0, rows)
    if (rows === 0 || columns === 0) return
    const turned = rows > columns
    const n = turned ? columns : rows
    const m = turned ? rows : columns
    const byRow = turned ? 1 : columns
    const byColumn = turned ? columns : 1
    this.#reserve(n, m)
    const u = this.#u
    const v = this.#v
    const rowOf = this.#rowOf
    const way = this.#way
    const least = this.#least
    const used = this.#used
    u.fill(0, 0, n + 1)
    v.fill(0, 0, m + 1)
    rowOf.fill(0, 0, m + 1)
    // Rows and columns count from 1: column 0 stands for the row that is being placed.
    for (let row = 1; row <= n; row++) {
      rowOf[0] = row
      let column = 0
      least.fill(Number.POSITIVE_INFINITY, 0, m + 1)
      used.fill(0, 0, m + 1)
      do {
        used[column] = 1
        const from = rowOf[column]
        const start = (from - 1) * byRow
        let step = Number.POSITIVE_INFINITY
        let next = 0
        for (let j = 1; j <= m; j++) {
          if (used[j] === 1) continue
          const reduced = -benefits[start + (j - 1) * byColumn] - u[from] - v[j]
          if (reduced < least[j]) {
            least[j] = reduced
            way[j] = column
          }
          if (least[j] < step) {
            step = least[j]
            next = j
          }
        }
        for (let j = 0; j <= m; j++) {
          if (used[j] === 1) {
            u[rowOf[j]] += step
            v[j] -= step
          } else least[j] -= step
        }
        column = next
      } while (rowOf[column] !== 0)
      while (column !== 0) {
        rowOf[column] = rowOf[way[column]]
        column = way[column]
      }
    }
    for (let j = 1; j <= m; j++) {
      if (rowOf[j] === 0) continue
      const [row, column] = turned ? [j - 1, rowOf[j] - 1] : [rowOf[j] - 1, j - 1]
      if (benefits[row * columns + column] > 0) columnOf[row] = column
    }
  }

  #reserve(n: number, m: number): void {
    if (this.#u.length <= n) this.#u = new Float64Array(2 * n + 1)
    if (this.#v.length > m) return
    this.#v = new Float64Array(2 * m + 1)
    this.#rowOf = new Int32Array(2 * m + 1)
    this.#way = new Int32Array(2 * m + 1)
    this.#least = new Float64Array(2 * m + 1)
    this.#used = new Uint8Array(2 * m + 1)
  }
}
