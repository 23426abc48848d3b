/**
 * Tokens that were verified lately, so that a reconnect costs a hash instead of a signature (3 µs against 70 µs and more).
 * Keyed by digest: a token itself is never kept, and neither is a refusal. Pure but for the promises that it shares; the
 * caller passes the time. Step 1 of the message path (accept).
 */
import type { VerifiedToken } from './claims.ts'
import type { AuthResult } from './principal.ts'

/** The bounds of a cache. */
interface TokenCacheBounds {
  /** Tokens kept; the one that was not asked for longest goes first. 0 keeps none. */
  readonly entriesMax: number
  /** How long a token is believed without a new look at keys and signature, in milliseconds. 0 keeps none. */
  readonly keepMsMax: number
}

interface Entry {
  readonly verified: VerifiedToken
  readonly keepUntilMs: number
}

/** See the head of this file. One for each authenticator. */
export class TokenCache {
  readonly #bounds: TokenCacheBounds
  // A Map keeps the order of insertion; entries move to its end when they are used, so its head is the oldest.
  readonly #entries = new Map<string, Entry>()
  readonly #inFlight = new Map<string, Promise<AuthResult>>()

  constructor(bounds: TokenCacheBounds) {
    this.#bounds = bounds
  }

  /** Entries held, stale ones included. */
  get size(): number {
    return this.#entries.size
  }

  /** The token with this digest, null if none is kept at `nowMs` (monotonic). Its times are the caller's to check. */
  find(digest: string, nowMs: number): VerifiedToken | null {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return null
    this.#entries.delete(digest)
    if (nowMs >= entry.keepUntilMs) return null
    this.#entries.set(digest, entry)
    return entry.verified
  }

  /**
   * Keeps a token, and lets the oldest go if there are too many.
   *
   * @param nowMs - monotonic time
   * @param lifeMs - what the token's own expiry leaves; bounded by `keepMsMax`
   */
  keep(digest: string, verified: VerifiedToken, nowMs: number, lifeMs: number): void {
    const keepMs = Math.min(lifeMs, this.#bounds.keepMsMax)
    if (keepMs <= 0 || this.#bounds.entriesMax <= 0) return
    this.#entries.delete(digest)
    this.#entries.set(digest, { verified, keepUntilMs: nowMs + keepMs })
    if (this.#entries.size <= this.#bounds.entriesMax) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      break
    }
  }

  /** Forgets a token. */
  drop(digest: string): void {
    this.#entries.delete(digest)
  }

  /**
   * Runs `verify`, or joins the run that is under way for the same digest: a client that opens many sockets at once costs one
   * signature. Bounded by the callers, of whom each waits (`accept.unauthenticatedMax`, and one `auth` for each connection).
   */
  async share(digest: string, verify: () => Promise<AuthResult>): Promise<AuthResult> {
    const running = this.#inFlight.get(digest)
    if (running !== undefined) return running
    const started = verify()
    this.#inFlight.set(digest, started)
    try {
      return await started
    } finally {
      this.#inFlight.delete(digest)
    }
  }
}
