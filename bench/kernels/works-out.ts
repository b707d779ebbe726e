/**
 * The multiply-accumulates that a kernel does, of those that define its layer: Winograd's save
 * most.
 */
export function worksOut(opcode: string): number {
  if (opcode.startsWith('strided')) return 81 / 144
  const [, size, taps] = /winograd(\d)(\d)/i.exec(opcode)?.map(Number) ?? []
  return size === undefined ? 1 : ((size + taps - 1) / (size * taps)) ** 2
}
