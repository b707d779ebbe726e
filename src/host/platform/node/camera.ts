/**
 * Cameras and video files in Node, which a program reads for us. Import them from 'ocellus/camera'.
 */
export { type ErrorCode, OcellusError } from '../../errors.js'
export { Camera } from './camera/camera.js'
export type { CameraPhase, CameraState } from './camera/feed.js'
export type { CameraOptions } from './camera/options.js'
export type { CameraEvent, CameraResult } from './camera/results.js'
export type { CameraStatistics } from './camera/statistics.js'
export type { SourceVideo } from './camera/video.js'
