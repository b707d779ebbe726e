type Triple = readonly [number, number, number]

/** How bytes become the values that a network was trained on: (byte / 255 - mean) / std. */
export interface Normalization {
  readonly mean: Triple
  readonly std: Triple
}

const all = (value: number): Triple => [value, value, value]

/** What networks are most often trained on, by name. */
export const normalizations = {
  unit: { mean: all(0), std: all(1) },
  signed: { mean: all(0.5), std: all(0.5) },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  bytes: { mean: all(0), std: all(1 / 255) },
} as const satisfies Readonly<Record<string, Normalization>>

/** The same of a mean and a deviation of bytes, one number or three of each. */
export function ofBytes(mean: number | Triple, std: number | Triple): Normalization {
  const scaled = (value: number | Triple): Triple => {
    const [r, g, b] = typeof value === 'number' ? all(value) : value
    return [r / 255, g / 255, b / 255]
  }
  return { mean: scaled(mean), std: scaled(std) }
}
