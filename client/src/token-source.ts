// Where tokens come from: the application's function, asked when there is none, when the last one is about to end, or when it was
// refused. Knows when a token ends, never what it says.
import type { Ambient } from './ambient.ts'
import type { Settings, TokenOption } from './options.ts'
import { SluiceError } from './sluice-error.ts'
import { jwtExpiryMs, marginOf } from './token-expiry.ts'

/** See the head of the file. */
export class TokenSource {
  readonly #option: TokenOption
  readonly #ambient: Ambient
  readonly #settings: Pick<Settings, 'tokenMarginMs' | 'tokenTimeoutMs'>
  #token: string | null = null
  /** By the clock of `nowMs`; null if it is not known to end. */
  #renewAtMs: number | null = null
  #held = false

  constructor(option: TokenOption, ambient: Ambient, settings: Pick<Settings, 'tokenMarginMs' | 'tokenTimeoutMs'>) {
    this.#option = option
    this.#ambient = ambient
    this.#settings = settings
  }

  /** Whether another token can be had at all. */
  get renewable(): boolean {
    return typeof this.#option === 'function'
  }

  /** How long until the token should be replaced, in milliseconds; null if never. */
  get renewInMs(): number | null {
    if (!this.renewable || this.#renewAtMs === null) return null
    return Math.max(0, this.#renewAtMs - this.#ambient.nowMs())
  }

  /**
   * A token, or null for an anonymous connection.
   *
   * @param fresh - another one than the last
   * @throws what the application's function throws, SluiceError `timeout`, or the signal's reason
   */
  async get(fresh: boolean, signal: AbortSignal): Promise<string | null> {
    if (typeof this.#option !== 'function') return this.#option
    if (!this.#held || fresh || this.renewInMs === 0) {
      const token = await this.#ask(this.#option, signal)
      if (token !== null && typeof token !== 'string') throw new TypeError('a token is a text, or null')
      const expiryMs = token === null ? undefined : jwtExpiryMs(token)
      this.#token = token
      this.#held = true
      this.endsIn(expiryMs === undefined ? undefined : expiryMs - this.#ambient.wallMs())
    }
    return this.#token
  }

  /** What is left of the token's time by the gateway's clock, which is the one that counts; undefined if it does not end. */
  endsIn(leftMs: number | undefined): void {
    const marginMs = marginOf(leftMs ?? 0, this.#settings.tokenMarginMs)
    this.#renewAtMs = leftMs === undefined ? null : this.#ambient.nowMs() + leftMs - marginMs
  }

  async #ask(provide: Exclude<TokenOption, string | null>, outer: AbortSignal): Promise<string | null> {
    const inner = new AbortController()
    const abort = (): void => inner.abort(outer.reason)
    outer.addEventListener('abort', abort)
    if (outer.aborted) abort()
    const timer = this.#ambient.timer(this.#settings.tokenTimeoutMs, () =>
      inner.abort(new SluiceError('timeout', 'no token in time')),
    )
    const aborted = new Promise<never>((_, reject) => {
      inner.signal.addEventListener('abort', () => reject(inner.signal.reason))
      if (inner.signal.aborted) reject(inner.signal.reason)
    })
    try {
      // An answer that comes too late is dropped, and its failure with it: the race has taken it in hand.
      return await Promise.race([aborted, provide({ signal: inner.signal })])
    } finally {
      timer()
      outer.removeEventListener('abort', abort)
      // Listened to still: without this a later abort would be a rejection that nobody handles.
      aborted.catch(() => undefined)
    }
  }
}
