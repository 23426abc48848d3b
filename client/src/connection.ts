// The connection as the application has it: one socket after the other, and two of them while it moves. Acts on what the pure parts
// decide: when to try again, when to stop, when to move. What is said on the sockets is its owner's.
import { closeAction } from '@sluice/proto'
import type { Cancel } from './ambient.ts'
import { type AttemptOptions, attempt } from './attempt.ts'
import { begin, closed, type End, ended, type Life, opened, retried, windowMs } from './connection-state.ts'
import type { Link } from './link.ts'
import { moveDelayMs, RETIRE_AGAIN_MS, RETIRE_MAX_MS, RETIRE_MS } from './move.ts'
import { Overlap } from './overlap.ts'
import type { Requests } from './requests.ts'
import { countOf, type Frame } from './server-frame.ts'
import { keepTokenFresh } from './token-refresh.ts'

/** Who uses the sockets. */
export interface ConnectionOwner {
  /** A socket is signed in: what is to be joined is joined on it; calls back when all of that is answered. */
  join(link: Link, joined: () => void): void
  /** Requests go out on this socket from now on. */
  ready(link: Link): void
  received(link: Link, frame: Frame): void
  /** A socket has ended. */
  gone(link: Link): void
  /** Where the connection stands has changed. Nothing follows a closed one. */
  turned(life: Life, link: Link | null): void
}

/** What this client closes a socket with that it has replaced: the gateway then knows that nobody has left. */
export const MOVED_CODE = 4010

/** Hints to try at once count once in this time. */
const WAKE_EVERY_MS = 1000

/** See the head of the file. */
export class Connection {
  readonly #options: AttemptOptions
  readonly #requests: Requests
  readonly #owner: ConnectionOwner
  #life: Life = begin()
  /** The socket in use. */
  #main: Link | null = null
  /** The socket that was replaced and brings the last of what was on its way. */
  #old: Link | null = null
  /** A socket that is welcomed and not in use yet, as its rooms are being joined. */
  #next: Link | null = null
  #overlap: Overlap | null = null
  #cancelAttempt: Cancel | null = null
  #cancelWait: Cancel | null = null
  #cancelMove: Cancel | null = null
  #cancelRetire: Cancel | null = null
  #cancelRefresh: Cancel | null = null
  readonly #cancelWake: Cancel
  #triedAtMs = 0
  #moveFailures = 0
  /** Whether the move needs another token than the last. */
  #freshMove = false

  constructor(options: AttemptOptions, requests: Requests, owner: ConnectionOwner) {
    this.#options = options
    this.#requests = requests
    this.#owner = owner
    this.#cancelWake = options.ambient.onWake(() => this.#wake())
  }

  get life(): Life {
    return this.#life
  }

  /** The socket in use, once it is welcomed. */
  get link(): Link | null {
    return this.#main
  }

  /** The sockets on which rooms are to be joined: the one in use, and the one that is to replace it. */
  get links(): Link[] {
    return [this.#main, this.#next].filter((link) => link !== null)
  }

  /** Begins. Told to the owner at once. */
  start(): void {
    this.#owner.turned(this.#life, null)
    this.#try(false)
  }

  /** Whether a live message without an offset is to be delivered, as two sockets may bring it. */
  admits(link: Link, frame: Frame): boolean {
    if (this.#overlap === null) return true
    // Before the switch the socket in use is the old one, after it the new one.
    const old = link === this.#old || (link === this.#main && this.#next !== null)
    return this.#overlap.admits(old ? 'old' : 'new', frame)
  }

  /** The gateway asks the client to go elsewhere. */
  move(link: Link, frame: Frame): void {
    const afterMs = countOf(frame, 'afterMs')
    // Without time the close is here already, and its back-off spreads those who were asked together.
    if (link !== this.#main || this.#cancelMove !== null || !afterMs) return
    const { ambient } = this.#options
    this.#moveFailures = 0
    this.#freshMove = false
    this.#moveIn(moveDelayMs(afterMs, ambient.random()))
  }

  /** Ends it for good. */
  close(reason: string): void {
    if (this.#life.phase === 'closed') return
    this.#turn(closed(reason))
  }

  #try(freshToken: boolean): void {
    this.#triedAtMs = this.#options.ambient.nowMs()
    this.#cancelAttempt = attempt(this.#options, freshToken, {
      welcomed: (link) => this.#welcomed(link),
      received: (link, frame) => this.#owner.received(link, frame),
      failed: (end) => this.#failed(end),
      ended: (link, end) => this.#ended(link, end),
    })
  }

  #welcomed(link: Link): void {
    this.#cancelAttempt = null
    this.#options.tokens.endsIn(link.welcome?.expiresInMs)
    if (this.#main === null) this.#use(link)
    else {
      this.#retireNow()
      this.#next = link
      this.#overlap = new Overlap()
    }
    this.#owner.join(link, () => {
      if (link === this.#main) this.#owner.ready(link)
      else if (link === this.#next) this.#replace(link)
    })
  }

  /** Takes a socket into use. */
  #use(link: Link): void {
    const { ambient, tokens, settings } = this.#options
    this.#main = link
    this.#cancelRefresh?.()
    const { backoff, timeoutMs } = settings
    this.#cancelRefresh = keepTokenFresh({ ambient, tokens, requests: this.#requests, backoff, timeoutMs }, link)
    if (this.#life.phase !== 'closed') this.#turn(opened(this.#life, ambient.nowMs()))
  }

  /** The new socket is joined everywhere: it is used from now on, and the old one only listened to, for a little while. */
  #replace(link: Link): void {
    this.#next = null
    this.#old = this.#main
    this.#cancelMove = null
    this.#use(link)
    this.#owner.ready(link)
    this.#retireIn(RETIRE_MS, this.#options.ambient.nowMs())
  }

