import { createRoomView, type EntryMember, parseRoom, type Room } from '@sluice/proto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FakeConnection, fakeConnection, recordingOutbox } from '../../../test/harness/session-fakes.ts'
import { createWatchedRoom } from './watched-room.ts'

const USERS = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay']
const WATCHERS = 6

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change'), who: fc.nat(2 ** USERS.length - 1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush'), who: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('begin', 'end'), who: fc.nat(WATCHERS - 1) }) },
)

/** What a client makes of what it is told. */
class Replica {
  readonly #connection: FakeConnection
  readonly #outbox: ReturnType<typeof recordingOutbox>
  #read: number
  readonly users: Set<string>

  constructor(
    connection: FakeConnection,
    outbox: ReturnType<typeof recordingOutbox>,
    members: readonly { readonly user: string }[],
  ) {
    this.#connection = connection
    this.#outbox = outbox
    this.#read = outbox.rawOf(connection).length
    this.users = new Set(members.map(({ user }) => user))
  }

  /** Reads on; whatever it is told must be new to it. */
  read(): void {
    for (const raw of this.#outbox.rawOf(this.#connection).slice(this.#read)) {
      this.#read++
      for (const frame of framesOf(raw)) {
        if (frame.type === 'members') {
          this.users.clear()
          for (const { user } of frame.members ?? []) this.users.add(user)
        } else {
          const user = frame.member?.user ?? ''
          expect([frame.type, this.users.has(user)]).toEqual([frame.type, frame.type === 'left'])
          if (frame.type === 'joined') this.users.add(user)
          else this.users.delete(user)
        }
      }
    }
  }
}

test('whatever the turns, what a watcher was told is the view, no change comes twice, and after its end nothing comes', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.integer({ min: 2, max: 12 }),
      (steps, membersMax) => {
        const outbox = recordingOutbox()
        const view = createRoomView((instance) => instance)
        const room = parseRoom('lobby', 128) as Room
        const watched = createWatchedRoom(room, view, outbox, { membersMax, sampleMax: membersMax, countsEveryMs: 2 })
        const connections = Array.from({ length: WATCHERS }, (_, at) => fakeConnection({ number: at + 1 }))
        const replicas = new Map<FakeConnection, Replica>()
        let [revision, now] = [0, 0]
        for (const { kind, who } of steps) {
          const connection = connections[who] as FakeConnection
          if (kind === 'change') {
            const users = USERS.filter((_, at) => ((who >> at) & 1) === 1)
            const members = users.map((user) => ({ user, connections: 1 }) as EntryMember)
            revision++
            watched.changed(view.put({ instance: 'gw-1', chunk: 0 }, revision, members))
          } else if (kind === 'flush') watched.flush(now++, who)
          else if (kind === 'begin' && !replicas.has(connection)) {
            replicas.set(connection, new Replica(connection, outbox, watched.begin(connection).members))
          } else if (kind === 'end' && replicas.delete(connection)) watched.end(connection)
          for (const replica of replicas.values()) replica.read()
        }
        const sent = new Map(connections.map((connection) => [connection, outbox.rawOf(connection).length]))
        while (watched.flush(now++, 3).rest !== 'nothing');
        for (const [connection, before] of sent) {
          if (!replicas.has(connection)) expect(outbox.rawOf(connection)).toHaveLength(before)
        }
        if (view.count > membersMax) return
        for (const replica of replicas.values()) {
          replica.read()
          expect([...replica.users].sort()).toEqual([...view.members].map(({ user }) => user).sort())
        }
      },
    ),
    { numRuns: 500 },
  )
})

interface Told {
  readonly type: string
  readonly member?: { readonly user: string }
  readonly members?: readonly { readonly user: string }[]
}

/** Several frames may be one buffer. */
function framesOf(buffer: Buffer): Told[] {
  const frames: Told[] = []
  for (let at = 0; at < buffer.length; ) {
    const short = buffer[at + 1] as number
    const [head, length] = short === 126 ? [4, buffer.readUInt16BE(at + 2)] : [2, short]
    frames.push(JSON.parse(buffer.toString('utf8', at + head, at + head + length)))
    at += head + length
  }
  return frames
}
