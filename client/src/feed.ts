// A room or an inbox over all of its connections: what becomes of it for the application, and what each frame about it means. Sockets
// come and go by `attach` and `detach`; during a move there are two. How it is joined on one is feed-joins.ts's.
import type { Emitter } from './emitter.ts'
import type { RoomEvents, RoomState } from './events.ts'
import { messageOf, positionOf, type Target } from './feed-frames.ts'
import { FeedHistory } from './feed-history.ts'
import { FeedJoins, type JoinedFeed, type JoinHost, type Wishes } from './feed-joins.ts'
import type { Link } from './link.ts'
import { PresenceView } from './presence-view.ts'
import { type Seat, Seats, settle } from './seat.ts'
import { countOf, type Frame, textOf } from './server-frame.ts'
import type { SluiceError } from './sluice-error.ts'

/** What a feed stands on. */
export interface FeedHost extends JoinHost {
  /** Whether a live message without an offset is new: during a move two sockets bring it. */
  admits(link: Link, frame: Frame): boolean
  /** Nothing of it is left to be joined or answered. */
  over(feed: Feed): void
}

/** See the head of the file. */
export class Feed implements JoinedFeed {
  readonly target: Target
  readonly history: FeedHistory
  readonly view = new PresenceView()
  state: RoomState = 'joining'
  /** Why it is refused, while it is. */
  error: SluiceError | null = null
  readonly #host: FeedHost
  readonly #events: Emitter<RoomEvents>
  readonly #seats = new Seats()
  readonly #joins: FeedJoins
  /** Grows with what the application asks for. */
  wishes: Wishes
  #wanted = true
  /** Whether a server has joined it and nobody here has asked for it. */
  #byServer = false

  constructor(host: FeedHost, events: Emitter<RoomEvents>, target: Target, wishes: Wishes) {
    this.#host = host
    this.#events = events
    this.target = target
    const room = 'room' in target ? target.room : undefined
    this.history = new FeedHistory(events, room, () => host.ambient.nowMs())
    this.wishes = wishes
    this.#joins = new FeedJoins(host, this)
  }

  get wanted(): boolean {
    return this.#wanted
  }

