/** Rows of numbers for an array of C. */
export function rows(values: ArrayLike<number>, hexDigits: number, perRow: number): string {
  const lines: string[] = []
  for (let n = 0; n < values.length; n += perRow) {
    const row = Array.from({ length: Math.min(perRow, values.length - n) }, (_, i) => {
      const value = values[n + i] >>> 0
      return `0x${value.toString(16).padStart(hexDigits, '0')}${hexDigits === 8 ? 'u' : ''},`
    })
    lines.push(`    ${row.join(' ')}\n`)
  }
  return lines.join('')
}

/** Little-endian words of bytes, whose number is a multiple of 4. */
export const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer)

/** A string of C. Only ASCII stands for itself, and no trigraph can arise. */
export const cString = (text: string): string =>
  `"${[...new TextEncoder().encode(text)]
    .map((byte) =>
      byte < 32 || byte > 126 || byte === 34 || byte === 92 || byte === 63
        ? `\\${byte.toString(8).padStart(3, '0')}`
        : String.fromCharCode(byte),
    )
    .join('')}"`

/** Text within a comment of C. */
export const cComment = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').replaceAll('*/', '* /')
