import type { Session } from '../../engine/session.js'
import { OcellusError } from '../../errors.js'
import { told } from '../../shown.js'
import { RandomStream } from '../random.js'
import { acos, log, sin } from './exact.js'

/** Below this a number would be drawn for ever. */
const leastTruncation = 0.05

/**
 * A latent of independent standard normal numbers that depends on its seed alone, to the bit, on
 * every platform: Marsaglia's polar method on 53-bit uniform numbers of `RandomStream`, in
 * arithmetic that IEEE 754 fixes. With a truncation, numbers beyond it are drawn again: less
 * variety, likelier pictures (Brock et al., BigGAN, 2019, section 3.1).
 */
export function latentOf(seed: number, size: number, truncation = Number.POSITIVE_INFINITY): Float32Array {
  if (!(truncation >= leastTruncation))
    throw new OcellusError(
      'E_OPTION',
      `the truncation is ${truncation}; give a number of at least ${leastTruncation}`,
    )
  const stream = new RandomStream(seed)
  const latent = new Float32Array(size)
  let at = 0
  while (at < size) {
    const u = signed(stream)
    const v = signed(stream)
    const s = u * u + v * v
    if (s >= 1 || s < 2 ** -1000) continue
    const factor = Math.sqrt((-2 * log(s)) / s)
    for (const value of [u * factor, v * factor]) {
      if (at < size && Math.abs(value) <= truncation) latent[at++] = value
    }
  }
  return latent
}

/** A number from -1 up to, but not including, 1, of 53 bits. */
function signed(stream: RandomStream): number {
  const high = stream.bits() >>> 5
  const low = stream.bits() >>> 6
  return (high * 2 ** 26 + low) / 2 ** 52 - 1
}

/**
 * The point at `t`, 0 to 1, of the arc from a to b (Shoemake, 1985): in between, latents stay as
 * long as the network knows them, which a straight line's would not.
 */
export function slerp(a: Float32Array, b: Float32Array, t: number): Float32Array {
  let dot = 0
  let lengthA = 0
  let lengthB = 0
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i]
    lengthA += a[i] * a[i]
    lengthB += b[i] * b[i]
  }
  const angle = acos(dot / Math.sqrt(lengthA * lengthB))
  const sine = sin(angle)
  // Nearly one direction, or opposite ones, between which no arc is the shortest.
  const straight = !(sine > 1e-6)
  const first = straight ? 1 - t : sin((1 - t) * angle) / sine
  const second = straight ? t : sin(t * angle) / sine
  return Float32Array.from(a, (value, i) => value * first + b[i] * second)
}

/** The mean of latents of one length. */
export function meanOf(latents: readonly Float32Array[]): Float32Array {
  return Float32Array.from(
    latents[0],
    (_, i) => latents.reduce((sum, latent) => sum + latent[i], 0) / latents.length,
  )
}

/** Sets a generator's input, quantised where it takes int8. Throws E_INPUT_SHAPE. */
export function setLatent(session: Session, latent: ArrayLike<number>): void {
  const [{ shape, quantization }] = session.inputs
  if (latent?.length !== shape[3])
    throw new OcellusError(
      'E_INPUT_SHAPE',
      `a latent of ${told(latent?.length)} numbers; the model takes ${shape[3]}`,
    )
  const values = Float32Array.from(latent)
  const bad = values.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new OcellusError('E_INPUT_SHAPE', `number ${bad} of the latent is ${values[bad]}`)
  if (quantization === undefined) {
    session.setInput(values)
    return
  }
  const { scale, zeroPoint } = quantization
  session.setInput(
    Int8Array.from(values, (value) =>
      Math.max(-128, Math.min(127, Math.round(Math.fround(value / scale)) + zeroPoint)),
    ),
  )
}
