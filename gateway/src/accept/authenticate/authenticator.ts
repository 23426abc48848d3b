/**
 * Token in, principal or refusal out: the cache, then keys and signature by jose, then the claims. The only home of the rule
 * which failure is which refusal. Never logs, never keeps a token. Step 1 of the message path (accept).
 */
import { hash } from 'node:crypto'
import { INFO_BYTES_MAX, TOKEN_BYTES_MAX } from '@sluice/proto'
import { errors, type JWTVerifyOptions } from 'jose'
import { type ClaimRules, infoFits, readClaims, refuseByTime, unauthorized, type VerifiedToken } from './claims.ts'
import type { JwksDeps } from './jwks.ts'
import { joseCode, type KeySource, KeysUnavailable } from './key-source.ts'
import { createKeySource, type KeyOptions } from './keys.ts'
import type { Authenticator, AuthRefusal, AuthResult } from './principal.ts'
import { TokenCache } from './token-cache.ts'

/** `auth` of the configuration, as far as it is about tokens. */
export interface AuthOptions extends KeyOptions, Omit<ClaimRules, 'nameBytesMax'> {
  /** Expected `iss`; not checked if unset. */
  readonly issuer?: string | undefined
  /** One of them must be in `aud`; not checked if unset or empty. */
  readonly audience?: readonly string[] | undefined
  /** Verified tokens kept; 0 switches the cache off. */
  readonly tokenCacheEntriesMax: number
  /** How long a verified token is believed without a new look at its keys, in milliseconds; 0 switches the cache off. */
  readonly tokenCacheMs: number
}

/** What an authenticator needs from outside. */
export interface AuthDeps extends JwksDeps {
  /** `limits.nameBytesMax` of the configuration. */
  readonly nameBytesMax: number
}

/**
 * Builds the authenticator of a gateway. Fetches nothing before the first token needs it.
 *
 * @throws TypeError if the options cannot work, which the configuration should have told
 */
export function createAuthenticator(options: AuthOptions, deps: AuthDeps): Authenticator {
  return new TokenAuthenticator(options, deps)
}

class TokenAuthenticator implements Authenticator {
  readonly #keys: KeySource | null
  readonly #rules: ClaimRules
  readonly #registered: JWTVerifyOptions
  readonly #cache: TokenCache
  readonly #deps: AuthDeps

  constructor(options: AuthOptions, deps: AuthDeps) {
    if (!infoFits(options.grants.info))
      throw new TypeError(`auth.grants has an info of more than ${INFO_BYTES_MAX} bytes`)
    this.#keys = createKeySource(options, deps)
    const { userClaim, grantsClaim, expiryRequired, clockToleranceMs, grants } = options
    this.#rules = { userClaim, grantsClaim, expiryRequired, clockToleranceMs, grants, nameBytesMax: deps.nameBytesMax }
    this.#registered = {
      algorithms: [...(this.#keys?.algorithms ?? [])],
      clockTolerance: clockToleranceMs / 1000,
      ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
      ...(options.audience === undefined || options.audience.length === 0 ? {} : { audience: [...options.audience] }),
    }
    this.#cache = new TokenCache({ entriesMax: options.tokenCacheEntriesMax, keepMsMax: options.tokenCacheMs })
    this.#deps = deps
  }

  async authenticate(token: string): Promise<AuthResult> {
    const keys = this.#keys
    if (keys === null) return unauthorized('no keys are configured')
    // A token with characters of several bytes is no token, so counting characters bounds it as well.
    if (token.length > TOKEN_BYTES_MAX) return unauthorized('the token is too long')
    const digest = hash('sha256', token, 'base64url')
    const known = this.#cache.find(digest, this.#deps.clock.monotonicMs())
    if (known === null) return this.#cache.share(digest, () => this.#verify(keys, token, digest))
    const refusal = refuseByTime(known.times, this.#deps.clock.now(), this.#rules.clockToleranceMs)
    if (refusal === null) return { kind: 'ok', principal: known.principal }
    this.#cache.drop(digest)
    return refusal
  }

  async #verify(keys: KeySource, token: string, digest: string): Promise<AuthResult> {
    const verified = await this.#check(keys, token)
    if (verified.kind === 'refused') return verified
    const { clock } = this.#deps
    const { expiresAt } = verified.principal
    const lifeMs =
      expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt + this.#rules.clockToleranceMs - clock.now()
    this.#cache.keep(digest, verified, clock.monotonicMs(), lifeMs)
    return { kind: 'ok', principal: verified.principal }
  }

  async #check(keys: KeySource, token: string): Promise<VerifiedToken | AuthRefusal> {
    const nowMs = this.#deps.clock.now()
    try {
      const claims = await keys.verify(token, { ...this.#registered, currentDate: new Date(nowMs) })
      return readClaims(claims, this.#rules, nowMs)
    } catch (error) {
      return refusalOf(error)
    }
  }
}

/** By class and code: messages of jose and of JSON.parse may quote the token. */
function refusalOf(error: unknown): AuthRefusal {
  if (error instanceof KeysUnavailable) {
    return { kind: 'refused', reason: 'unavailable', detail: `keys cannot be reached: ${error.message}` }
  }
  const code = joseCode(error)
  if (code === 'ERR_JWT_EXPIRED') return { kind: 'refused', reason: 'expired', detail: code }
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(`${error.code} ${error.claim}`)
  // No code: jose throws a TypeError for a key that does not fit, such as an RSA key of less than 2048 bits.
  return unauthorized(code ?? (error instanceof Error ? error.name : 'unknown'))
}
