// How late the event loop is, from the moments at which a timer came. Pure: the caller owns the timer and the clock. The histogram of
// Node that `/metrics` shows is not used: it is emptied by each scrape, and empties itself for a loop whose turns are longer than a look.

/** Gathers the turns of a timer. */
export interface LoopDelay {
  /** The timer has come. */
  turn(nowMs: number): void
  /**
   * How late a frame is handled that arrives at any moment since the last call: the lateness of each turn, weighted by its length, as long
   * turns meet more frames. In milliseconds; 0 where no turn was late.
   */
  take(): number
}

/** @param everyMs - what the timer is set to */
export function createLoopDelay(everyMs: number, startMs: number): LoopDelay {
  let lastMs = startMs
  let sum = 0
  let weighted = 0
  return {
    turn(nowMs) {
      const tookMs = nowMs - lastMs
      lastMs = nowMs
      sum += tookMs
      weighted += tookMs * Math.max(0, tookMs - everyMs)
    },
    take() {
      const delay = sum === 0 ? 0 : weighted / sum
      sum = 0
      weighted = 0
      return delay
    },
  }
}
