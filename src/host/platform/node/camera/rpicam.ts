/** Rows of what rpicam writes are padded to so many bytes. */
const rowBytes = 64
const leastRate = 15

interface Wanted {
  readonly width: number
  readonly height: number
  readonly rate: number
}

/**
 * What rpicam-vid is started with: plain frames of the size that is wanted, which the camera's own
 * processor scales at no cost, and how ffmpeg reads them.
 */
export function rpicamWords(
  camera: string,
  wanted: Wanted,
): { readonly camera: string[]; readonly input: string[] } {
  const width = Math.ceil(wanted.width / rowBytes) * rowBytes
  const height = Math.ceil(wanted.height / 2) * 2
  const rate = String(Math.max(leastRate, Math.ceil(wanted.rate)))
  return {
    camera: [
      ...['--camera', camera, '--timeout', '0', '--nopreview', '--codec', 'yuv420'],
      ...['--width', String(width), '--height', String(height), '--framerate', rate, '--output', '-'],
    ],
    input: [
      ...['-fflags', 'nobuffer', '-f', 'rawvideo', '-pixel_format', 'yuv420p'],
      ...['-video_size', `${width}x${height}`, '-framerate', rate, '-i', 'pipe:0'],
    ],
  }
}
