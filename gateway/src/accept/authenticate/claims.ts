/**
 * From the claims of a verified token to a principal: user, grants, times and their bounds. Pure; it never sees a token, a
 * signature or a key. Step 1 of the message path (accept).
 */
import {
  ANONYMOUS_PREFIX,
  type Grants,
  grantsSchema,
  INFO_BYTES_MAX,
  isTooDeep,
  PATTERNS_MAX,
  parseUser,
  TOKEN_ID_BYTES_MAX,
  type UserName,
} from '@sluice/proto'
import type { AuthRefusal, Principal } from './principal.ts'

/** How claims are read; the fields are those of `auth` and `limits` in the configuration. */
export interface ClaimRules {
  /** Claim that holds the user: a name, or a safe integer, which stands for its decimal text. */
  readonly userClaim: string
  /** Claim that holds the grants; a token without it has those of everyone. */
  readonly grantsClaim: string
  /** Whether a token without `exp` is refused. */
  readonly expiryRequired: boolean
  /** How far the issuer's clock may be from ours, in milliseconds. */
  readonly clockToleranceMs: number
  /** Bound of a user's name, in bytes of UTF-8. */
  readonly nameBytesMax: number
  /** Grants of everyone signed in. */
  readonly grants: Grants
}

/** The time claims of a token (RFC 7519, 4.1), in seconds Unix. */
export interface TokenTimes {
  readonly exp: number | null
  readonly nbf: number | null
  readonly iat: number | null
}

/** A token that passed every check, as the cache keeps it. */
export interface VerifiedToken {
  readonly kind: 'verified'
  readonly principal: Principal
  readonly times: TokenTimes
}

/**
 * Reads the claims of a token whose signature, issuer and audience hold.
 *
 * @param nowMs - wall time
 */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
  rules: ClaimRules,
  nowMs: number,
): VerifiedToken | AuthRefusal {
  const exp = readNumericDate(claims, 'exp')
  const nbf = readNumericDate(claims, 'nbf')
  const iat = readNumericDate(claims, 'iat')
  if (exp === undefined || nbf === undefined || iat === undefined) return unauthorized('a time claim is no date')
  if (exp === null && rules.expiryRequired) return unauthorized('claim exp is missing')
  const times: TokenTimes = { exp, nbf, iat }
  const refusal = refuseByTime(times, nowMs, rules.clockToleranceMs)
  if (refusal !== null) return refusal

  const user = readUser(claims, rules)
  if (typeof user !== 'string') return user
  const tokenId = readTokenId(claims)
  if (tokenId === undefined) return unauthorized('claim jti is no identifier')
  const granted = readGrants(claims, rules)
  if (granted.kind === 'refused') return granted

  const text = claimsText(claims)
  if (text === null) return unauthorized('the claims are nested too deep')

  const expiresAt = exp === null ? null : Math.floor(exp * 1000)
  const principal: Principal = Object.freeze({
    user,
    grants: granted.grants,
    claims: text,
    expiresAt,
    tokenId,
    issuedAt: iat,
  })
  return { kind: 'verified', principal, times }
}

/**
 * Checks the times of a token again, as for one that comes from the cache. Compares as jose's jwtVerify does, in whole
 * seconds of now, so that a first and a later look agree; `iat` in the future is refused too, which jose leaves open.
 *
 * @param nowMs - wall time
 * @returns null while the token is good
 */
export function refuseByTime(times: TokenTimes, nowMs: number, clockToleranceMs: number): AuthRefusal | null {
  const nowS = Math.floor(nowMs / 1000)
  const toleranceS = clockToleranceMs / 1000
  if (times.nbf !== null && times.nbf > nowS + toleranceS) return unauthorized('claim nbf is in the future')
  if (times.iat !== null && times.iat > nowS + toleranceS) return unauthorized('claim iat is in the future')
  if (times.exp !== null && times.exp <= nowS - toleranceS)
    return { kind: 'refused', reason: 'expired', detail: 'claim exp is in the past' }
  return null
}

