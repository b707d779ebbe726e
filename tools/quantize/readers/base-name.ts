/**
 * A file's name without the folders that it lies in, for slashes of either kind. Models are named
 * by it, because a model file should not tell where somebody's files lay.
 */
export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
