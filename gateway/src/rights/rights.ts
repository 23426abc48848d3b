// The rights that services have given to the connections of this gateway: asked for where a namespace says so, kept for as long as the
// answer holds, and asked for again when it ends. A right that is not given again ends the membership.
import { type GivenRight, RIGHT_MS_MIN, type Room, type RoomName } from '@sluice/proto'
import { createWheel } from '../heartbeat/wheel.ts'
import type { Answer, Refusal } from '../session/answer.ts'
import type { Connection } from '../session/connection.ts'
import type { Later, Started } from '../session/lanes.ts'
import { isRefusal } from '../session/targets.ts'
import type { Authoriser, Publishing } from './authoriser.ts'
import { boundsRefusal, createRoomRights, type HeldRight, isSpent, type RoomRights } from './room-rights.ts'

/** See {@link createRights}. */
export interface RightsOptions {
  readonly authoriser: Pick<Authoriser, 'room'>
  /** Whether NATS can be reached: while it can't, nothing is delivered, and nobody is taken out of a room for it. */
  readonly connected: () => boolean
  /** Questions that wait; renewals stand back while there are many. */
  readonly pending: () => number
  /** Whether a service decides about the room; a changed configuration may say otherwise. */
  readonly decides: (room: Room) => boolean
  /** Rooms whose answers are kept for one connection, beside those that it is in. */
  readonly roomsMax: number
  readonly nowMs: () => number
  /** The time between two calls of {@link Rights.tick}. */
  readonly tickMs: number
  /** A right was given again, and may say other things. */
  readonly onRenewed: (connection: Connection) => void
  /** A right to be in a room was not given again. */
  readonly onEnded: (connection: Connection, room: Room, why: Refusal) => void
}

/** A publish as its right sees it. */
export interface PublishRequest extends Publishing {
  /** Sends it; called in the order of the frames. */
  readonly proceed: () => Started<Answer>
}

/** The rights of all connections. */
export interface Rights {
  /** Asks whether a connection may be in a room. */
  ask(connection: Connection, room: Room): Promise<GivenRight | Refusal>
  /** Null if it may, known at once where it is in the room by a right that it holds. */
  mayRead(connection: Connection, room: Room): null | Promise<Refusal | null>
  /** The connection enters: from here on the right is kept. */
  hold(connection: Connection, room: Room, given: GivenRight): void
  /** It has left, or could not enter. */
  drop(connection: Connection, room: RoomName): void
  /** Asks whether it may publish, unless that is known, and sends in the order of the frames. */
  publish(connection: Connection, room: Room, request: PublishRequest): Started<Answer>
  /** Null if a publish that needs no right of its own keeps the bounds of the right to be in the room. */
  withinBounds(connection: Connection, room: RoomName, bytes: number): Refusal | null
  /** Its token was refreshed: answers about the old one hold no more, but for the rooms that it is in. */
  refreshed(connection: Connection): void
  /** It is gone. */
  forget(connection: Connection): void
  /** Asks again where a right has ended; called at a steady pace. */
  tick(): void
}

/** Two minutes of ticks; what ends later is looked at on the way. */
const WHEEL_SLOTS = 512
/** A renewal stands back while more questions than this wait: they may be asked for everyone at once. */
const RENEWALS_PENDING_MAX = 1000
/** Until the next try of a renewal that NATS could not take. */
const RETRY_MS = 1000

/** Makes it. */
export function createRights(options: RightsOptions): Rights {
  return new HeldRights(options)
}

class HeldRights implements Rights {
  readonly #options: RightsOptions
  readonly #wheel = createWheel<HeldRight>(WHEEL_SLOTS)

  constructor(options: RightsOptions) {
    this.#options = options
  }

  ask(connection: Connection, room: Room): Promise<GivenRight | Refusal> {
    return this.#options.authoriser.room('join', connection, room)
  }

  mayRead(connection: Connection, room: Room): null | Promise<Refusal | null> {
    if (connection.rights?.get(room.name)?.join) return null
    return this.ask(connection, room).then((given) => (isRefusal(given) ? given : null))
  }

  hold(connection: Connection, room: Room, given: GivenRight): void {
    const rights = this.#of(connection, room.name)
    if (rights.join !== null) this.#wheel.cancel(rights.join)
    const held: HeldRight = {
      given,
      endsAt: this.#endOf(given),
      renew: () => void this.#renew(connection, room, held),
      wheelSlot: -1,
      wheelAt: 0,
    }
    rights.join = held
    this.#schedule(held)
  }

