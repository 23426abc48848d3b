// Histories for unit tests: messages with places, and the part of a stream that one room sees, as a gateway reads it. What happens
// between two steps of whoever reads is the test's to say. Real streams are tested with a real server.
import { setImmediate as turn } from 'node:timers/promises'
import type { Position } from '@sluice/proto'
import type { StoredInbound } from '../../gateway/src/backplane/inbound.ts'
import type { CheckedStream } from '../../gateway/src/history/checks.ts'
import type { Gap } from '../../gateway/src/history/log.ts'
import type { Page, Reads } from '../../gateway/src/history/repair.ts'
import { inbound } from './fanout-fakes.ts'

/** A message of a history whose content is its offset; it was stored at 1000 ms and its offset. */
export function storedAt(offset: number, prev: number, fields: Partial<StoredInbound> = {}): StoredInbound {
  return { ...inbound(offset), place: { offset, prev, time: 1000 + offset }, ...fields } as StoredInbound
}

interface Kept {
  readonly message: StoredInbound
  readonly own: boolean
}

/** A stream as one of its rooms sees it. Every answer is given at once, and comes a turn later. */
export class FakeStream {
  epoch = 'e1'
  sequence = 0
  now = 1000
  messagesPerSubject = 1000
  ageMs = Number.POSITIVE_INFINITY
  pageMax = 4
  /** Every message of the room that was ever stored, by epoch. */
  readonly ever = new Map<string, StoredInbound[]>()
  /** What happens while an answer is on its way. */
  meanwhile: () => void | Promise<void> = () => undefined
  /** Reads that were made. */
  readonly asked: string[] = []
  #kept: Kept[] = []

  /** The room's messages that are kept. */
  get messages(): StoredInbound[] {
    return this.#kept.filter(({ own }) => own).map(({ message }) => message)
  }

  /** Of all rooms. */
  get firstSequence(): number {
    return this.#kept[0]?.message.place.offset ?? this.sequence + 1
  }

  /** Of the last message of all rooms. */
  get lastTime(): number {
    return this.#kept.at(-1)?.message.place.time ?? this.now
  }

  get last(): Position | null {
    return this.messages.at(-1)?.place ?? null
  }

  /** Stores a message of the room; its copy. */
  publish(fields: Partial<StoredInbound> = {}): StoredInbound {
    const place = { offset: ++this.sequence, prev: this.last?.offset ?? 0, time: ++this.now }
    const message = storedAt(place.offset, place.prev, { ...fields, place })
    this.#kept.push({ message, own: true })
    this.ever.set(this.epoch, [...(this.ever.get(this.epoch) ?? []), message])
    while (this.messages.length > this.messagesPerSubject) this.delete(this.messages[0]?.place.offset ?? 0)
    return message
  }

