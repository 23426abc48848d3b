// The history of a room or inbox as this client has it: where it stands, what each message means there, and what is told to the
// application when something is missing. Sockets and joins are the feed's.
import { Chain, type Place, type Position } from './chain.ts'
import type { Emitter } from './emitter.ts'
import type { RoomEvents } from './events.ts'
import { messageOf } from './feed-frames.ts'
import type { Seat } from './seat.ts'
import { countOf, type Frame } from './server-frame.ts'

/** See {@link Seat.held}; beyond it the chain shows the hole. */
const HELD_MAX = 1000

/** A chain that was broken, or cut for a slow reader, is repaired by joining anew, at most so often: the next one is told as a gap instead. */
const REPAIR_EVERY_MS = 10_000

/** See the head of the file. */
export class FeedHistory {
  readonly #chain = new Chain()
  readonly #events: Emitter<RoomEvents>
  readonly #room: string | undefined
  readonly #nowMs: () => number
  #repairedAtMs = -REPAIR_EVERY_MS

  /** @param room - undefined for an inbox */
  constructor(events: Emitter<RoomEvents>, room: string | undefined, nowMs: () => number) {
    this.#events = events
    this.#room = room
    this.#nowMs = nowMs
  }

  /** Null until it is known that there is a history. */
  get position(): Position | null {
    return this.#chain.position
  }

  /**
   * A message with an offset, or what takes the place of one: delivers it if it follows.
   *
   * @returns whether the room has to be joined anew, as the server has left something out
   */
  place(seat: Seat, frame: Frame): boolean {
    const offset = countOf(frame, 'offset')
    if (offset === undefined) return false
    const place = { offset, prev: countOf(frame, 'prev'), time: countOf(frame, 'time') }
    const held = this.#chain.offset
    const verdict = this.#chain.step(place)
    if (verdict === 'next') {
      if (frame.withheld === true) return false
      const replayed = seat.phase === 'joining'
      if (replayed) seat.replayed++
      this.#events.emit('message', messageOf(frame, replayed))
    } else if (verdict !== 'duplicate' && held !== undefined) {
      if (seat.phase === 'joined') return this.#fault(seat, verdict, held, place, frame)
      if (seat.held.length < HELD_MAX) seat.held.push(frame)
    }
    return false
  }

  /** Where the room is live, by the gateway's word. */
  settle(position: Position): void {
    this.#chain.settle(position)
  }

  /**
   * Tells that messages are lost, and goes on behind them.
   *
   * @param position - null where all of them were ephemeral
   */
  lose(seat: Seat, reason: string, position: Position | null, missed?: number): void {
    const from = position === null ? undefined : this.#chain.offset
    if (position !== null) {
      seat.gap = true
      this.#chain.jump(position)
    }
    this.#events.emit('gap', { reason, from, to: position?.offset, missed })
  }

  /**
   * The gateway has left stored messages out, as this client reads too slowly. They are mostly kept, so the position stays for a join anew.
   *
   * @returns whether the room may be joined anew for them
   */
  mayRecover(seat: Seat): boolean {
    return seat.phase === 'joined' && this.#mayRepair()
  }

  /** There is no history any more: what was missed since the position cannot be known. */
  end(reason: string): void {
    const { position } = this.#chain
    this.#chain.forget()
    if (position !== null) this.#events.emit('gap', { reason, from: position.offset, to: undefined })
  }

  /** It is another one now, of which nothing was missed. */
  forget(): void {
    this.#chain.forget()
  }

  #fault(seat: Seat, kind: 'broken' | 'rollback', held: number, { offset, prev }: Place, frame: Frame): boolean {
    this.#events.emit('fault', { kind, room: this.#room, held, offset, prev })
    if (this.#mayRepair()) return true
    const before = kind === 'broken' ? (prev ?? offset - 1) : offset - 1
    this.#chain.skipTo(before)
    this.#events.emit('gap', { reason: 'lost', from: held, to: before })
    return this.place(seat, frame)
  }

  #mayRepair(): boolean {
    const nowMs = this.#nowMs()
    if (nowMs - this.#repairedAtMs < REPAIR_EVERY_MS) return false
    this.#repairedAtMs = nowMs
    return true
  }
}
