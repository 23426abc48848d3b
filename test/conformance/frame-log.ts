// What one socket asked and was told, held against what is true of every conversation: an answer belongs to a request and comes once
// [P-5.2], messages of a room come between the `ok` of its join, or `added`, and the `ok` of its leave, or `removed` [P-6.2],
// [P-6.4], [P-19.9], and stored ones are a chain [P-16.7]. Never waits.
import { shown } from './expectation.ts'
import type { Frame } from './frame-codec.ts'
import { faultOf, type Observations } from './observation.ts'

interface Asked {
  readonly type: string
  readonly room: string | null
  /** A join that asks for stored messages gets them before its `ok`. */
  readonly stored: boolean
  /** A publish whose `ok` takes the place of its message [P-16.10]. */
  readonly silent: boolean
}

/** Watches one socket. */
export class FrameLog {
  readonly #observations: Observations
  /** By id: one that is used twice at once is answered as often, until the close [P-5.3]. */
  readonly #asked = new Map<string, Asked[]>()
  readonly #rooms = new Map<string, 'joining' | 'reading' | 'in' | 'added' | 'out'>()
  /** The offset up to which each room has been told; null while it is not known. */
  readonly #held = new Map<string, number | null>()
  #blind = false
  #welcomed = false

  constructor(observations: Observations) {
    this.#observations = observations
  }

  /** From now on frames are sent that nobody understands here: answers and rooms are no longer followed. */
  blind(): void {
    this.#blind = true
  }

  violation(clause: string, expected: string, came: string): void {
    this.#observations.note(clause, expected, came)
  }

  sent(frame: Frame): void {
    const room = typeof frame.room === 'string' ? canonical(frame.room) : null
    const stored = frame.since !== undefined || frame.history !== undefined
    const state = room === null ? undefined : this.#rooms.get(room)
    if (frame.type === 'join' && room !== null && state === 'added') {
      // What it recovers may come beside what is live [P-19.12].
      if (stored) this.#held.delete(room)
    } else if (frame.type === 'join' && room !== null && state !== 'in') {
      this.#rooms.set(room, stored ? 'reading' : 'joining')
      this.#held.set(room, offsetOf(frame.since))
    }
    if (typeof frame.id === 'number' || typeof frame.id === 'string') {
      const key = keyOf(frame.id)
      const asked = { type: frame.type, room, stored, silent: frame.echo === false }
      this.#asked.set(key, [...(this.#asked.get(key) ?? []), asked])
    } else if (frame.type === 'join' || frame.type === 'leave') this.blind()
  }

  received(frame: Frame): void {
    this.#observations.frames++
    const fault = faultOf(frame)
    if (fault !== null) this.violation(frame.type === 'error' ? '13.1' : '4.4', `a well-formed ${fault}`, shown(frame))
    if (!this.#welcomed && !['welcome', 'error'].includes(frame.type)) {
      this.violation('3.8', '`welcome` as the first frame', shown(frame))
    }
    if (frame.type === 'welcome') this.#welcomed = true
    if (this.#blind) return
    if (['ok', 'error', 'pong'].includes(frame.type) && frame.id !== undefined) this.#answered(frame)
    else if (typeof frame.room === 'string') {
      if (frame.type === 'message') this.#delivered(frame, frame.room)
      else if (frame.type === 'gap') {
        if (frame.offset !== undefined) this.#held.set(frame.room, offsetOf(frame))
      } else if (frame.type === 'added') this.#added(frame, frame.room)
      else if (frame.type === 'removed') this.#rooms.set(frame.room, 'out')
    }
  }

  #answered(frame: Frame): void {
    const key = keyOf(frame.id)
    const asked = this.#asked.get(key)?.shift()
    if (asked === undefined) {
      this.violation('5.2', 'one answer to each request', `another one: ${shown(frame)}`)
      return
    }
    if (this.#asked.get(key)?.length === 0) this.#asked.delete(key)
    if (asked.room === null) return
    if (asked.type === 'join') {
      if (frame.type === 'ok') this.#joined(frame, asked.room)
      else if (!this.#isIn(asked.room)) this.#rooms.set(asked.room, 'out')
    } else if (asked.type === 'leave' && frame.type === 'ok') this.#rooms.set(asked.room, 'out')
    else if (asked.type === 'publish' && asked.silent && this.#isIn(asked.room)) this.#link(frame, asked.room)
  }

  #isIn(room: string): boolean {
    const state = this.#rooms.get(room)
    return state === 'in' || state === 'added'
  }

  #added(frame: Frame, room: string): void {
    this.#rooms.set(room, 'added')
    this.#held.set(room, offsetOf(frame))
  }

  #joined(frame: Frame, room: string): void {
    this.#rooms.set(room, 'in')
    const [held, offset] = [this.#held.get(room) ?? null, offsetOf(frame)]
    if (offset !== null && (held === null || offset > held)) this.#held.set(room, offset)
  }

  /** A stored message, or the `ok` in its place, follows what was told of its room. */
  #link(frame: Frame, room: string): void {
    const offset = offsetOf(frame)
    const held = this.#held.get(room)
    if (offset === null || held === undefined || frame.duplicate === true) return
    if (held !== null && typeof frame.prev === 'number' && frame.prev > held) {
      this.violation('16.7', `no message of which the one before was missed; offset ${held} was told`, shown(frame))
    }
    if (held !== null && offset <= held)
      this.violation('16.5', `no message twice; offset ${held} was told`, shown(frame))
    this.#held.set(room, offset)
  }

  #delivered(frame: Frame, room: string): void {
    const state = this.#rooms.get(room)
    this.#link(frame, room)
    const all = this.#rooms.get(allOf(room))
    if (this.#isIn(room) || [state, all].some((one) => one === 'in' || one === 'reading')) return
    if (state === 'joining' || all === 'joining')
      this.violation('6.2', 'nothing of a room before the `ok` of its join', shown(frame))
    else if (state === 'out' || all === 'out')
      this.violation('6.4', 'nothing of a room after the `ok` of its leave', shown(frame))
    else this.violation('6.5', 'nothing of a room that this connection has not joined', shown(frame))
  }
}

function keyOf(id: unknown): string {
  return `${typeof id} ${String(id)}`
}

function offsetOf(value: unknown): number | null {
  const offset = (value as { offset?: unknown } | null | undefined)?.offset
  return Number.isSafeInteger(offset) ? Number(offset) : null
}

/** The pattern of all rooms of a room's namespace [P-2.5]. */
function allOf(room: string): string {
  const colon = room.indexOf(':')
  return `${colon === -1 ? 'default' : room.slice(0, colon)}:*`
}

function canonical(room: string): string {
  const name = room.startsWith('default:') && room !== 'default:*' ? room.slice('default:'.length) : room
  return name.includes(':') ? room : name
}
