/**
 * Pairs rows with columns so that the sum of the pairs' benefits is the greatest. Benefits are at
 * least 0, and a pair whose benefit is 0 is no pair: rows and columns that are linked by benefits,
 * directly or through others, form a group that is solved by itself. Most groups have one row and
 * one column; for the others there is the Hungarian method by shortest augmenting paths (Kuhn,
 * 1955; Jonker and Volgenant, 1987), O(min^2 * max). Of several best solutions the same inputs
 * always give the same one. Buffers are kept from call to call.
 */
export class Assigner {
  /** The group of each row, then of each column: the root of a tree (union-find). */
  #parent = new Int32Array(0)
  /** Rows and columns of the group at hand. */
  #rows = new Int32Array(0)
  #columns = new Int32Array(0)
  /**
   * Of rows and columns, by their root: the next one of the same group, or -1; and the first one of
   * a group.
   */
  #next = new Int32Array(0)
  #first = new Int32Array(0)
  readonly #hungarian = new Hungarian()

  /**
   * `benefits` holds rows x columns numbers, row by row. Writes the column of each row, or -1, to `columnOf`.
   *
   *     new Assigner().assign(Float64Array.of(0.9, 0.8, 0.7, 0), 2, 2, columnOf)     // columnOf: 1, 0
   */
  assign(benefits: Float64Array, rows: number, columns: number, columnOf: Int32Array): void {
    columnOf.fill(-1, 0, rows)
    this.#reserve(rows + columns)
    const parent = this.#parent
    for (let i = 0; i < rows + columns; i++) parent[i] = i
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) if (benefits[i * columns + j] > 0) this.#join(i, rows + j)
    // Lists of the groups' members, in ascending order as they are made from the end.
    const next = this.#next
    const first = this.#first
    first.fill(-1, 0, rows + columns)
    for (let i = rows + columns - 1; i >= 0; i--) {
      const root = this.#root(i)
      next[i] = first[root]
      first[root] = i
    }
    for (let i = 0; i < rows; i++) {
      // A row alone, or one whose group has been solved with an earlier row.
      if (first[this.#root(i)] !== i || next[i] < 0) continue
      let n = 0
      let m = 0
      for (let at = i; at >= 0; at = next[at]) {
        if (at < rows) this.#rows[n++] = at
        else this.#columns[m++] = at - rows
      }
      if (n === 1 && m === 1) columnOf[i] = this.#columns[0]
      else this.#hungarian.solve(benefits, columns, this.#rows, n, this.#columns, m, columnOf)
    }
  }

  #root(at: number): number {
    const parent = this.#parent
    let root = at
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]]
      root = parent[root]
    }
    return root
  }

  /** The lower root stays. */
  #join(a: number, b: number): void {
    const [x, y] = [this.#root(a), this.#root(b)]
    if (x < y) this.#parent[y] = x
    else this.#parent[x] = y
  }

  #reserve(count: number): void {
    if (this.#parent.length >= count) return
    this.#parent = new Int32Array(2 * count)
    this.#rows = new Int32Array(2 * count)
    this.#columns = new Int32Array(2 * count)
    this.#next = new Int32Array(2 * count)
    this.#first = new Int32Array(2 * count)
  }
}

/** The dense solver of one group. */
class Hungarian {
  /**
   * Potentials of rows and columns, the row of each column, and for a path the column before each
   * column.
   */
  #u = new Float64Array(0)
  #v = new Float64Array(0)
  #rowOf = new Int32Array(0)
  #way = new Int32Array(0)
  #least = new Float64Array(0)
  #used = new Uint8Array(0)

  solve(
    benefits: Float64Array,
    stride: number,
    rows: Int32Array,
    rowCount: number,
    columns: Int32Array,
    columnCount: number,
    columnOf: Int32Array,
  ): void {
    const turned = rowCount > columnCount
    const n = turned ? columnCount : rowCount
    const m = turned ? rowCount : columnCount
    const benefit = (i: number, j: number): number =>
      turned ? benefits[rows[j] * stride + columns[i]] : benefits[rows[i] * stride + columns[j]]
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
    // Rows and columns count from 1 here: column 0 stands for the row that is being placed.
    for (let row = 1; row <= n; row++) {
      rowOf[0] = row
      let column = 0
      least.fill(Number.POSITIVE_INFINITY, 0, m + 1)
      used.fill(0, 0, m + 1)
      do {
        used[column] = 1
        const from = rowOf[column]
        let step = Number.POSITIVE_INFINITY
        let next = 0
        for (let j = 1; j <= m; j++) {
          if (used[j] === 1) continue
          const reduced = -benefit(from - 1, j - 1) - u[from] - v[j]
          if (reduced < least[j]) {
            least[j] = reduced
            way[j] = column
          }
          // Of equal ways one to a free column ends the search.
          if (least[j] < step || (least[j] === step && rowOf[next] !== 0 && rowOf[j] === 0)) {
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
      const i = rowOf[j]
      if (i === 0 || !(benefit(i - 1, j - 1) > 0)) continue
      if (turned) columnOf[rows[j - 1]] = columns[i - 1]
      else columnOf[rows[i - 1]] = columns[j - 1]
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
