/** Mean and covariance of feature vectors. */
export interface Gaussian {
  readonly mean: Float64Array
  /** [n][n] */
  readonly covariance: Float64Array
}

/** The normal distribution that fits vectors of one length. */
export function gaussianOf(vectors: readonly ArrayLike<number>[]): Gaussian {
  const n = vectors[0].length
  const mean = new Float64Array(n)
  for (const vector of vectors) for (let i = 0; i < n; i++) mean[i] += vector[i] / vectors.length
  const covariance = new Float64Array(n * n)
  const d = new Float64Array(n)
  for (const vector of vectors) {
    for (let i = 0; i < n; i++) d[i] = vector[i] - mean[i]
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) covariance[i * n + j] += d[i] * d[j]
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * n + j] / (vectors.length - 1)
      covariance[i * n + j] = value
      covariance[j * n + i] = value
    }
  }
  return { mean, covariance }
}

/**
 * The Frechet distance of two normal distributions, |m - n|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2)
 * (Dowson and Landau, 1982), as Heusel et al. (2017) compare generated pictures with real ones in a
 * feature space.
 */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const n = a.mean.length
  let distance = 0
  for (let i = 0; i < n; i++) {
    distance += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * n + i] + b.covariance[i * n + i]
  }
  const { values, vectors } = eigen(a.covariance, n)
  const roots = values.map((value) => Math.sqrt(Math.max(0, value)))
  const root = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += vectors[i * n + k] * roots[k] * vectors[j * n + k]
      root[i * n + j] = sum
    }
  }
  const product = times(times(root, b.covariance, n), root, n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = (product[i * n + j] + product[j * n + i]) / 2
      product[i * n + j] = value
      product[j * n + i] = value
    }
  }
  for (const value of eigen(product, n).values) distance -= 2 * Math.sqrt(Math.max(0, value))
  return distance
}

function times(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const c = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k]
      for (let j = 0; j < n; j++) c[i * n + j] += factor * b[k * n + j]
    }
  }
  return c
}

/** Eigenvalues and, in the columns, eigenvectors of a symmetric matrix, by Jacobi's rotations. */
function eigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice()
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1
  const total = a.reduce((sum, value) => sum + value * value, 0)
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0
    for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) off += a[p * n + q] ** 2
    if (off <= total * 1e-24) break
    for (let p = 1; p < n; p++) for (let q = 0; q < p; q++) rotate(a, vectors, n, p, q)
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors }
}

/** Makes a[p][q] zero. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const element = a[p * n + q]
  if (element === 0) return
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * element)
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const c = 1 / Math.sqrt(t * t + 1)
  const s = t * c
  for (let k = 0; k < n; k++) {
    const [kp, kq] = [a[k * n + p], a[k * n + q]]
    a[k * n + p] = c * kp - s * kq
    a[k * n + q] = s * kp + c * kq
  }
  for (let k = 0; k < n; k++) {
    const [pk, qk] = [a[p * n + k], a[q * n + k]]
    a[p * n + k] = c * pk - s * qk
    a[q * n + k] = s * pk + c * qk
    const [vp, vq] = [vectors[k * n + p], vectors[k * n + q]]
    vectors[k * n + p] = c * vp - s * vq
    vectors[k * n + q] = s * vp + c * vq
  }
}
