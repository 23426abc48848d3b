/**
 * Who a token stands for, and what asking about a token answers. Types only: the words that accept and session share with
 * this folder. Step 1 of the message path (accept).
 */
import type { Grants, UserName } from '@sluice/proto'

/** A signed-in user, taken from a verified token. Frozen, as all connections with the same token share one. */
export interface Principal {
  readonly user: UserName
  /** What everyone signed in may do, together with what the token grants. */
  readonly grants: Grants
  /** All claims of the token as JSON in ASCII, for services; null for an anonymous user. A token is small, and so are they. */
  readonly claims: string | null
  /** `exp` in milliseconds Unix; null if the token has none. The clock tolerance is not added. */
  readonly expiresAt: number | null
  /** `jti`, by which a service names a token. */
  readonly tokenId: string | null
  /** `iat` in seconds Unix. */
  readonly issuedAt: number | null
}

/** A refused token. */
export interface AuthRefusal {
  readonly kind: 'refused'
  /** `unauthorized` closes 4001, `expired` 4002, `unavailable` (keys that cannot be reached) 1013. */
  readonly reason: 'unauthorized' | 'expired' | 'unavailable'
  /** For logs: which check failed. Never holds any part of the token. */
  readonly detail: string
}

/** What a token turned out to be. */
export type AuthResult = { readonly kind: 'ok'; readonly principal: Principal } | AuthRefusal

/** Tells who a token stands for. Asked by accept for each upgrade with a token, and by session for each frame `auth`. */
export interface Authenticator {
  /** Settles for anything that a peer may send; never rejects because of it. */
  authenticate(token: string): Promise<AuthResult>
}