  /** The application asks for it, perhaps again and for more. True if the sockets that are open have to be joined. */
  want(wishes: Wishes): boolean {
    const more = wishes.presence === true && this.wishes.presence !== true
    this.wishes = { ...this.wishes, ...wishes }
    if (this.#wanted && !more && !this.#byServer) return false
    this.#wanted = true
    this.#turn(this.state === 'joined' ? 'joined' : 'joining')
    for (const [link, seat] of this.#seats) {
      if (seat.phase !== 'joined') continue
      // The first join of a room that a server has added changes nothing for others.
      if (this.#byServer) this.#joins.join(link, seat)
      else this.#joins.rejoin(link, seat)
    }
    this.#byServer = false
    return this.#seats.size === 0
  }

  /** Joins it on a socket that has been welcomed; `settled` is called once, with the first answer. */
  attach(link: Link, settled: () => void): void {
    if (!this.#wanted) return settled()
    this.#joins.join(link, this.#seats.take(link, settled))
  }

  /** The socket is gone. */
  detach(link: Link): void {
    if (!this.#seats.vacate(link) || this.#seats.size > 0) return
    if (this.#wanted) this.#turn('joining')
    else this.#host.over(this)
  }

  /** A server has put the connection into it [P-4.4]. A join of our own that is under way says more. */
  added(link: Link, frame: Frame): void {
    const seat = this.#seats.get(link)
    // Refused before, it is joined now as the application wishes it: the first join needs no right [P-19.12].
    if (seat?.phase === 'refused') return this.#joins.join(link, seat)
    if (seat !== undefined) return
    const position = positionOf(frame)
    if (position !== null && this.history.position === null) this.history.settle(position)
    this.#seats.take(link, () => undefined).phase = 'joined'
    this.#seats.authority = link
    this.#byServer = true
    this.#turn('joined')
  }

  /** A server has taken the connection out of it: never joined again. */
  removed(frame: Frame): void {
    this.#wanted = false
    this.#seats.stand()
    this.#turn('removed')
    this.#events.emit('removed', { code: textOf(frame, 'code') ?? '', reason: textOf(frame, 'reason') ?? '' })
    this.#host.over(this)
  }

  /** Leaves it on every socket; calls back when that is answered, or when there is none. */
  leave(left: () => void): void {
    this.#wanted = false
    this.#turn('left')
    let open = 1
    const one = (): void => {
      open--
      if (open === 0) left()
    }
    for (const [link, seat] of this.#seats) {
      open++
      this.#joins.leave(link, seat, () => {
        this.#seats.delete(link)
        // Asked for again meanwhile: the gateway has answered the leave, so nothing of before can come any more.
        if (this.#wanted && !link.over) this.attach(link, () => undefined)
        else if (this.#seats.size === 0) this.#host.over(this)
        one()
      })
    }
    if (this.#seats.size === 0) this.#host.over(this)
    one()
  }

  /** The client was closed. */
  close(error: SluiceError): void {
    this.#wanted = false
    this.#seats.stand()
    this.#turn('left', error)
  }

  /** A frame about it. */
  receive(link: Link, frame: Frame): void {
    const seat = this.#seats.get(link)
    if (frame.type === 'message') this.#message(link, seat, frame)
    else if (seat === undefined || seat.phase === 'leaving') return
    else if (frame.type === 'gap') this.#gap(link, seat, frame)
    else if (link === this.#seats.authority) this.#presence(frame)
  }

  /** Something took its place in the chain without coming as a message: one's own, not echoed [P-4.3]. */
  placed(link: Link, frame: Frame): void {
    const seat = this.#seats.get(link)
    if (seat !== undefined) this.#place(link, seat, { ...frame, withheld: true })
  }

  /** See {@link JoinedFeed.joined}. */
  joined(link: Link, seat: Seat, ok: Frame): void {
    const { since } = seat
    const position = positionOf(ok)
    const recovered = since !== null && ok.recovered === true && position?.epoch === since.epoch
    const lost = since !== null && !recovered && !seat.gap
    if (position === null) {
      if (ok.type === 'ok') this.history.end('not_enabled')
    } else if (lost) this.history.lose(seat, 'unknown', position)
    if (!this.#seats.sits(link, seat)) return
    seat.phase = 'joined'
    seat.failures = 0
    this.#seats.authority = link
    // What came early follows now, or shows what was left out: before the gateway's word for its position is taken, which would pass
    // it over.
    for (const frame of seat.held.splice(0)) this.#place(link, seat, frame)
    if (!this.#seats.sits(link, seat)) return
    if (position !== null) this.history.settle(position)
    const seen = this.view.replace(ok)
    // First, as listeners of what follows may leave it again.
    this.#turn('joined')
    if (recovered) this.#events.emit('recovered', { messages: seat.replayed, from: since.offset, to: position.offset })
    if (seen) this.#tellMembers()
    settle(seat)
  }

  /** See {@link JoinedFeed.refused}. */
  refused(error: SluiceError): void {
    this.#turn('refused', error)
    this.#events.emit('refused', error)
  }

  #message(link: Link, seat: Seat | undefined, frame: Frame): void {
    if (countOf(frame, 'offset') !== undefined) {
      if (seat !== undefined && (seat.phase === 'joining' || seat.phase === 'joined')) this.#place(link, seat, frame)
      return
    }
    // Messages to the user need no join [P-6.6].
    const open = 'user' in this.target ? this.#wanted : seat?.phase === 'joined' || seat?.phase === 'joining'
    if (open && this.#host.admits(link, frame)) this.#events.emit('message', messageOf(frame, false))
  }

  #place(link: Link, seat: Seat, frame: Frame): void {
    if (!this.#seats.sits(link, seat)) return
    if (this.history.place(seat, frame)) this.#joins.rejoin(link, seat)
  }

  #gap(link: Link, seat: Seat, frame: Frame): void {
    const position = positionOf(frame)
    // While both sockets are joined, one of them misses what the other has brought.
    const { authority } = this.#seats
    const other = authority !== null && authority !== link && seat.phase === 'joined'
    // Told to slow readers alone, as is a gap without a position.
    const missed = countOf(frame, 'missed')
    if (other || (position === null && missed === undefined)) return
    if (missed !== undefined && position !== null && this.history.mayRecover(seat)) this.#joins.rejoin(link, seat)
    else this.history.lose(seat, textOf(frame, 'reason') ?? 'unknown', position, missed)
  }

  #presence(frame: Frame): void {
    if (frame.type === 'members') {
      if (this.view.replace(frame)) this.#tellMembers()
    } else if (frame.type === 'joined' || frame.type === 'left') {
      const member = this.view.patch(frame.type, frame)
      if (member === null) return
      this.#events.emit(frame.type, member)
      this.#tellMembers()
    }
  }

  #tellMembers(): void {
    this.#events.emit('members', { members: this.view.members, count: this.view.count })
  }

  #turn(state: RoomState, error: SluiceError | null = null): void {
    const turned = this.state !== state
    this.state = state
    this.error = error
    if (turned) this.#events.emit('state', state)
  }
}
