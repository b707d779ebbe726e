// The program's opcodes: the engine's copy of src/host/program/instruction.ts. A test compares the two.
// An instruction is 32 words of 32 bits; word 0 is the opcode, the fields follow in the order listed there.

export const INSTRUCTION_BYTES: usize = 128

export const OP_CONV_S8: i32 = 1
export const OP_DEPTHWISE_S8: i32 = 2
export const OP_CONV_F32: i32 = 3
export const OP_DEPTHWISE_F32: i32 = 4
export const OP_MAX_POOL_S8: i32 = 5
export const OP_MAX_POOL_F32: i32 = 6
export const OP_AVERAGE_POOL_S8: i32 = 7
export const OP_AVERAGE_POOL_F32: i32 = 8
export const OP_UPSAMPLE: i32 = 9
export const OP_COPY: i32 = 10
export const OP_REQUANTIZE_S8: i32 = 11
export const OP_ADD_S8: i32 = 12
export const OP_ADD_F32: i32 = 13
export const OP_TABLE_S8: i32 = 14
export const OP_ACTIVATION_F32: i32 = 15
export const OP_QUANTIZE_S8: i32 = 16
export const OP_DEQUANTIZE_S8: i32 = 17
export const OP_PREPROCESS: i32 = 18
export const OP_WINOGRAD43_S8: i32 = 19
export const OP_WINOGRAD23_S8: i32 = 20
export const OP_CONV_MLA_S8: i32 = 21
export const OP_CONV_RELAXED_S8: i32 = 22
export const OP_STRIDED_WINOGRAD42_S8: i32 = 23
export const OP_LINEAR_S8: i32 = 40
export const OP_LAYER_NORM_F32: i32 = 41
export const OP_SOFTMAX_F32: i32 = 42
export const OP_ATTENTION_F32: i32 = 43
export const OP_PATCHES_F32: i32 = 44
export const OP_EMBED_TOKENS_F32: i32 = 45
export const OP_SCATTER_TOKENS_F32: i32 = 46
export const OP_ATTENTION_S16: i32 = 47
export const OP_DECODE_YOLO: i32 = 60
export const OP_SUPPRESS: i32 = 61
export const OP_PACK: i32 = 62
export const OP_CONV_TRANSPOSE_S8: i32 = 30
export const OP_CONV_TRANSPOSE_F32: i32 = 31
export const OP_TRANSPOSED_WINOGRAD42_S8: i32 = 32
export const OP_TRANSPOSED_WINOGRAD22_S8: i32 = 33
