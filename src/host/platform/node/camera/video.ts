/** What a source says of its own video. */
export interface SourceVideo {
  /** As ffmpeg calls it: h264, hevc, mjpeg, ... */
  readonly codec: string
  readonly width?: number
  readonly height?: number
  /** Frames a second; cameras are often wrong about it. */
  readonly rate?: number
}

/**
 * Reads ffmpeg's line about a stream: `h264 (Main), yuv420p(progressive), 640x360 [SAR 1:1 DAR
 * 16:9], 15 fps, 90k tbn`.
 */
export function videoOf(description: string): SourceVideo {
  const codec = /^\w+/.exec(description)?.[0] ?? 'unknown'
  const size = /\b(\d{1,5})x(\d{1,5})\b/.exec(description)
  const rate = /, ([\d.]{1,10})(k?) fps\b/.exec(description)
  return {
    codec,
    ...(size !== null && { width: Number(size[1]), height: Number(size[2]) }),
    ...(rate !== null && { rate: Number(rate[1]) * (rate[2] === 'k' ? 1000 : 1) }),
  }
}
