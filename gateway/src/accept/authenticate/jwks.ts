/**
 * Verifies tokens with a remote key set (RFC 7517). jose fetches, selects and imports; this file decides when to fetch: at
 * most once in a cool-down, whatever peers send, and known keys stay in use while the endpoint is away. Step 1 of the message
 * path (accept).
 */

import type { Clock } from '@sluice/service/clock'
import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { boundedFetch, fetchFailure } from './jwks-fetch.ts'
import { joseCode, type KeySource, KeysUnavailable } from './key-source.ts'

/**
 * Keys older than this are fetched again before use, so that a withdrawn key ends, and a changed one is seen where keys have
 * no `kid`. jose's own default.
 */
export const JWKS_AGE_MS_MAX = 600_000

/** The first wait after a failed fetch; doubled by each further failure, up to the cool-down. */
const JWKS_RETRY_MS_MIN = 1000

/** Keys that are tried for a token without `kid`, which may fit several: each try is a signature check. */
export const CANDIDATE_KEYS_MAX = 4

/** Where the keys are and how often to ask for them. */
interface JwksOptions {
  readonly url: URL
  readonly algorithms: readonly string[]
  /** Time after a fetch in which no unknown key causes another, in milliseconds. */
  readonly cooldownMs: number
  /** Bound of one fetch, body included, in milliseconds. */
  readonly timeoutMs: number
}

/** What the key set needs from outside. */
export interface JwksDeps {
  readonly clock: Clock
  /** Default: Node's own. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Called once for each fetch, when it has ended. */
  readonly onJwksFetch?: ((result: 'ok' | 'failed') => void) | undefined
}

type GetKey = JWTVerifyGetKey<CryptoKey>

/** See the head of this file. */
export class RemoteKeys implements KeySource {
  readonly algorithms: readonly string[]
  readonly #options: JwksOptions
  readonly #deps: JwksDeps
  readonly #keySet: ReturnType<typeof createRemoteJWKSet>
  /** Monotonic times; null before the first. */
  #loadedAtMs: number | null = null
  #askedAtMs: number | null = null
  /** Failed fetches since the last good one, and what the last of them died of. */
  #failures = 0
  #failure = ''
  #fetching: Promise<void> | null = null

  constructor(options: JwksOptions, deps: JwksDeps) {
    this.algorithms = options.algorithms
    this.#options = options
    this.#deps = deps
    // Endless age and cool-down: jose then never fetches by itself but for `reload()`. Its own policy asks a dead endpoint once
    // for each sign-in and forgets keys that have come of age before it has new ones.
    this.#keySet = createRemoteJWKSet(options.url, {
      timeoutDuration: options.timeoutMs,
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: boundedFetch(deps.fetch ?? globalThis.fetch),
    })
  }

  async verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#findKey, options)
      return payload
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      return await verifyWithEach(error, token, options)
    }
  }

  /** jose asks only after it has parsed the header and found `alg` on the allow-list, so garbage never gets as far as a fetch. */
  readonly #findKey: GetKey = async (header, token) => {
    await this.#refreshOld()
    if (this.#loadedAtMs === null) throw new KeysUnavailable(this.#failure)
    try {
      return await this.#keySet(header, token)
    } catch (error) {
      if (joseCode(error) !== 'ERR_JWKS_NO_MATCHING_KEY') throw error
    }
    await this.#refreshIfDue()
    // The key may be a new one that we cannot see: that is no fault of the token.
    if (this.#failures > 0) throw new KeysUnavailable(this.#failure)
    return await this.#keySet(header, token)
  }

  async #refreshOld(): Promise<void> {
    if (this.#loadedAtMs !== null && this.#deps.clock.monotonicMs() - this.#loadedAtMs < JWKS_AGE_MS_MAX) return
    const refreshed = this.#refreshIfDue()
    // With keys in hand and an endpoint known to be away, nobody waits for it: the known keys serve until it is back.
    if (this.#loadedAtMs === null || this.#failures === 0) await refreshed
  }

  /** Fetches unless it is too soon; joins a fetch under way. Never rejects: what failed is in `#failures` and `#failure`. */
  async #refreshIfDue(): Promise<void> {
    if (this.#fetching !== null) return this.#fetching
    if (this.#askedAtMs !== null && this.#deps.clock.monotonicMs() - this.#askedAtMs < this.#waitMs()) return
    this.#fetching = this.#refresh()
    await this.#fetching
  }

  #waitMs(): number {
    const { cooldownMs } = this.#options
    return this.#failures === 0 ? cooldownMs : Math.min(cooldownMs, JWKS_RETRY_MS_MIN * 2 ** (this.#failures - 1))
  }

  async #refresh(): Promise<void> {
    try {
      await this.#keySet.reload()
      this.#failures = 0
    } catch (error) {
      this.#failures += 1
      this.#failure = fetchFailure(error)
    }
    const nowMs = this.#deps.clock.monotonicMs()
    this.#askedAtMs = nowMs
    if (this.#failures === 0) this.#loadedAtMs = nowMs
    this.#fetching = null
    this.#deps.onJwksFetch?.(this.#failures === 0 ? 'ok' : 'failed')
  }
}

async function verifyWithEach(
  keys: AsyncIterable<CryptoKey>,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let left = CANDIDATE_KEYS_MAX
  for await (const key of keys) {
    if (left === 0) break
    left -= 1
    try {
      const { payload } = await jwtVerify(token, key, options)
      return payload
    } catch (error) {
      if (joseCode(error) !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}
