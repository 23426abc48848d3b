// Whether this router is of use. Pure: everything it looks at is passed in. Liveness never depends on any of it.
import type { Readiness } from '@sluice/service/admin/admin-server'
import type { ReadinessReason } from './readiness-reasons.ts'

/** What readiness depends on; times in monotonic milliseconds. */
export interface ReadinessState {
  /** Whether the stores were there, our lease was held and all shards were loaded; it stays so once it was. */
  readonly started: boolean
  /** Whether all streams of history were there since NATS was; it stays so once they were. */
  readonly historyMade: boolean
  readonly draining: boolean
  /** Since when one of our connections is away; null if none is. */
  readonly natsAwaySince: number | null
  /** NATS has refused our credentials since it was last connected. */
  readonly natsUnauthorized: boolean
  /** When the last stored renewal of our lease was sent; null before any. */
  readonly leaseRenewedAt: number | null
}

/** @param graceMs - how long NATS may be away */
export function decideReadiness(state: ReadinessState, nowMs: number, graceMs: number): Readiness {
  const reasons: ReadinessReason[] = []
  const isOver = (sinceMs: number | null): boolean => sinceMs !== null && nowMs - sinceMs > graceMs
  if (!state.started) reasons.push('starting')
  if (!state.historyMade) reasons.push('waiting_for_history')
  if (state.draining) reasons.push('draining')
  if (state.natsUnauthorized) reasons.push('nats_unauthorized')
  if (isOver(state.natsAwaySince)) reasons.push('nats_disconnected')
  // While NATS is away that is the reason.
  if (state.natsAwaySince === null && isOver(state.leaseRenewedAt)) reasons.push('lease_overdue')
  return { ready: reasons.length === 0, reasons }
}
