// Tokens for the shared secret of a local run: what the local page and the token command hand out. Never called outside local
// mode. Nothing is checked here, as a test may want a token that is refused.
import { randomUUID } from 'node:crypto'
import type { Grants } from '@sluice/proto'
import { SignJWT } from 'jose'

/** What a token says. */
export interface LocalTokenClaims {
  readonly user: string
  /** Instant at which it is issued, in milliseconds Unix. */
  readonly now: number
  /** From then; negative for a token that has expired. */
  readonly ttlSeconds: number
  /** The claim of the grants. Left out of the token if it is empty. */
  readonly grants?: Grants
  readonly userClaim: string
  readonly grantsClaim: string
}

/** The token in its compact form, signed with HS256. */
export function signLocalToken(secret: string, claims: LocalTokenClaims): Promise<string> {
  const issuedAt = Math.floor(claims.now / 1000)
  const { grants = {} } = claims
  return (
    new SignJWT({
      [claims.userClaim]: claims.user,
      ...(Object.keys(grants).length > 0 ? { [claims.grantsClaim]: grants } : {}),
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      // A token that is over was issued before that, as `iat` after `exp` would be nonsense.
      .setIssuedAt(Math.min(issuedAt, issuedAt + claims.ttlSeconds))
      .setExpirationTime(issuedAt + claims.ttlSeconds)
      .setJti(randomUUID())
      .sign(new TextEncoder().encode(secret))
  )
}
