/**
 * The graph: what a model file holds, what the quantiser rewrites and what the planner compiles.
 */

export type DType = 'int8' | 'float32' | 'int32'

/** real = (q - zeroPoint) * scale, the LiteRT int8 specification; zeroPoint in [-128, 127]. */
export interface Quantization {
  readonly scale: number
  readonly zeroPoint: number
}

/**
 * An activation as the engine holds it, of rank 1 to 4. Feature maps are NHWC with N = 1: [1,
 * height, width, channels]. Callers see maps in NCHW: see `TensorForm`.
 */
export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  /** `int32` holds indices and labels. */
  readonly dtype: DType
  /** Present exactly when dtype is int8. */
  readonly quantization?: Quantization
}

/** A tensor whose values stand in the model file: weights, biases, scales, tables. */
export interface Constant {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: DType
  /** Where there is `read`, made anew of the file each time that it is asked for. */
  readonly data: Int8Array | Float32Array | Int32Array
  /**
   * Of values that stay in the model's file until they are needed: copies their bytes, which nobody
   * has checked.
   */
  readonly read?: (into: Uint8Array) => void
}

export type AttributeValue = number | string | boolean | readonly number[]

export interface Node {
  /** Unique; for an imported network `<index>_<section>`, as in `0_convolutional`. */
  readonly name: string
  /** One of the operators in `ops/`. */
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Role (`weight`, `bias`, `weightScale`, `table`) to the name of a Constant. */
  readonly constants: Readonly<Record<string, string>>
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

/** How a picture becomes the input tensor: value = (u8 / 255 - mean) / std, per channel. */
export interface Preprocessing {
  readonly mode: 'letterbox' | 'stretch'
  /** Value of the letterbox's border, 0..255. */
  readonly pad: number
  readonly channels: 'rgb' | 'bgr'
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/**
 * One YOLO head. Its tensor is [1, h, w, anchors * (5 + classes)]: per anchor x, y, w, h,
 * objectness, classes.
 */
export interface YoloHead {
  /** Name of a graph output. */
  readonly output: string
  /** Anchor widths and heights in pixels of the network's input. */
  readonly anchors: readonly (readonly [number, number])[]
  readonly scaleXY: number
  /**
   * darknet's `new_coords`: the outputs are already logistic, w and h are (2v)^2 times the anchor.
   */
  readonly newCoords: boolean
}

/** Values of one kind in a tensor of rows: as many as the head needs, from column `first` on. */
export interface DenseColumns {
  /** Name of a graph output. */
  readonly tensor: string
  readonly first: number
  /** The tensor is [columns, rows]: a row's values lie apart. */
  readonly transposed: boolean
}

/**
 * How four or more numbers of a row are a box, in units of the head's `scale`:
 * - `corners`: x and y of the upper left and of the lower right corner;
 * - `center`: x and y of the centre, width, height;
 * - `grid`: the centre's distance from the cell, logarithms of width and height (YOLOX);
 * - `tanhGrid`: the same, through tanh and, as a share of the whole input, sigmoid (FastestDet);
 * - `distances`: from the cell's point to the left, upper, right and lower side (FCOS);
 * - `distribution`: the same, each the mean of a softmax over `bins` numbers (generalized focal
 *   loss).
 */
export const boxEncodings = ['corners', 'center', 'grid', 'tanhGrid', 'distances', 'distribution'] as const

/**
 * Boxes that networks give in rows, one a cell of a grid or without one, as exports of PyTorch
 * detectors do. Row r of the head is row `firstRow` + r of its tensors and cell (r % columns, r /
 * columns).
 */
export interface DenseHead {
  /** A column a label; with `softmax` one more, for the background. */
  readonly scores: DenseColumns
  readonly objectness?: DenseColumns
  /** What makes a probability of a score and of an objectness. */
  readonly curve: 'none' | 'sigmoid' | 'softmax'
  /** score = objectness ** powers[0] * probability ** powers[1] */
  readonly powers: readonly [number, number]
  readonly boxes: DenseColumns
  readonly encoding: (typeof boxEncodings)[number]
  /** Of `distribution`. */
  readonly bins: number
  readonly firstRow: number
  readonly rows: number
  readonly columns: number
  /** Pixels of the network's input to a unit of x and of y. */
  readonly scale: readonly [number, number]
  /** Where in its cell a point is that distances start from: 0 its corner, 0.5 its centre. */
  readonly shift: number
}

export interface DetectionTask {
  readonly kind: 'detection'
  readonly labels: readonly string[]
  /** Empty where there are `dense` heads. */
  readonly heads: readonly YoloHead[]
  readonly dense?: readonly DenseHead[]
  /** As those of `TensorsTask`. */
  readonly forms?: readonly TensorForm[]
  readonly nms: { readonly kind: 'greedy' | 'diou'; readonly iou: number; readonly beta: number }
}

/** A latent [1, 1, 1, n] in, a picture [1, height, width, 3 or 1] with values from -1 to 1 out. */
export interface GenerationTask {
  readonly kind: 'generation'
}

/**
 * A picture in, one number [1, 1, 1, 1] out: the logit of how real a generator's discriminator
 * takes it to be.
 */
export interface DiscriminationTask {
  readonly kind: 'discrimination'
}

/**
 * A picture's visible patches in, the whole picture's patches out: a masked autoencoder. Patches
 * are counted row by row.
 */
export interface AutoencoderTask {
  readonly kind: 'autoencoder'
  /** Side of a patch in pixels. */
  readonly patch: number
  /** The output with the encoder's tokens, class token first: [1, 1, 1 + visible, channels]. */
  readonly latent: string
  /**
   * The output with a row for the class token, which means nothing, and one for each patch: its
   * pixels, row by row, channels innermost, normalised as the input is. Absent where there is an
   * encoder alone.
   */
  readonly prediction?: string
  /**
   * The output with the features of an encoder that was finetuned with global pooling: [1, 1, 2,
   * channels], of which the second row is the mean of the patches' tokens, normalised. Absent where
   * `latent` is normalised itself.
   */
  readonly features?: string
  /**
   * The predicted pixels have each patch's own mean taken out and are divided by its deviation
   * (`norm_pix_loss`).
   */
  readonly normalizedPatches: boolean
}

/**
 * A picture in, a number for each label out: the first output, of as many elements as there are
 * labels.
 */
export interface ClassificationTask {
  readonly kind: 'classification'
  readonly labels: readonly string[]
  /** What makes probabilities of the numbers: `none` where they are some already. */
  readonly curve: 'none' | 'softmax'
  /** As those of `TensorsTask`. */
  readonly forms?: readonly TensorForm[]
}

/** How a graph's input or output looks to callers: `ocellus run`, `Session.run` and their files. */
export interface TensorForm {
  /** Name of a graph input or output. */
  readonly name: string
  /** One to four dimensions, with as many elements as the tensor inside has. */
  readonly shape: readonly number[]
  /**
   * `channelsFirst`: the elements come sample by sample, in it channel by channel (NCHW), where the engine has its channels
   * innermost (NHWC). `plain`: they come in the engine's own row-major order.
   */
  readonly layout: 'channelsFirst' | 'plain'
}

/** Any number of named inputs and outputs of rank 1 to 4, which the host gives no meaning. */
export interface TensorsTask {
  readonly kind: 'tensors'
  /**
   * Inputs and outputs whose form is not the usual one. Usual is [n, channels, height, width] in
   * NCHW for tensors of rank 4, and the tensor's own shape for all others.
   */
  readonly forms: readonly TensorForm[]
}

export type Task =
  | DetectionTask
  | GenerationTask
  | DiscriminationTask
  | AutoencoderTask
  | ClassificationTask
  | TensorsTask

export interface Graph {
  readonly name: string
  readonly task: Task
  /**
   * Of models whose first input is a picture that the engine resizes and normalises; see
   * `takesPictures` in `task.ts`.
   */
  readonly preprocessing?: Preprocessing
  readonly tensors: readonly Tensor[]
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** In an order in which every tensor is made before it is used. */
  readonly nodes: readonly Node[]
  /** Where the model comes from: source, licence, tool and version, calibration, figures. */
  readonly provenance: Readonly<Record<string, AttributeValue>>
}

export interface Model {
  readonly graph: Graph
  readonly constants: ReadonlyMap<string, Constant>
}
