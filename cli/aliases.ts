/**
 * Words that users of ultralytics' YOLO and of YOLOv5 type, and ours for the same. A word without
 * one of ours is left out: what follows it stands for itself.
 */
const aliases: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  detect: {
    '--conf': '--threshold',
    '--conf-thres': '--threshold',
    '--iou-thres': '--iou',
    '--max-det': '--max',
    '--weights': '--model',
    '--agnostic-nms': '--agnostic',
    '--save-txt': '--format=yolo',
    '--source': undefined,
  },
  eval: {
    '--iou-thres': '--iou',
    '--weights': undefined,
    '--model': undefined,
  },
  camera: {
    '--conf': '--threshold',
    '--conf-thres': '--threshold',
    '--weights': '--model',
    '--source': undefined,
  },
}

/** The words of a command line with ours in the place of others'. */
export function translated(words: readonly string[]): string[] {
  const [verb, ...rest] = words
  const known = verb !== undefined && Object.hasOwn(aliases, verb) ? aliases[verb] : undefined
  if (known === undefined) return [...words]
  const end = rest.indexOf('--')
  const own = rest.map((word, n) => {
    const [name, ...value] = word.split('=')
    if ((end >= 0 && n > end) || !Object.hasOwn(known, name)) return [word]
    const ours = known[name]
    if (ours === undefined) return value.length > 0 ? [value.join('=')] : []
    return value.length > 0 ? [`${ours}=${value.join('=')}`] : [ours]
  })
  return [verb, ...own.flat()]
}
