// Joins and leaves a room or inbox on one socket: asks, and decides what a refusal means, whether it passes, is about the position or is
// final. What a join that was granted brings is the feed's.
import type { Ambient } from './ambient.ts'
import { type Backoff, windowMs } from './connection-state.ts'
import { joinFrame, nameOf, type Target } from './feed-frames.ts'
import type { FeedHistory } from './feed-history.ts'
import type { Link } from './link.ts'
import type { Answer, Requests } from './requests.ts'
import { type Seat, settle } from './seat.ts'
import type { Frame } from './server-frame.ts'
import type { SluiceError } from './sluice-error.ts'

/** What joins stand on. */
export interface JoinHost {
  readonly ambient: Ambient
  readonly requests: Requests
  readonly backoff: Backoff
  readonly timeoutMs: number
}

/** What the application wishes of it. */
export interface Wishes {
  readonly history?: number | undefined
  readonly presence?: boolean | undefined
}

/** The feed that is joined. */
export interface JoinedFeed {
  readonly target: Target
  readonly history: FeedHistory
  readonly wishes: Wishes
  /** @param ok - empty where there was nothing to ask, or it is joined already */
  joined(link: Link, seat: Seat, ok: Frame): void
  /** For good, as long as nothing changes here. */
  refused(error: SluiceError): void
}

/** What a join recovers is paced by the socket, so its answer may take that many times the time of another. */
const JOIN_PATIENCE = 10

/** Refusals that may pass without anything changing here. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'rate_limited', 'internal'])

/** Refusals that may be about the position or the inbox's history and not about the right to join. */
const unstored: ReadonlySet<string> = new Set(['not_enabled', 'unsupported', 'bad_request'])

/** See the head of the file. */
export class FeedJoins {
  readonly #host: JoinHost
  readonly #feed: JoinedFeed
  /** Whose inbox the position is of. */
  #user = ''

  constructor(host: JoinHost, feed: JoinedFeed) {
    this.#host = host
    this.#feed = feed
  }

  /** Joins it with the position that is held. */
  join(link: Link, seat: Seat): void {
    const { target, history, wishes } = this.#feed
    const { features, user } = link.welcome ?? { features: new Set(), user: '' }
    if ('user' in target && user !== this.#user) {
      // Another user signed in: its inbox is another one.
      history.forget()
      this.#user = user
    }
    if (!features.has('history')) history.end('unsupported')
    const { position } = history
    const { presence = false } = wishes
    const frame = joinFrame({ target, user, features, position, history: wishes.history, presence })
    Object.assign(seat, { phase: 'joining', since: position, gap: false, replayed: 0 })
    if (frame === null) return this.#feed.joined(link, seat, {})
    seat.pending = this.#host.requests.ask(link, frame, JOIN_PATIENCE * this.#host.timeoutMs, (answer) => {
      if (answer.ok) this.#feed.joined(link, seat, answer.frame)
      else this.#refused(link, seat, answer.error)
    })
  }

  /** Leaves it there. */
  leave(link: Link, seat: Seat, left: (answer: Answer) => void): void {
    seat.pending()
    seat.phase = 'leaving'
    seat.held.length = 0
    settle(seat)
    const { user = '' } = link.welcome ?? {}
    const frame = { type: 'leave', ...nameOf(this.#feed.target, user) }
    seat.pending = this.#host.requests.ask(link, frame, this.#host.timeoutMs, left)
  }

  /** Joins it anew, as the server has left something out, or more is wished. */
  rejoin(link: Link, seat: Seat): void {
    this.leave(link, seat, ({ ok }) => {
      if (ok) this.join(link, seat)
      // It cannot be repaired here; the next connection does it.
      else if (!link.over) seat.phase = 'refused'
    })
  }

  #refused(link: Link, seat: Seat, error: SluiceError): void {
    const { code, retryAfterMs = 0 } = error
    const { target, history } = this.#feed
    if (code === 'lost') return
    const aboutHistory = unstored.has(code)
    if (aboutHistory && seat.since !== null) {
      history.end(code)
      return this.join(link, seat)
    }
    if (code === 'already_joined' || (aboutHistory && 'user' in target)) return this.#feed.joined(link, seat, {})
    if (passing.has(code)) {
      const { ambient, backoff } = this.#host
      const delayMs = retryAfterMs + ambient.random() * windowMs(seat.failures++, backoff)
      seat.pending = ambient.timer(delayMs, () => this.join(link, seat))
    } else {
      seat.phase = 'refused'
      this.#feed.refused(error)
    }
    settle(seat)
  }
}
