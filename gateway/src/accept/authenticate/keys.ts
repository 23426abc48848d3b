/**
 * Chooses the key source that the configuration names, and asserts that its algorithms fit its keys. The configuration's
 * mistakes have been told by then: what throws here is ours. Step 1 of the message path (accept).
 */
import { type JwksDeps, RemoteKeys } from './jwks.ts'
import type { KeySource } from './key-source.ts'
import { SECRET_ALGORITHMS, SharedSecret } from './shared-secret.ts'

/** Public-key algorithms. HMAC is none of them: its key would be public (RFC 8725, 3.1). */
const JWKS_ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
]

/** The part of `auth` in the configuration that is about keys; at most one of `secret` and `jwksUrl` is set. */
export interface KeyOptions {
  /** Shared secret, whose length the configuration has checked. */
  readonly secret?: string | undefined
  /** The secret before this one, accepted too while it is being changed. */
  readonly secretPrevious?: string | undefined
  /** Address of a key set (RFC 7517). */
  readonly jwksUrl?: string | undefined
  /** Allow-list of `alg`. */
  readonly algorithms: readonly string[]
  /** Time in which an unknown key causes at most one fetch, in milliseconds; also the longest wait after failed ones. */
  readonly jwksCooldownMs: number
  /** Bound of one fetch, in milliseconds. */
  readonly jwksTimeoutMs: number
}

/**
 * Builds the key source of a configuration.
 *
 * @returns null if it names none, as an installation for anonymous users does: every token is refused then
 * @throws TypeError if two sources are named, or an algorithm is allowed that would turn a public key into a secret
 */
export function createKeySource(options: KeyOptions, deps: JwksDeps): KeySource | null {
  const { secret, secretPrevious, jwksUrl, algorithms } = options
  if (jwksUrl !== undefined) {
    if (secret !== undefined) throw new TypeError('auth.jwksUrl and auth.secret exclude each other')
    assertAllowed(algorithms, JWKS_ALGORITHMS)
    const { jwksCooldownMs: cooldownMs, jwksTimeoutMs: timeoutMs } = options
    return new RemoteKeys({ url: new URL(jwksUrl), algorithms, cooldownMs, timeoutMs }, deps)
  }
  if (secret === undefined) return null
  assertAllowed(algorithms, SECRET_ALGORITHMS)
  return new SharedSecret(secretPrevious === undefined ? [secret] : [secret, secretPrevious], algorithms)
}

function assertAllowed(algorithms: readonly string[], possible: readonly string[]): void {
  if (algorithms.length === 0) throw new TypeError('auth.algorithms is empty')
  const wrong = algorithms.find((algorithm) => !possible.includes(algorithm))
  if (wrong !== undefined) throw new TypeError(`auth.algorithms: ${wrong} cannot be used with these keys`)
}
