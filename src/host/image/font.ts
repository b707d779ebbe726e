/**
 * A bitmap font for printable ASCII, so that labels look the same on every machine, with fonts or
 * without. Five columns a glyph, two hexadecimal digits a column, the lowest bit at the top; the
 * eighth row holds descenders.
 */
const glyphs =
  '0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0000070000 ' +
  '001c224100 0041221c00 2a1c7f1c2a 08083e0808 0080703000 0808080808 0000606000 2010080402 ' +
  '3e5149453e 00427f4000 6251494946 2241494936 1814127f10 2745454539 3c4a494930 0171090503 ' +
  '3649494936 064949291e 0000360000 0080763600 0814224100 1414141414 0041221408 0201510906 ' +
  '3e415d551e 7e1111117e 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e4149493a ' +
  '7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e ' +
  '7f09090906 3e4151215e 7f09192946 2649494932 01017f0101 3f4040403f 1f2040201f 3f4038403f ' +
  '6314081463 0708700807 6151494543 007f414100 0204081020 0041417f00 0402010204 8080808080 ' +
  '0001020400 2054545478 7f48444438 3844444428 384444487f 3854545418 087e090102 18a4a4a47c ' +
  '7f08040478 00447d4000 4080847d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438 ' +
  'fc24242418 18242428fc 7c08040408 4854545424 043f444020 3c4040207c 1c2040201c 3c4030403c ' +
  '4428102844 1ca0a0a07c 4464544c44 0008364100 00007f0000 0041360800 0804081008'

const columns = glyphs.split(' ').map((glyph) => {
  const bits = [0, 2, 4, 6, 8].map((at) => Number.parseInt(glyph.slice(at, at + 2), 16))
  // Narrow glyphs take less room; the space keeps three columns.
  const used = bits.map((b) => b !== 0)
  const first = used.indexOf(true)
  return first < 0 ? [0, 0, 0] : bits.slice(first, used.lastIndexOf(true) + 1)
})

export const glyphRows = 8

/**
 * The columns of a character, bits from the top; a question mark for what the font does not have.
 */
export const glyph = (character: string): readonly number[] =>
  columns[character.charCodeAt(0) - 32] ?? columns['?'.charCodeAt(0) - 32]

/** Columns that a text takes, one between glyphs. */
export function textColumns(text: string): number {
  let width = 0
  for (const character of text) width += glyph(character).length + 1
  return Math.max(0, width - 1)
}
