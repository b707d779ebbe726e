/**
 * Caps on everything that a file from outside can ask for. Each is checked before memory is
 * allocated for it.
 */
export const limits = {
  /** Bytes of a safetensors header; the reference implementation's own cap. */
  headerBytes: 100_000_000,
  /** Values in a file's JSON: many times what `nodes` and `tensors` need. */
  jsonValues: 1 << 18,
  /** Bytes of a model or weight file: a Wasm memory holds 4 GiB at most. */
  modelBytes: 2 ** 31,
  /** Bytes of a checkpoint, which is read tensor by tensor: ViT-H in float32 has 2.5 GiB. */
  checkpointBytes: 2 ** 34,
  /** Bytes of the pickle in a checkpoint: names, shapes and strides. */
  pickleBytes: 64 << 20,
  /**
   * Objects that such a pickle makes: state dicts of 20,000 tensors and their optimiser's make a
   * third of it.
   */
  pickleObjects: 1 << 20,
  /** Files in a checkpoint's zip archive. */
  zipEntries: 100_000,
  /** Bytes of a darknet configuration. */
  cfgBytes: 1 << 20,
  nodes: 10_000,
  tensors: 20_000,
  rank: 4,
  /** Largest single dimension of a tensor. */
  dimension: 65_536,
  /** Elements of one tensor. */
  elements: 2 ** 30,
  /** Filters, and so channels, of one layer: four times the widest published YOLO. */
  channels: 16_384,
  /** Kernel side of a convolution or pool. */
  kernel: 128,
  stride: 64,
  /**
   * Units of work (graph/work.ts) of one inference, unless the option `maxWork` says otherwise:
   * twice YOLOv4's at 608 pixels, some seconds of one core in int8 and 20 in float32.
   */
  work: 2 ** 37,
  /**
   * Bytes of linear memory that a model may need, weights as packed and arena: no file that a user
   * opens gets more.
   */
  memoryBytes: 2 ** 31,
  /** Threads of a session, the caller's among them. */
  threads: 32,
  labels: 100_000,
  /** Side of a picture, checked from its header before it is decoded. */
  imageSide: 16_384,
  /**
   * Pixels of a picture, likewise, unless the option `maxPixels` says otherwise. Decoding takes at
   * most 12 bytes a pixel.
   */
  imagePixels: 24_000_000,
  /** The most that `maxPixels` may say: the square of `imageSide`. */
  mostPixels: 2 ** 28,
  imageFileBytes: 256 << 20,
  /**
   * Chunks of a PNG or WebP, segments of a JPEG: the largest file has an eighth of them at 8 KiB
   * each.
   */
  imageParts: 1 << 18,
  /** Bytes of a NumPy array file: a batch of some hundred pictures. */
  npyBytes: 2 ** 30,
  labelFileBytes: 64 << 20,
  /** Characters of one photo's labels in YOLO's format: 65,536 boxes. */
  photoLabels: 4 << 20,
  /** Candidates kept before non-maximum suppression, best first: its time grows with the square. */
  candidates: 4096,
  /** Detections of a frame that a tracker looks at, best first. */
  trackedBoxes: 500,
  /** Tracks that a tracker follows at once. */
  tracks: 500,
  /** Zones of a camera, lines of a camera, and corners of a zone. */
  zones: 100,
  zonePoints: 200,
} as const
