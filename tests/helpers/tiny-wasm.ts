/** What a function of a hand-made module does: gives a number, or traps. */
export type Body = number | 'trap'

const i32 = 0x7f

/** A Wasm module whose exported functions take `parameters` int32 and do nothing but their body. */
export function tinyModule(functions: Readonly<Record<string, readonly [parameters: number, body: Body]>>) {
  const list = Object.entries(functions)
  const types = list.map(([, [parameters]]) => [0x60, ...vector(Array(parameters).fill([i32])), 1, i32])
  const exports = list.map(([name], index) => [...vector([...name].map((c) => [c.charCodeAt(0)])), 0, index])
  const bodies = list.map(([, [, body]]) => {
    const code = body === 'trap' ? [0x00] : [0x41, ...signed(body)]
    return vector([0, ...code, 0x0b].map((byte) => [byte]))
  })
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      3,
      list.map((_, index) => [index]),
    ),
    ...section(7, exports),
    ...section(10, bodies),
  ]
  return new WebAssembly.Module(Uint8Array.from(bytes))
}

const section = (id: number, items: readonly number[][]): number[] => {
  const content = vector(items)
  return [id, ...unsigned(content.length), ...content]
}

const vector = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()]

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

/** LEB128 of an int32. */
function signed(value: number): number[] {
  const low = value & 127
  const rest = value >> 7
  return (rest === 0 && low < 64) || (rest === -1 && low >= 64) ? [low] : [low | 128, ...signed(rest)]
}