  /** Other rooms store as many. */
  others(count = 1): void {
    for (let at = 0; at < count; at++) {
      this.#kept.push({
        message: storedAt(++this.sequence, 0, { place: { offset: this.sequence, prev: 0, time: ++this.now } }),
        own: false,
      })
    }
  }

  /** Time passes, and what is too old goes. */
  age(ms: number): void {
    this.now += ms
    this.#kept = this.#kept.filter(({ message }) => this.now - message.place.time < this.ageMs)
  }

  delete(offset: number): void {
    this.#kept = this.#kept.filter(({ message }) => message.place.offset !== offset)
  }

  purge(): void {
    this.#kept = []
  }

  /** Another stream under the same name. */
  recreate(epoch: string, sequence = 0): void {
    this.epoch = epoch
    this.#kept = []
    this.sequence = sequence
    this.now++
  }

  readonly reads: Reads = {
    forward: (_, from, upTo) => this.#answer(`forward ${from} ${upTo}`, this.#forward(from, upTo)),
    backward: (_, before, messagesMax, upTo) => {
      const below = this.messages.filter(({ place }) => place.offset < before)
      const messages = chained(below.slice(-messagesMax), below.at(-messagesMax - 1)?.place.offset ?? 0)
      return this.#answer(`backward ${before} ${messagesMax} ${upTo}`, { messages, more: below.length > messagesMax })
    },
    stream: () =>
      this.#answer('stream', {
        epoch: this.epoch,
        firstSequence: this.firstSequence,
        lastSequence: this.sequence,
        messagesPerSubject: this.messagesPerSubject,
        ageMs: this.ageMs,
        now: this.now,
      }),
  }

  /** Checks of logs that follow it. */
  readonly state = (): Promise<CheckedStream | null> =>
    this.#answer('state', { epoch: this.epoch, lastSequence: this.sequence, lastTime: this.lastTime, now: this.now })

  readonly lasts = (_: string, subjects: readonly string[]): Promise<ReadonlyMap<string, Position>> =>
    this.#answer('lasts', new Map(subjects.flatMap((subject) => (this.last === null ? [] : [[subject, this.last]]))))

  #forward(from: number, upTo: number): Page {
    const all = this.messages.filter(({ place }) => place.offset >= from)
    const messages = chained(all.slice(0, this.pageMax), Math.max(0, from - 1))
    const reached = messages.at(-1)?.place.offset ?? 0
    return { messages, more: all.length > this.pageMax, following: upTo > 0 && reached === 0 ? 0 : all.length }
  }

  async #answer<value>(asked: string, value: value): Promise<value> {
    this.asked.push(asked)
    await turn()
    await this.meanwhile()
    return value
  }
}

/** As a read tells them: what it has read before is all that it knows. */
function chained(messages: readonly StoredInbound[], bound: number): StoredInbound[] {
  return messages.map((message, at) => {
    const prev = messages[at - 1]?.place.offset ?? bound
    return { ...message, place: { ...message.place, prev } }
  })
}

/** What one client saw of a room, and whether it can be true: the rule of "contiguous". */
export class Witness {
  readonly #stream: FakeStream
  epoch: string
  position: number
  /** What is wrong, in sentences. */
  readonly broken: string[] = []
  readonly offsets: number[] = []
  readonly gaps: Gap[] = []
  readonly #seen: { readonly epoch: string; readonly from: number; readonly to: number }[] = []

  constructor(stream: FakeStream, epoch: string, position: number) {
    this.#stream = stream
    this.epoch = epoch
    this.position = position
  }

  message({ place: { offset, prev } }: StoredInbound): void {
    if (offset <= this.position) this.broken.push(`${offset} came after ${this.position}`)
    if (prev > this.position) this.broken.push(`${offset} is behind ${prev}, which did not come after ${this.position}`)
    this.#advance(offset)
    this.offsets.push(offset)
  }

  gap(gap: Gap): void {
    this.gaps.push(gap)
    const back = gap.epoch === this.epoch && gap.position.offset < this.position
    if (back) this.broken.push(`a gap ends at ${gap.position.offset}, before ${this.position}`)
    // Told: nobody expects what lies between.
    if (gap.epoch === this.epoch) this.#advance(gap.position.offset, true)
    this.epoch = gap.epoch
    this.position = gap.position.offset
  }

  /** An `ok`: live from here on. */
  ok(offset: number): void {
    if (offset < this.position) this.broken.push(`ok at ${offset} after ${this.position}`)
    this.#advance(offset)
  }

  /** Offsets that were stored while it was there, and neither came nor were told as missed. */
  unseen(): number[] {
    const came = new Set(this.offsets)
    const within = this.#seen.filter(({ epoch }) => epoch === this.epoch)
    const due = (this.#stream.ever.get(this.epoch) ?? []).map(({ place }) => place.offset)
    return due.filter((offset) => !came.has(offset) && within.some(({ from, to }) => offset > from && offset <= to))
  }

  #advance(to: number, told = false): void {
    if (!told) this.#seen.push({ epoch: this.epoch, from: this.position, to })
    this.position = Math.max(this.position, to)
  }
}
