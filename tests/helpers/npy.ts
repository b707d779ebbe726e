import { readFileSync } from 'node:fs'

export interface NpyArray {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array | Uint8Array
}

const kinds = { '<f4': Float32Array, '<i4': Int32Array, '|u1': Uint8Array } as const

/** A NumPy array file of float32, int32 or bytes. */
export function readNpy(file: string | Uint8Array): NpyArray {
  const bytes = typeof file === 'string' ? new Uint8Array(readFileSync(file)) : file
  const length = bytes[8] + bytes[9] * 256
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + length))
  const kind = /'descr': '([^']*)'/.exec(header)?.[1] as keyof typeof kinds
  if (!(kind in kinds) || header.includes("'fortran_order': True")) throw new Error(`npy: ${header}`)
  const shape = [...(/'shape': \(([^)]*)\)/.exec(header)?.[1].matchAll(/\d+/g) ?? [])].map(([n]) => Number(n))
  return { shape, data: new kinds[kind](bytes.slice(10 + length).buffer) }
}
