// What is due for a connection at a tick of the wheel: a ping, a close, or waiting on. Pure; times are passed in.
import type { CloseCode } from '@sluice/proto'

/** What the decision looks at. Ticks count while the gateway runs; instants are wall time in milliseconds. */
export interface DueState {
  /** `verifying` also while the token of a frame `auth` is looked at. */
  readonly phase: 'verifying' | 'waiting' | 'open'
  /** When an unauthenticated connection must have signed in. */
  readonly signInByTick: number
  /** When the token ends, its clock tolerance included; null if it never does. */
  readonly endsAt: number | null
  /** The last sign of life. */
  readonly heardTick: number
  /** The last ping, or -1. */
  readonly pingedTick: number
  /** Whether the gateway itself has stopped reading: what it does not read is not silence. */
  readonly paused: boolean
}

/** Durations in ticks, at least 1 each. */
export interface DueOptions {
  readonly heartbeatTicks: number
  readonly silenceTicks: number
  readonly tickMs: number
}

/** What to do now, and in how many ticks to look again. */
export type Due =
  | { readonly action: 'close'; readonly code: Extract<CloseCode, 4001 | 4002 | 4009>; readonly reason: string }
  | { readonly action: 'ping' | 'wait'; readonly ticks: number }

/** Decides for one connection. */
export function decideDue(state: DueState, tick: number, now: number, options: DueOptions): Due {
  // Tokens are verified within a bound of their own; only who sends none is late.
  if (state.phase === 'verifying') return { action: 'wait', ticks: options.heartbeatTicks }
  if (state.phase === 'waiting') {
    if (tick < state.signInByTick) return { action: 'wait', ticks: state.signInByTick - tick }
    return { action: 'close', code: 4001, reason: 'no sign-in in time' }
  }
  if (state.endsAt !== null && now >= state.endsAt) return { action: 'close', code: 4002, reason: 'token expired' }
  const untilEnd = state.endsAt === null ? Number.POSITIVE_INFINITY : (state.endsAt - now) / options.tickMs
  if (state.paused) return { action: 'wait', ticks: Math.min(options.heartbeatTicks, untilEnd) }
  const silent = tick - state.heardTick
  if (silent >= options.silenceTicks) return { action: 'close', code: 4009, reason: 'heartbeat missed' }
  if (silent < options.heartbeatTicks)
    return { action: 'wait', ticks: Math.min(options.heartbeatTicks - silent, untilEnd) }
  const pinged = state.pingedTick > state.heardTick
  // No later than the next heartbeat: who answers this ping and is silent again is pinged again in time.
  const ticks = Math.min(options.heartbeatTicks, options.silenceTicks - silent, untilEnd)
  return { action: pinged ? 'wait' : 'ping', ticks }
}
