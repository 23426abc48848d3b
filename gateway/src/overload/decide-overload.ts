// Whether a gateway refuses new sockets as it has too much to do: from looks at the event loop and at memory, with hysteresis. Pure;
// times are passed in. Sockets that are open are never touched by it.

/** What is short: the label of the refusals that follow. */
export type Shortage = 'event_loop' | 'heap' | 'memory'

/** One look at the process. */
export interface Load {
  /** How late a frame is handled that arrives at any moment since the look before, in milliseconds. */
  readonly eventLoopDelayMs: number
  /** Used part of the heap's limit, 0 to 100. */
  readonly heapPercent: number
  /** Resident part of the memory that the process may have, 0 to 100. */
  readonly memoryPercent: number
}

/** From where on new sockets are refused; the fields are those of a look. */
export type OverloadRules = Load

/** What is remembered between two looks. */
export interface OverloadState {
  /** What new sockets are refused for; null while they are taken. */
  readonly shortage: Shortage | null
  /** Looks in a row that have found the event loop late. */
  readonly lateLooks: number
  /** The last look that did not find everything well again. */
  readonly troubledAtMs: number
}

/** Of a process that has just started. */
export const AT_EASE: OverloadState = { shortage: null, lateLooks: 0, troubledAtMs: 0 }

/** A single stall, however long, is over when it is seen: nobody is refused for it. */
const LATE_LOOKS_MIN = 2
/** The loop is well again below this part of its threshold: sockets that are let in again cost as much as those before. */
const CALM_DELAY_SHARE = 0.5
/** The same for memory, which falls in the steps of the collector. */
const CALM_MEMORY_SHARE = 0.95

/** How long all must be well before sockets are let in again, in milliseconds; also what `Retry-After` says. */
export const CALM_MS = 5000

/** Decides after one look. */
export function decideOverload(state: OverloadState, load: Load, nowMs: number, rules: OverloadRules): OverloadState {
  const lateLooks = load.eventLoopDelayMs > rules.eventLoopDelayMs ? state.lateLooks + 1 : 0
  const found = shortageOf(load, lateLooks, rules)
  if (found !== null) return { shortage: found, lateLooks, troubledAtMs: nowMs }
  if (state.shortage === null) return { ...AT_EASE, lateLooks }
  if (!isCalm(load, rules)) return { ...state, lateLooks, troubledAtMs: nowMs }
  return nowMs - state.troubledAtMs >= CALM_MS ? AT_EASE : { ...state, lateLooks }
}

/** Memory first: it is what ends a process. */
function shortageOf(load: Load, lateLooks: number, rules: OverloadRules): Shortage | null {
  if (load.heapPercent > rules.heapPercent) return 'heap'
  if (load.memoryPercent > rules.memoryPercent) return 'memory'
  return lateLooks >= LATE_LOOKS_MIN ? 'event_loop' : null
}

function isCalm(load: Load, rules: OverloadRules): boolean {
  return (
    load.eventLoopDelayMs <= rules.eventLoopDelayMs * CALM_DELAY_SHARE &&
    load.heapPercent <= rules.heapPercent * CALM_MEMORY_SHARE &&
    load.memoryPercent <= rules.memoryPercent * CALM_MEMORY_SHARE
  )
}
