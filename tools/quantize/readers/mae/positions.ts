/**
 * The fixed positions of MAE: [places, channels], the first half of the channels the column, the
 * second the row, each half sines and then cosines of position / 10000^(i / (channels / 4))
 * (facebookresearch/mae, util/pos_embed.py). In float64, rounded once. The class token's are zeros.
 */
export function sineCosinePositions(side: number, channels: number): Float32Array {
  const quarter = channels / 4
  const positions = new Float32Array(side * side * channels)
  for (let place = 0; place < side * side; place++) {
    const coordinates = [place % side, Math.floor(place / side)]
    for (let i = 0; i < quarter; i++) {
      const rate = 1 / 10000 ** (i / quarter)
      coordinates.forEach((coordinate, half) => {
        const at = place * channels + half * 2 * quarter + i
        positions[at] = Math.sin(coordinate * rate)
        positions[at + quarter] = Math.cos(coordinate * rate)
      })
    }
  }
  return positions
}