  drop(connection: Connection, room: RoomName): void {
    const rights = connection.rights?.get(room)
    if (!rights?.join) return
    this.#wheel.cancel(rights.join)
    rights.join = null
    // Answers about the room go with the membership: who comes back is asked for anew.
    rights.publish = null
    if (isSpent(rights)) connection.rights?.delete(room)
  }

  publish(connection: Connection, room: Room, request: PublishRequest): Started<Answer> {
    const { authoriser, nowMs } = this.#options
    const rights = this.#of(connection, room.name)
    const known = rights.publish !== null && nowMs() < rights.publish.endsAt ? rights.publish.given : null
    if (known !== null && rights.waiting.length === 0) return this.#within(rights, known, request)
    return new Promise<Answer | Later<Answer>>((resolve, reject) => {
      const proceed = (verdict: GivenRight | Refusal): void => {
        try {
          resolve(isRefusal(verdict) ? verdict : this.#within(rights, verdict, request))
        } catch (error) {
          reject(error)
        }
      }
      const waiting = { verdict: known as GivenRight | Refusal | null, proceed }
      rights.waiting.push(waiting)
      if (known !== null) return
      void authoriser.room('publish', connection, room, request).then((verdict) => {
        waiting.verdict = verdict
        if (!isRefusal(verdict) && verdict.ttlMs) rights.publish = { given: verdict, endsAt: nowMs() + verdict.ttlMs }
        this.#release(connection, room.name, rights)
      })
    })
  }

  withinBounds(connection: Connection, room: RoomName, bytes: number): Refusal | null {
    const rights = connection.rights?.get(room)
    return rights === undefined ? null : boundsRefusal(rights, undefined, bytes, this.#options.nowMs())
  }

  refreshed({ rights }: Connection): void {
    for (const room of rights?.values() ?? []) room.publish = null
  }

  forget(connection: Connection): void {
    for (const { join } of connection.rights?.values() ?? []) if (join !== null) this.#wheel.cancel(join)
    connection.rights = null
  }

  tick(): void {
    for (const held of this.#wheel.advance()) {
      if (held.endsAt !== null && this.#options.nowMs() < held.endsAt) this.#schedule(held)
      else if (this.#options.pending() >= RENEWALS_PENDING_MAX) this.#wheel.schedule(held, 1)
      else held.renew()
    }
  }

  async #renew(connection: Connection, room: Room, held: HeldRight): Promise<void> {
    if (!this.#options.decides(room)) return this.drop(connection, room.name)
    const given = await this.ask(connection, room)
    // It may have left meanwhile, and come back with another right.
    if (connection.rights?.get(room.name)?.join !== held) return
    if (!isRefusal(given)) {
      held.given = given
      held.endsAt = this.#endOf(given)
      this.#schedule(held)
      this.#options.onRenewed(connection)
    } else if (given.code === 'unavailable' && !this.#options.connected()) {
      this.#wheel.schedule(held, RETRY_MS / this.#options.tickMs)
    } else {
      this.#options.onEnded(connection, room, given)
    }
  }

  #within(
    rights: RoomRights,
    given: GivenRight,
    { payload, proceed }: PublishRequest,
  ): Answer | Later<Answer> | Promise<Answer | Later<Answer>> {
    return boundsRefusal(rights, given.limits, payload.bytes.length, this.#options.nowMs()) ?? proceed()
  }

  #release(connection: Connection, room: RoomName, rights: RoomRights): void {
    for (;;) {
      const verdict = rights.waiting[0]?.verdict ?? null
      if (verdict === null) break
      rights.waiting.shift()?.proceed(verdict)
    }
    if (isSpent(rights) && connection.rights?.get(room) === rights) connection.rights.delete(room)
  }

  #of(connection: Connection, room: RoomName): RoomRights {
    connection.rights ??= new Map()
    const known = connection.rights.get(room)
    if (known !== undefined) return known
    if (connection.rights.size >= 2 * this.#options.roomsMax) forgetOldest(connection.rights)
    const rights = createRoomRights()
    connection.rights.set(room, rights)
    return rights
  }

  #endOf({ ttlMs }: GivenRight): number | null {
    return ttlMs === null ? null : this.#options.nowMs() + Math.max(ttlMs, RIGHT_MS_MIN)
  }

  #schedule(held: HeldRight): void {
    if (held.endsAt === null) return
    this.#wheel.schedule(held, (held.endsAt - this.#options.nowMs()) / this.#options.tickMs)
  }
}

/** Of the answers that no membership and no publish under way stands on. */
function forgetOldest(rights: Map<RoomName, RoomRights>): void {
  for (const [room, { join, waiting }] of rights) {
    if (join !== null || waiting.length > 0) continue
    rights.delete(room)
    return
  }
}
