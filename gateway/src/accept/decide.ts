// Whether an upgrade becomes a socket, and how its user signs in; or the HTTP answer that refuses it. Pure. What a browser must
// be able to read (tokens, users' limits) is answered by a close code after the upgrade instead. Step 1 of the message path.
import { CALM_MS, type Shortage } from '../overload/decide-overload.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** What the gateway is like at this moment. */
export interface AcceptState {
  readonly draining: boolean
  /** What the process is short of; null while it is well. */
  readonly shortage: Shortage | null
  readonly connections: number
  readonly unauthenticated: number
  /** Milliseconds until the address may connect again; 0 if it may. */
  readonly addressWaitMs: number
}

/** See {@link decideUpgrade}. */
export interface AcceptRules {
  readonly path: string
  /** Exact origins, or `*`. Empty refuses browsers. */
  readonly origins: readonly string[]
  readonly connectionsMax: number
  readonly unauthenticatedMax: number
  /** Whether a connection without a token is let in under a name of its own. */
  readonly anonymous: boolean
  /** Local mode: `/` upgrades anonymously and `/echo` echoes, as the tutorials' clients expect. */
  readonly local: boolean
  /** Whether compression may be negotiated. */
  readonly compression: boolean
}

/** Why an upgrade was refused: the label of a metric. */
export type UpgradeRefusalReason =
  | 'path'
  | 'origin'
  | 'subprotocol'
  | 'extensions'
  | 'draining'
  | Shortage
  | 'full'
  | 'unauthenticated'
  | 'address_rate'

/** The decision. */
export type UpgradeDecision =
  | { readonly kind: 'accept'; readonly sign: { readonly token: string } | 'by-frame' | 'anonymously' }
  | { readonly kind: 'echo' }
  | {
      readonly kind: 'refuse'
      readonly status: 400 | 403 | 404 | 429 | 503
      readonly reason: UpgradeRefusalReason
      readonly retryAfterMs: number | null
    }

/** When a full or draining gateway may be tried again: another one usually takes the client at once. */
const RETRY_AFTER_MS = 2000

/** Decides on one upgrade. */
export function decideUpgrade(request: UpgradeRequest, state: AcceptState, rules: AcceptRules): UpgradeDecision {
  const localPath = rules.local && (request.path === '/' || request.path === '/echo')
  if (request.path !== rules.path && !localPath) return refuse(404, 'path')
  if (request.origin !== null && !rules.origins.includes('*') && !rules.origins.includes(request.origin))
    return refuse(403, 'origin')
  if (state.draining) return refuse(503, 'draining', RETRY_AFTER_MS)
  if (state.shortage !== null) return refuse(503, state.shortage, CALM_MS)
  if (state.connections >= rules.connectionsMax) return refuse(503, 'full', RETRY_AFTER_MS)
  if (state.unauthenticated >= rules.unauthenticatedMax) return refuse(503, 'unauthenticated', RETRY_AFTER_MS)
  if (state.addressWaitMs > 0) return refuse(429, 'address_rate', state.addressWaitMs)
  if (localPath && request.path === '/echo') return { kind: 'echo' }
  if (request.subprotocol === null) return refuse(400, 'subprotocol')
  if (request.deflate === 'malformed') return refuse(400, 'extensions')
  if (request.token !== null) return { kind: 'accept', sign: { token: request.token } }
  return { kind: 'accept', sign: rules.anonymous || localPath ? 'anonymously' : 'by-frame' }
}

function refuse(
  status: Extract<UpgradeDecision, { kind: 'refuse' }>['status'],
  reason: UpgradeRefusalReason,
  retryAfterMs: number | null = null,
): UpgradeDecision {
  return { kind: 'refuse', status, reason, retryAfterMs }
}
