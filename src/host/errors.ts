import { shown } from './shown.js'

/**
 * Characters of a message: enough for any that we write, and too few for an input that slips into
 * one.
 */
const longestMessage = 1200

/**
 * The one error class of Ocellus. `code` is stable, so programs may rely on it. `message` is one
 * line that names the file, layer or value concerned and says what to do. Names and texts that it
 * quotes can't steer a terminal, and it never holds an input whole.
 *
 * @example
 * try {
 *   await detector.detect('photo.jpg')
 * } catch (error) {
 *   if (error instanceof OcellusError && error.code === 'E_IMAGE_TRUNCATED') skip()
 *   else throw error
 * }
 */
export class OcellusError extends Error {
  override readonly name = 'OcellusError'

  /** By name: each entry of the package, as `ocellus/tools`, may bring a copy of this class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'OcellusError'
  }

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(shown(message, longestMessage), options)
  }
}

/**
 * Every code that Ocellus can throw. Codes are never renamed; new ones are added at the end of a
 * group.
 */
export const errorCodes = [
  // words and options (exit code 2)
  'E_USAGE',
  'E_OPTION',
  // files
  'E_FILE_MISSING',
  'E_FILE_READ',
  'E_FILE_WRITE',
  'E_FILE_TOO_LARGE',
  // model files
  'E_MODEL_EMPTY',
  'E_MODEL_TRUNCATED',
  'E_MODEL_HEADER',
  'E_MODEL_FORMAT',
  'E_MODEL_VERSION',
  'E_MODEL_LAYOUT',
  'E_MODEL_GRAPH',
  'E_MODEL_OPERATOR',
  'E_MODEL_SHAPE',
  'E_MODEL_QUANTIZATION',
  'E_MODEL_LIMIT',
  'E_MODEL_TASK',
  // float weights and their configuration
  'E_CFG_SYNTAX',
  'E_CFG_SECTION',
  'E_CFG_KEY',
  'E_CFG_VALUE',
  'E_CFG_ROUTE',
  'E_WEIGHTS_TRUNCATED',
  'E_WEIGHTS_TRAILING',
  'E_WEIGHTS_HEADER',
  'E_WEIGHTS_NOT_FINITE',
  'E_CHECKPOINT_FORMAT',
  'E_CHECKPOINT_TYPE',
  'E_CHECKPOINT_NETWORK',
  'E_TORCH_ZIP',
  'E_TORCH_TRUNCATED',
  'E_TORCH_PICKLE',
  'E_TORCH_GLOBAL',
  'E_TORCH_STORAGE',
  'E_TORCH_TENSOR',
  'E_TORCH_STATE',
  'E_TORCH_CHECKSUM',
  'E_ONNX_FORMAT',
  'E_ONNX_LIMIT',
  'E_ONNX_EXTERNAL',
  'E_ONNX_SHAPE',
  'E_ONNX_OPERATOR',
  // calibration and evaluation data
  'E_CALIBRATION_EMPTY',
  'E_CALIBRATION_RANGES',
  'E_DATA_LABELS',
  'E_DATA_EMPTY',
  // NumPy arrays
  'E_NPY_FORMAT',
  'E_NPY_TYPE',
  'E_NPY_SHAPE',
  'E_NPY_TRUNCATED',
  // images
  'E_IMAGE_EMPTY',
  'E_IMAGE_FORMAT',
  'E_IMAGE_TRUNCATED',
  'E_IMAGE_TOO_LARGE',
  'E_IMAGE_INPUT',
  'E_CANVAS_MISSING',
  // the engine
  'E_ENGINE_BUILD',
  'E_ENGINE_MEMORY',
  'E_ENGINE_TRAP',
  'E_SESSION_CLOSED',
  'E_INPUT_SHAPE',
  'E_ABORTED',
  'E_ENGINE_THREAD',
  'E_INPUT_NAME',
  'E_INPUT_TYPE',
  'E_INPUT_VALUE',
  'E_DEADLINE',
  // cameras
  'E_CAMERA_SOURCE',
  'E_CAMERA_FFMPEG',
  'E_CAMERA_RPICAM',
  'E_CAMERA_OPEN',
  'E_CAMERA_AUTH',
  'E_CAMERA_NOT_FOUND',
  'E_CAMERA_FORMAT',
  'E_CAMERA_NO_VIDEO',
  'E_CAMERA_BUSY',
  'E_CAMERA_PERMISSION',
  'E_CAMERA_CSI',
  'E_CAMERA_STALLED',
  'E_CAMERA_LOST',
  'E_ZONE',
  'E_RECORDING',
  'E_VIEW_PORT',
  'E_MQTT',
  // downloads
  'E_DOWNLOAD_ADDRESS',
  'E_DOWNLOAD_FAILED',
  'E_DOWNLOAD_TIMEOUT',
  'E_DOWNLOAD_TRUNCATED',
  'E_DOWNLOAD_HASH',
  // firmware
  'E_FIRMWARE_OPERATOR',
  'E_FIRMWARE_MEMORY',
  // a fault of Ocellus itself: please report it
  'E_INTERNAL',
] as const

export type ErrorCode = (typeof errorCodes)[number]
