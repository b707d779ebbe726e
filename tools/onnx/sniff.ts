/**
 * Whether bytes begin as an ONNX file does: a field `ir_version` and then one of the model's other
 * fields.
 */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  if (bytes.length < 4 || bytes[0] !== 0x08 || bytes[1] > 32) return false
  return [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(bytes[2])
}