  #retireIn(delayMs: number, sinceMs: number): void {
    const { ambient } = this.#options
    this.#cancelRetire = ambient.timer(delayMs, () => {
      const waiting = this.#old === null ? 0 : this.#requests.waiting(this.#old)
      if (waiting > 0 && ambient.nowMs() - sinceMs < RETIRE_MAX_MS) this.#retireIn(RETIRE_AGAIN_MS, sinceMs)
      else this.#retireNow()
    })
  }

  #retireNow(): void {
    const old = this.#old
    this.#cancelRetire?.()
    this.#old = null
    this.#overlap = null
    if (old === null) return
    old.close(MOVED_CODE, 'moved')
    this.#owner.gone(old)
  }

  #moveIn(delayMs: number): void {
    this.#cancelMove = this.#options.ambient.timer(delayMs, () => this.#try(this.#freshMove))
  }

  #failed(end: End): void {
    this.#cancelAttempt = null
    if (this.#main === null) return this.#lost(end)
    // The socket in use is still good: the move is tried again for as long as that is so.
    const { ambient, settings } = this.#options
    this.#freshMove = end.code !== null && closeAction(end.code) === 'token'
    this.#moveIn(ambient.random() * windowMs(this.#moveFailures, settings.backoff))
    this.#moveFailures++
  }

  #ended(link: Link, end: End): void {
    if (link === this.#old) return this.#retireNow()
    if (link === this.#main) {
      this.#main = null
      this.#cancelRefresh?.()
      this.#cancelMove?.()
      this.#cancelMove = null
      this.#overlap = null
      this.#owner.gone(link)
      return this.#afterMain(end)
    }
    if (link === this.#next) {
      this.#next = null
      this.#overlap = null
      this.#owner.gone(link)
    }
    this.#failed(end)
  }

  /** The socket in use is lost. One that was to replace it takes its place, whatever the old one's end was. */
  #afterMain(end: End): void {
    const next = this.#next
    if (next !== null) {
      this.#next = null
      return this.#use(next)
    }
    if (this.#cancelAttempt === null || this.#life.phase === 'closed') return this.#lost(end)
    this.#turn(retried(this.#life))
  }

  #lost(end: End): void {
    if (this.#life.phase === 'closed') return
    const { ambient, settings } = this.#options
    const { nowMs, random } = ambient
    this.#turn(ended(this.#life, end, { nowMs: nowMs(), random, backoff: settings.backoff }))
    if (this.#life.phase === 'waiting') this.#cancelWait = ambient.timer(this.#life.waitMs, () => this.#again())
  }

  #again(): void {
    if (this.#life.phase !== 'waiting') return
    this.#cancelWait?.()
    const { freshToken } = this.#life
    this.#turn(retried(this.#life))
    this.#try(freshToken)
  }

  /** The network or the user is back: no reason to wait, and reason to doubt what seems open. */
  #wake(): void {
    if (this.#life.phase === 'waiting') {
      if (this.#options.ambient.nowMs() - this.#triedAtMs >= WAKE_EVERY_MS) this.#again()
    } else for (const link of this.links) link.doubt()
  }

  #turn(life: Life): void {
    this.#life = life
    this.#owner.turned(life, this.#main)
    if (life.phase === 'closed') this.#end(life.end)
  }

  #end(end: End): void {
    for (const cancel of [
      this.#cancelAttempt,
      this.#cancelWait,
      this.#cancelMove,
      this.#cancelRetire,
      this.#cancelRefresh,
      this.#cancelWake,
    ]) {
      cancel?.()
    }
    const links = [...this.links, ...(this.#old === null ? [] : [this.#old])]
    this.#main = null
    this.#next = null
    this.#old = null
    this.#overlap = null
    for (const link of links) {
      link.close(1000, end.reason)
      this.#owner.gone(link)
    }
  }
}
