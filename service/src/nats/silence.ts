// Whether a server that owes us an answer is to be left for another: pure, told of each tick and of all that came. It knows no
// connection. A server is asked at each tick; whoever answers, or sends anything, is not silent.

/** How long a server may owe an answer where another one of its cluster can take its place. NATS answers a ping in microseconds. */
export const SILENT_MS = 4000
/** Where no other is known there is nothing to be won: a server that comes back has kept what it owes us. */
export const SILENT_ALONE_MS = 20_000
/** A link that has just left a silent server for another that is silent too waits twice as long, up to this. */
export const SILENT_MAX_MS = 32_000
/** After so long with answers one leaving counts no more for the next. */
export const CALM_MS = 60_000
/** What a tick asks of its caller; `leave` once, then the silence begins anew. */
export type SilenceStep = 'ask' | 'wait' | 'leave'

/** Judges one link. */
export interface SilenceJudge {
  /** An answer, or anything else, has come; a new connection has said at least its greeting. */
  heard(): void
  /**
   * Time has passed. Ticks are counted, not time: a process that stood still does not take its own absence for the server's silence.
   *
   * @param others - whether another server can be reached instead
   */
  tick(others: boolean): SilenceStep
}

/**
 * Begins with a server that owes nothing.
 *
 * @param everyMs - between two ticks
 */
export function createSilenceJudge(everyMs: number): SilenceJudge {
  let asked = false
  let silentMs = 0
  let calmMs = 0
  /** Leavings that were not followed by calm; each doubles the patience. */
  let leavings = 0

  return {
    heard() {
      asked = false
      silentMs = 0
    },
    tick(others) {
      if (!asked) {
        calmMs += everyMs
        if (calmMs >= CALM_MS) leavings = 0
        asked = true
        return 'ask'
      }
      silentMs += everyMs
      const patienceMs = Math.min((others ? SILENT_MS : SILENT_ALONE_MS) * 2 ** leavings, SILENT_MAX_MS)
      if (silentMs < patienceMs) return 'wait'
      leavings++
      calmMs = 0
      silentMs = 0
      asked = false
      return 'leave'
    },
  }
}
