/** The public API, the same on every platform. Import it from 'ocellus'. */
export { type Build, builds } from './engine/engine.js'
export { type DecodeOptions, decodeImage } from './engine/picture.js'
export {
  type NamedInputs,
  type NamedOutputs,
  type NamedTensor,
  type RunOptions,
  Session,
  type SessionOptions,
  type StepTime,
  type TensorData,
  type TensorMetadata,
} from './engine/session.js'
export type { Signal, StopOptions } from './engine/stop.js'
export { type ErrorCode, errorCodes, OcellusError } from './errors.js'
export type { FileSource } from './format/safetensors.js'
export { readModel, writeModel } from './graph/file.js'
export type {
  AttributeValue,
  AutoencoderTask,
  Constant,
  DetectionTask,
  DiscriminationTask,
  DType,
  GenerationTask,
  Graph,
  Model,
  Node,
  Preprocessing,
  Quantization,
  Task,
  Tensor,
  TensorForm,
  TensorsTask,
  YoloHead,
} from './graph/types.js'
export { type DrawingContext, type DrawingSize, drawDetections, type Mark } from './image/draw.js'
export { type Fit, fitImage, type Geometry, type Size } from './image/fit.js'
export type { ImageSource, ImageSources } from './image/image-source.js'
export type { Pixels } from './image/pixels.js'
export { limits } from './limits.js'
export type { Address, BlobLike, Contents, ResponseLike, StreamLike } from './source/content.js'
export type { MaskKind, PatchGrid } from './tasks/autoencoder/mask.js'
export {
  Autoencoder,
  type AutoencoderOptions,
  type EncodeOptions,
  type Features,
  type Reconstruction,
  type ReconstructOptions,
  type ReconstructPixelsOptions,
} from './tasks/autoencoder.js'
export {
  type Classification,
  Classifier,
  type ClassifierOptions,
  type ClassifyOptions,
} from './tasks/classifier.js'
export type { Box, Detection } from './tasks/detection/detections.js'
export type { DetectionOptions } from './tasks/detection/options.js'
export {
  type DetectOptions,
  Detector,
  type DetectorOptions,
  type DetectorResult,
  type DetectorSettings,
} from './tasks/detector.js'
export {
  Discriminator,
  type DiscriminatorOptions,
  type Judgement,
} from './tasks/discriminator.js'
export {
  type GeneratedPicture,
  type GenerateOptions,
  Generator,
  type GeneratorOptions,
} from './tasks/generator.js'
export { loadModel, type ModelInput } from './tasks/load.js'
export { EventEngine } from './video/events.js'
export { idPrefix } from './video/ids.js'
export { Line } from './video/lines.js'
export { MotionGate, type MotionOptions } from './video/motion.js'
export { frameLine, sceneLine } from './video/recording.js'
export { replay } from './video/replay.js'
export { Scene, type SceneOptions, type Seen } from './video/scene.js'
export { LatestSlot } from './video/slots.js'
export { Tracker } from './video/tracker.js'
export type {
  Direction,
  EventOptions,
  FrameTime,
  LineCounts,
  LineOptions,
  Point,
  Track,
  TrackerOptions,
  VideoEvent,
  VideoEventType,
  ZoneOptions,
} from './video/types.js'
export { Zone } from './video/zones.js'