/** Whether `info` of grants, a JSON value, is small enough to be shown in presence. */
export function infoFits(info: unknown): boolean {
  return info === undefined || Buffer.byteLength(JSON.stringify(info)) <= INFO_BYTES_MAX
}

/** A refusal that a new token may cure. */
export function unauthorized(detail: string): AuthRefusal {
  return { kind: 'refused', reason: 'unauthorized', detail }
}

/**
 * The claims as services get them, in a header: JSON in ASCII, as NATS clients differ in what they make of other bytes there.
 *
 * @returns null for what parsers of other languages could not read
 */
function claimsText(claims: Readonly<Record<string, unknown>>): string | null {
  const text = JSON.stringify(claims)
  if (isTooDeep(text)) return null
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Own properties only: a claim may be configured to have any name, `constructor` and `__proto__` among them. */
function claim(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/** The instant that a claim names, null without the claim, undefined if it is none that milliseconds can hold. */
function readNumericDate(claims: Readonly<Record<string, unknown>>, name: string): number | null | undefined {
  const value = claim(claims, name)
  if (value === undefined) return null
  if (typeof value !== 'number' || !Number.isSafeInteger(Math.floor(value * 1000))) return undefined
  return value
}

function readUser(claims: Readonly<Record<string, unknown>>, rules: ClaimRules): UserName | AuthRefusal {
  const value = claim(claims, rules.userClaim)
  if (value === undefined) return unauthorized(`claim ${rules.userClaim} is missing`)
  const user = parseUser(Number.isSafeInteger(value) ? String(value) : value, rules.nameBytesMax)
  if (user === null) return unauthorized(`claim ${rules.userClaim} is no user name`)
  if (user.startsWith(ANONYMOUS_PREFIX))
    return unauthorized(`claim ${rules.userClaim} begins as an anonymous name does`)
  return user
}

/** `jti`, null without it, undefined if services could not name it: a token that can't be disconnected must not get in. */
function readTokenId(claims: Readonly<Record<string, unknown>>): string | null | undefined {
  const value = claim(claims, 'jti')
  if (value === undefined) return null
  const id = Number.isSafeInteger(value) ? String(value) : value
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > TOKEN_ID_BYTES_MAX) return undefined
  return id
}

type GrantsReading = { readonly kind: 'grants'; readonly grants: Grants } | AuthRefusal

function readGrants(claims: Readonly<Record<string, unknown>>, rules: ClaimRules): GrantsReading {
  const value = claim(claims, rules.grantsClaim)
  const parsed = grantsSchema.safeParse(value === undefined ? {} : value)
  if (!parsed.success) return wrongGrants(rules, parsed.error.issues[0]?.path.join('.'))
  // The bounds hold for what gets used, so they are checked on the union.
  const grants = mergeGrants(rules.grants, parsed.data)
  for (const list of GRANT_LISTS) {
    if ((grants[list]?.length ?? 0) > PATTERNS_MAX) return wrongGrants(rules, list)
  }
  if (!infoFits(grants.info)) return wrongGrants(rules, 'info')
  return { kind: 'grants', grants }
}

/** The path is made of our own field names and list indexes, so it may be logged. */
function wrongGrants(rules: ClaimRules, path = ''): AuthRefusal {
  return unauthorized(`claim ${rules.grantsClaim} is wrong${path === '' ? '' : ` at ${path}`}`)
}

const GRANT_LISTS = ['join', 'publish', 'send', 'call', 'rooms'] as const

/** Lists are united, each pattern once; in `info` and `hidden` the token has the say where it speaks. */
function mergeGrants(everyone: Grants, token: Grants): Grants {
  const merged: Grants = {}
  for (const list of GRANT_LISTS) {
    const patterns = [...new Set([...(everyone[list] ?? []), ...(token[list] ?? [])])]
    if (patterns.length === 0) continue
    Object.freeze(patterns)
    merged[list] = patterns
  }
  const info = token.info ?? everyone.info
  if (info !== undefined) merged.info = info
  const hidden = token.hidden ?? everyone.hidden
  if (hidden !== undefined) merged.hidden = hidden
  return Object.freeze(merged)
}
