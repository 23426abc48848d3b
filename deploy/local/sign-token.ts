// Tokens for the known local secret, as the local runner, its command and tests need them. Signing itself is the gateway's, whose
// local page hands out the same.
import type { Grants } from '@sluice/proto'
import { signLocalToken } from '../../gateway/src/accept/authenticate/local-token.ts'
import { LOCAL_SECRET } from '../../gateway/src/config/local-secret.ts'

/** What a token says. */
export interface TokenClaims {
  readonly user: string
  /** From now; negative for a token that has expired. */
  readonly ttlSeconds: number
  /** The claim `sluice`. Left out of the token if it is empty. */
  readonly grants?: Grants
  /** The claim that names the user. Default `sub`. */
  readonly userClaim?: string
  /** HS256 secret. Default: the known local one. */
  readonly secret?: string
}

/** Returns the token in its compact form. Nothing is checked: a test may want one that is refused. */
export function signToken({
  user,
  ttlSeconds,
  grants = {},
  userClaim = 'sub',
  secret = LOCAL_SECRET,
}: TokenClaims): Promise<string> {
  return signLocalToken(secret, { user, now: Date.now(), ttlSeconds, grants, userClaim, grantsClaim: 'sluice' })
}
