// Whether this gateway wants new sockets. Pure: everything it looks at is passed in. Liveness never depends on any of it.
import type { Readiness } from '@sluice/service/admin/admin-server'
import type { ReadinessReason } from './readiness-reasons.ts'

/** What readiness depends on; times in monotonic milliseconds. */
export interface ReadinessState {
  /** Whether the public port is open. */
  readonly listening: boolean
  readonly draining: boolean
  readonly natsConnected: boolean
  /** NATS has refused our credentials since it was last connected. */
  readonly natsUnauthorized: boolean
  /** When a loop-back publish last came back; null before the first. */
  readonly probeCameBackAt: number | null
  /** Null where no namespace has presence: then no router is needed. */
  readonly presence: PresenceReadiness | null
  /** Null where nothing is kept. */
  readonly history: { readonly streamsSeen: boolean } | null
  /** Null where neither of the two has begun: nothing can be revoked then. */
  readonly revocations: RevocationsReadiness | null
}

/** What readiness depends on where a namespace has presence. */
export interface PresenceReadiness {
  /** Whether the buckets were there and our lease was announced; it stays so once it was. */
  readonly announced: boolean
  /** Since the last stored renewal of our lease was sent; null before any. */
  readonly leaseAgeMs: number | null
}

/** What readiness depends on where tokens can be revoked: who can't be checked is not let in. */
export interface RevocationsReadiness {
  /** Whether it was known at one time what was revoked. */
  readonly seen: boolean
  /** Since when it is not; null while it is. */
  readonly unreadableSince: number | null
}

/**
 * @param graceMs - how long NATS may be away: some load balancers cut the live sockets of a pod that is not ready
 */
export function decideReadiness(state: ReadinessState, nowMs: number, graceMs: number): Readiness {
  const reasons: ReadinessReason[] = []
  const waiting = state.presence !== null && !state.presence.announced
  const streamless = state.history !== null && !state.history.streamsSeen
  const unchecked = state.revocations !== null && !state.revocations.seen
  if (!state.listening || state.probeCameBackAt === null || waiting || streamless || unchecked) reasons.push('starting')
  if (waiting) reasons.push('waiting_for_buckets')
  if (streamless) reasons.push('waiting_for_streams')
  if (state.draining) reasons.push('draining')
  if (state.natsUnauthorized) reasons.push('nats_unauthorized')
  if (state.probeCameBackAt !== null && nowMs - state.probeCameBackAt > graceMs) {
    reasons.push(state.natsConnected ? 'probe_failed' : 'nats_disconnected')
  }
  const unreadableMs = nowMs - (state.revocations?.unreadableSince ?? nowMs)
  // While NATS is away that is the reason.
  if (unchecked || (state.natsConnected && unreadableMs > graceMs)) reasons.push('revocations_unreadable')
  if (state.natsConnected && !waiting && (state.presence?.leaseAgeMs ?? 0) > graceMs) reasons.push('lease_overdue')
  return { ready: reasons.length === 0, reasons }
}
