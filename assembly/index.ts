/** The version of the program format that this engine runs. */
export function version(): i32 {
  return 1
}
