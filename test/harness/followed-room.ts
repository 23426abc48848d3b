// A room with a history on a gateway that follows it, for unit tests of those who catch up with it: its log, its reads over a stream
// that the test fills, and connections that note what they were sent.
import type { RoomName } from '@sluice/proto'
import { type CatchUpWish, type CaughtUp, catchUp, type Joiner } from '../../gateway/src/history/catch-up.ts'
import { createFills } from '../../gateway/src/history/fills.ts'
import { createLog, type Gap, type Log } from '../../gateway/src/history/log.ts'
import { createRepair } from '../../gateway/src/history/repair.ts'
import { createRing, type RingEntry } from '../../gateway/src/history/ring.ts'
import { FakeStream, type Witness } from './history-fakes.ts'

/** What a connection saw: offsets of messages, gaps, and where it became a member. */
export type Event = number | Gap | 'member'

/** A room on a gateway that follows it, and connections that catch up with it. Copies come at once, unless a test loses them. */
export function followedRoom({ messagesPerSubject = 1000, ringMessages = 5, reads = 4 } = {}) {
  const stream = new FakeStream()
  stream.messagesPerSubject = messagesPerSubject
  stream.pageMax = reads
  const members = new Set<(event: RingEntry | Gap) => void>()
  const repair = createRepair({
    reads: stream.reads,
    check: () => undefined,
    rolledBack: () => undefined,
    onRepaired: () => undefined,
    onRetry: (_, error) => {
      throw error
    },
  })
  function tell(event: RingEntry | Gap): void {
    for (const hear of members) hear(event)
  }
  const log: Log = createLog({
    about: { kind: 'room', name: 'a' as RoomName },
    subject: 'pub.a',
    stream: 'S',
    ring: createRing({ messagesMax: ringMessages, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax: 100,
    onMessage: tell,
    onGap: tell,
    onMissing: repair,
    onDoubt: () => undefined,
  })
  const fills = createFills(stream.reads)
  const check = (): void => log.checked(stream.epoch, { offset: stream.sequence, time: stream.now }, stream.last)

  function joiner(options: { room?: () => boolean; paced?: () => void | Promise<void>; witness?: Witness } = {}) {
    const events: Event[] = []
    const hear = (event: RingEntry | Gap): void => {
      if ('frames' in event) {
        events.push(event.frames.message.place.offset)
        options.witness?.message(event.frames.message)
      } else {
        events.push(event)
        options.witness?.gap(event)
      }
    }
    const one = {
      alive: true as boolean,
      level: true,
      events,
      send(entry: RingEntry): boolean {
        hear(entry)
        return options.room?.() ?? true
      },
      sendGap: hear,
      async paced(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve))
        await options.paced?.()
      },
      finish(): boolean {
        if (!one.alive) return false
        members.add(hear)
        events.push('member')
        return true
      },
    } satisfies Joiner & { events: Event[] }
    return one
  }

  return {
    stream,
    log,
    fills,
    check,
    joiner,
    publish(count = 1): void {
      for (let n = 0; n < count; n++) log.receive(stream.publish())
    },
    lose(count = 1): void {
      for (let n = 0; n < count; n++) stream.publish()
    },
    join: (one: Joiner, wish: Partial<CatchUpWish> = {}): Promise<CaughtUp | null> =>
      catchUp(one, log, { since: null, last: 0, ...wish }, { fills, stream: stream.reads.stream }),
    since: (offset: number, time?: number, epoch = 'e1'): Partial<CatchUpWish> => ({ since: { epoch, offset, time } }),
  }
}
