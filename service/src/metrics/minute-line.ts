// One info line a minute: what an operator who has only the log wants to know. What a tier tells of itself is given; memory is
// told of every process.
import type { Logger } from '../log.ts'

/** See {@link startMinuteLine}. */
export interface MinuteLineOptions {
  readonly log: Pick<Logger, 'info'>
  /** Numbers of the moment, by the name of their field. */
  gauges(): Readonly<Record<string, number>>
  /** Numbers that only grow: told is what was added since the line before. */
  counts(): Readonly<Record<string, number>>
}

const MINUTE_MS = 60_000

/** Starts the line. The timer does not keep the process alive. */
export function startMinuteLine({ log, gauges, counts }: MinuteLineOptions): { stop(): void } {
  let before = counts()
  const timer = setInterval(() => {
    const now = counts()
    const added = Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)])
    before = now
    const { rss, heapUsed } = process.memoryUsage()
    log.info({ ...gauges(), ...Object.fromEntries(added), rssBytes: rss, heapBytes: heapUsed }, 'status')
  }, MINUTE_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
