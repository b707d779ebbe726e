const seconds = 10

/**
 * Progress where no terminal shows a bar, as in logs: a line every ten seconds, none of work that
 * takes less.
 */
export function progressLines(
  what: string,
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): { update(done: number, total: number): void; stop(): void } {
  const start = now()
  let last = start
  return {
    update(done, total) {
      const time = now()
      if (done >= total || time - last < seconds * 1000) return
      last = time
      const left =
        done > 0 ? `, about ${Math.round(((total - done) * (time - start)) / done / 1000)} s left` : ''
      write(`${what}: ${done} of ${total}${left}`)
    },
    stop() {},
  }
}
