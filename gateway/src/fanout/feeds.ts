// Which subscriptions bring the messages of rooms: one for each room, or one for a whole namespace while someone here follows all of it.
// Then every message comes once and not twice, and goes to its room and to the wildcard in one step. In between, while both
// subscriptions are open, each message is taken from whichever brings it first. Step 4 of the message path begins behind it.
import { setTimeout as pause } from 'node:timers/promises'
import { coveringSubject } from '@sluice/proto'
import type { Subscribed } from '@sluice/service/nats/link'

/** Takes a message, with the subject that it came on. */
export type Take<message> = (message: message, subject: string) => void

/** See {@link createFeeds}. */
export interface FeedsOptions<message> {
  readonly listen: (subject: string, take: Take<message>) => Subscribed
  /** Whether NATS has taken everything written before. */
  readonly confirm: () => Promise<boolean>
  /** What two copies of one message have in common; null where whoever takes them knows duplicates by itself. */
  readonly identify: ((message: message, subject: string) => string) | null
}

/** Subscriptions of rooms. */
export interface Feeds<message> {
  /** Hears one room; once for each subject. */
  listen(subject: string, take: Take<message>): Subscribed
  /** Hears all rooms of a namespace, after whoever hears the room of the message; once for each. */
  listenAll(wildcard: string, take: Take<message>): Subscribed
}

/** Makes them. */
export function createFeeds<message>(options: FeedsOptions<message>): Feeds<message> {
  const spaces = new Map<string, Space<message>>()

  function spaceOf(wildcard: string): Space<message> {
    const known = spaces.get(wildcard)
    if (known !== undefined) return known
    const space = new Space(wildcard, options, () => spaces.delete(wildcard))
    spaces.set(wildcard, space)
    return space
  }

  return {
    listen: (subject, take) => spaceOf(coveringSubject(subject)).listen(subject, take),
    listenAll: (wildcard, take) => spaceOf(wildcard).listenAll(take),
  }
}

interface Room<message> {
  readonly take: Take<message>
  /** Its own subscription; null while that of the namespace brings its messages. */
  subscribed: Subscribed | null
}

/**
 * - `narrow`: rooms have subscriptions of their own
 * - `widening`: that of the namespace is open beside them, and not confirmed yet
 * - `wide`: that of the namespace alone
 * - `narrowing`: rooms have their own again, which are not confirmed yet
 */
type Phase = 'narrow' | 'widening' | 'wide' | 'narrowing'

const RETRY_MS = 500
/** Messages that are remembered while two subscriptions bring them, which takes a round trip. */
const SIGHTS_MAX = 10_000

/** The rooms of one namespace. */
class Space<message> {
  readonly #wildcard: string
  readonly #options: FeedsOptions<message>
  readonly #onEmpty: () => void
  readonly #rooms = new Map<string, Room<message>>()
  #all: Take<message> | null = null
  #wide: Subscribed | null = null
  #phase: Phase = 'narrow'
  /** Counts changes of the phase: whoever waits for a confirmation knows by it that it is out of date. */
  #turns = 0
  /** Of each message that came from one side only so far, how often: above zero from a room's, below from the namespace's. */
  #sights: Map<string, number> | null = null

  constructor(wildcard: string, options: FeedsOptions<message>, onEmpty: () => void) {
    this.#wildcard = wildcard
    this.#options = options
    this.#onEmpty = onEmpty
  }

  listen(subject: string, take: Take<message>): Subscribed {
    const room: Room<message> = { take, subscribed: null }
    this.#rooms.set(subject, room)
    if (this.#phase !== 'wide') this.#open(subject, room)
    const denied = (): boolean => (room.subscribed ?? this.#wide)?.denied ?? false
    return {
      get denied() {
        return denied()
      },
      unsubscribe: () => {
        room.subscribed?.unsubscribe()
        if (this.#rooms.get(subject) === room) this.#rooms.delete(subject)
        this.#checkEmpty()
      },
    }
  }

  listenAll(take: Take<message>): Subscribed {
    if (this.#all !== null) throw new Error('a namespace is followed once')
    this.#all = take
    // One that is being closed is kept: it has brought every message so far.
    if (this.#phase === 'narrowing') this.#toWide()
    else void this.#widen()
    const denied = (): boolean => this.#wide?.denied ?? false
    return {
      get denied() {
        return denied()
      },
      unsubscribe: () => {
        this.#all = null
        void this.#narrow()
      },
    }
  }

  #open(subject: string, room: Room<message>): void {
    room.subscribed = this.#options.listen(subject, (message) => this.#hear(message, subject, 1))
  }

  #hear(message: message, subject: string, side: 1 | -1): void {
    if (this.#isSecondSight(message, subject, side)) return
    this.#rooms.get(subject)?.take(message, subject)
    this.#all?.(message, subject)
  }

  #isSecondSight(message: message, subject: string, side: 1 | -1): boolean {
    const { identify } = this.#options
    if (this.#sights === null || identify === null) return false
    const id = identify(message, subject)
    const count = this.#sights.get(id) ?? 0
    if (count + side === 0) this.#sights.delete(id)
    else this.#sights.set(id, count + side)
    if (this.#sights.size > SIGHTS_MAX) this.#sights.clear()
    return count * side < 0
  }

  async #widen(): Promise<void> {
    const turn = this.#turn('widening')
    this.#sights ??= new Map()
    this.#wide = this.#options.listen(this.#wildcard, (message, subject) => this.#hear(message, subject, -1))
    if (!(await this.#confirmed(turn))) return
    // Where it may not be heard, rooms keep their own.
    if (this.#wide.denied) this.#sights = null
    else this.#toWide()
  }

  /** From here on rooms have no subscription of their own. */
  #toWide(): void {
    const turn = this.#turn('wide')
    for (const room of this.#rooms.values()) {
      room.subscribed?.unsubscribe()
      room.subscribed = null
    }
    void this.#rest(turn)
  }

  async #narrow(): Promise<void> {
    if (this.#phase === 'wide') {
      const turn = this.#turn('narrowing')
      this.#sights ??= new Map()
      for (const [subject, room] of this.#rooms) this.#open(subject, room)
      if (!(await this.#confirmed(turn))) return
    }
    const turn = this.#turn('narrow')
    this.#wide?.unsubscribe()
    this.#wide = null
    this.#checkEmpty()
    await this.#rest(turn)
  }

  /** What was on its way when one side was closed may still come from the other alone. */
  async #rest(turn: number): Promise<void> {
    if (await this.#confirmed(turn)) this.#sights = null
  }

  async #confirmed(turn: number): Promise<boolean> {
    while (this.#turns === turn) {
      if (await this.#options.confirm()) return this.#turns === turn
      await pause(RETRY_MS, undefined, { ref: false })
    }
    return false
  }

  #turn(phase: Phase): number {
    this.#phase = phase
    return ++this.#turns
  }

  #checkEmpty(): void {
    if (this.#rooms.size === 0 && this.#phase === 'narrow' && this.#wide === null) this.#onEmpty()
  }
}
