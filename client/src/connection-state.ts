// The life of the connection as a pure state machine: what a close means, how long to wait, when to stop. Time and chance are
// arguments; sockets and timers are the caller's.
import { closeAction } from '@sluice/proto'

/** Bounds of the back-off, in milliseconds. */
export interface Backoff {
  /** The first window; each failure doubles it. */
  readonly minMs: number
  /** The largest window. */
  readonly maxMs: number
  /** So long a connection must have been open before the next failure counts as the first. */
  readonly stableMs: number
}

/** How a socket ended, or why there was none. */
export interface End {
  /** The close code. 1006 where no close frame came; null where no socket was opened, as there was no token. */
  readonly code: number | null
  /** For people. */
  readonly reason: string
}

interface Count {
  /** Failures since the connection was last stable. */
  readonly failures: number
  /** Refusals of the token since the last `welcome`. */
  readonly refusals: number
  /** Whether the next attempt needs another token than the last one. */
  readonly freshToken: boolean
}

/** Where the connection is in its life. */
export type Life =
  | (Count & { readonly phase: 'connecting' })
  | (Count & { readonly phase: 'open'; readonly openedAtMs: number })
  | (Count & { readonly phase: 'waiting'; readonly waitMs: number; readonly end: End })
  | { readonly phase: 'closed'; readonly end: End }

/** A life that goes on. */
export type Living = Exclude<Life, { readonly phase: 'closed' }>

/** Refusals of a token in a row, without a `welcome` between them, that end it. */
const REFUSALS_MAX = 2

/** The window of the first reconnect where the gateway asks for one at once: short, and spread all the same. */
const AT_ONCE_MS = 500

/** The beginning. */
export function begin(): Living {
  return { phase: 'connecting', failures: 0, refusals: 0, freshToken: false }
}

/** `welcome` has come. That alone proves nothing of stability: failures are forgotten by time only. */
export function opened(life: Living, nowMs: number): Living {
  return { phase: 'open', openedAtMs: nowMs, failures: life.failures, refusals: 0, freshToken: false }
}

/** The wait is over, or was cut short. */
export function retried({ failures, refusals, freshToken }: Living): Living {
  return { phase: 'connecting', failures, refusals, freshToken }
}

/** The application has closed it. */
export function closed(reason: string): Life {
  return { phase: 'closed', end: { code: 1000, reason } }
}

/** A socket has ended, or an attempt has failed: what now [P-12.1]. */
export function ended(
  life: Living,
  end: End,
  { nowMs, random, backoff }: { readonly nowMs: number; readonly random: () => number; readonly backoff: Backoff },
): Life {
  const stable = life.phase === 'open' && nowMs - life.openedAtMs >= backoff.stableMs
  const failures = stable ? 0 : life.failures
  const action = end.code === null ? 'backoff' : closeAction(end.code)
  const refusals = action === 'token' ? life.refusals + 1 : life.refusals
  if (action === 'stop' || refusals >= REFUSALS_MAX) return { phase: 'closed', end }
  // `asked`: this client did not ask, so a proxy or an odd server did; to stop silently would be the worse mistake.
  const quick = failures === 0 && (action === 'at-once' || action === 'token')
  return {
    phase: 'waiting',
    waitMs: random() * (quick ? Math.min(AT_ONCE_MS, backoff.minMs) : windowMs(failures, backoff)),
    end,
    failures: failures + 1,
    refusals,
    freshToken: life.freshToken || action === 'token',
  }
}

/** The span out of which a wait is drawn evenly: the longer, the more failures came before. */
export function windowMs(failures: number, { minMs, maxMs }: Pick<Backoff, 'minMs' | 'maxMs'>): number {
  return Math.min(maxMs, minMs * 2 ** failures)
}
