// Gateways that join, leave, crash and come back at random, and watchers that hear of it late, twice and in any order.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { UserName } from '../names.ts'
import { createChunks } from './chunks.ts'
import { leaseKey } from './keys.ts'
import { createLiveness } from './liveness.ts'
import { createRoomView, type MemberChange, type RoomView } from './room-view.ts'
import { decodeRoomEntry, type EntryMember, type LeaseState, memberText, roomEntryText } from './values.ts'

interface EntryMessage {
  readonly kind: 'entry'
  readonly instance: string
  readonly chunk: number
  readonly revision: number
  readonly members: readonly EntryMember[] | null
}

interface LeaseMessage {
  readonly kind: 'lease'
  readonly instance: string
  readonly revision: number
  readonly state: LeaseState | 'gone'
  readonly adopts?: string
}

type Message = EntryMessage | LeaseMessage

const encoder = new TextEncoder()

/** One gateway and what it puts into the two buckets. */
class Gateway {
  readonly #log: Message[]
  readonly #chunks = createChunks({ itemsMax: 3, bytesMax: 10_000 })
  readonly #name: string
  #life = 0
  members = new Map<string, number>()

  constructor(name: string, log: Message[]) {
    this.#name = name
    this.#log = log
    this.lease('up')
  }

  get instance(): string {
    return `${this.#name}-${this.#life}`
  }

  lease(state: LeaseState | 'gone', adopts?: string): void {
    const revision = this.#log.length + 1
    this.#log.push({ kind: 'lease', instance: this.instance, revision, state, ...(adopts ? { adopts } : {}) })
  }

  connect(user: string, connections: number): void {
    if (connections > 0) {
      this.members.set(user, connections)
      this.#chunks.set(user, memberText({ user: user as UserName, connections }))
    } else {
      this.members.delete(user)
      this.#chunks.delete(user)
    }
  }

  flush(): void {
    for (const { chunk, texts } of this.#chunks.take()) {
      const read = texts === null ? null : decodeRoomEntry(encoder.encode(roomEntryText(texts)))
      if (read === 'newer') throw new Error('no entry of this release is newer')
      this.#log.push({ kind: 'entry', instance: this.instance, chunk, revision: this.#log.length + 1, members: read })
    }
  }

  /** The lease was declared dead: a new instance adopts it and announces everything again. */
  loseLease(): void {
    const former = this.instance
    this.lease('dead')
    this.#life++
    this.lease('announcing', former)
    this.#chunks.rewrite()
    this.flush()
    this.lease('up', former)
  }

  /** The process is gone, and another begins with nothing. */
  crash(): void {
    this.lease('dead')
    for (const user of [...this.members.keys()]) this.connect(user, 0)
    this.#life++
    this.#chunks.rewrite()
    this.lease('up')
  }
}

type Operation = readonly [gateway: number, what: 'connect' | 'flush' | 'lose' | 'crash', user: string, count: number]

const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.nat({ max: 2 }),
  fc.oneof(
    { weight: 10, arbitrary: fc.constant('connect' as const) },
    { weight: 6, arbitrary: fc.constant('flush' as const) },
    { weight: 1, arbitrary: fc.constant('lose' as const) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  ),
  fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve', '__proto__'),
  fc.nat({ max: 2 }),
)

/** Lives through the operations; what was put on NATS, and who is there at the end. */
function live(operations: readonly Operation[]): { log: Message[]; expected: Record<string, number> } {
  const log: Message[] = []
  const gateways = ['a', 'b', 'c'].map((name) => new Gateway(name, log))
  for (const [at, what, user, count] of operations) {
    const gateway = gateways[at]!
    if (what === 'connect') gateway.connect(user, count)
    else if (what === 'flush') gateway.flush()
    else if (what === 'lose') gateway.loseLease()
    else gateway.crash()
  }
  for (const gateway of gateways) gateway.flush()
  const expected = new Map<string, number>()
  for (const { members } of gateways)
    for (const [user, count] of members) expected.set(user, (expected.get(user) ?? 0) + count)
  return { log, expected: Object.fromEntries([...expected].sort()) }
}

/** A watcher that checks at each step that its history of events is that of its view. */
class Watcher {
  readonly #liveness = createLiveness('written')
  readonly view: RoomView = createRoomView(this.#liveness.countsAs)
  readonly history: string[] = []
  readonly #present = new Set<string>()

  hear(message: Message): void {
    if (message.kind === 'entry') {
      this.#see(this.view.put(message, message.revision, message.members))
      return
    }
    const { instance, state, adopts } = message
    const value = state === 'gone' ? null : { name: instance, version: '1', state, ...(adopts ? { adopts } : {}) }
    const { counting } = this.#liveness.put(leaseKey('gateway', instance), message.revision, value, 0)
    if (counting.length > 0) this.#see(this.view.recount())
  }

  /** Our own renewal returns after all leases have settled. */
  settle(): void {
    this.#liveness.ownReturned(Number.MAX_SAFE_INTEGER, 3000, 3000)
    this.#see(this.view.recount())
  }

  get members(): Record<string, number> {
    return Object.fromEntries(
      [...this.view.members].map(({ user, connections }) => [user, connections] as const).sort(),
    )
  }

  #see(changes: readonly MemberChange[]): void {
    for (const { kind, member } of changes) {
      this.history.push(`${kind} ${member.user}`)
      // Never two joins without a leave between, never a leave of one who is not there.
      expect(this.#present.has(member.user)).toBe(kind === 'left')
      if (kind === 'left') this.#present.delete(member.user)
      else this.#present.add(member.user)
    }
    const members = [...this.view.members]
    expect(new Set(members.map(({ user }) => user as string))).toEqual(this.#present)
    expect(this.view.count).toBe(members.length)
    expect(this.view.connections).toBe(members.reduce((sum, { connections }) => sum + connections, 0))
  }
}

const operations = fc.array(operation, { maxLength: 60 })

/** Any order of all messages, some of them twice. */
function shuffled(log: readonly Message[]): fc.Arbitrary<Message[]> {
  return fc
    .tuple(fc.shuffledSubarray([...log], { minLength: log.length }), fc.shuffledSubarray([...log]))
    .map(([all, again]) => all.flatMap((message, at) => (again[at] === undefined ? [message] : [message, again[at]])))
}

test('every watcher ends with the view that is right, and its events are consistent, whatever order it hears', () => {
  const heard = operations.chain((operations) => {
    const world = live(operations)
    return shuffled(world.log).map((messages) => ({ messages, ...world }))
  })
  fc.assert(
    fc.property(heard, ({ messages, expected }) => {
      const watcher = new Watcher()
      for (const message of messages) watcher.hear(message)
      watcher.settle()
      expect(watcher.members).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

test('two watchers that hear all in order tell the same events, and one that hears each twice, too', () => {
  fc.assert(
    fc.property(operations, (operations) => {
      const { log, expected } = live(operations)
      const [once, twice] = [new Watcher(), new Watcher()]
      for (const message of log) {
        once.hear(message)
        twice.hear(message)
        twice.hear(message)
      }
      for (const watcher of [once, twice]) watcher.settle()
      expect(once.members).toEqual(expected)
      expect(twice.history).toEqual(once.history)
    }),
  )
})

test('a lost lease shows nobody leaving who stays, however leases and entries cross', () => {
  const users = fc.uniqueArray(fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gus'), { minLength: 1 })
  const crossing = users.chain((users) => {
    const log: Message[] = []
    const gateway = new Gateway('a', log)
    for (const user of users) gateway.connect(user, 1)
    gateway.flush()
    const before = log.length
    gateway.loseLease()
    const after = log.slice(before)
    // The new lease is there before the old one is found dead: it is the gateway itself that finds it.
    const leases = after.filter(({ kind }) => kind === 'lease').filter((message) => !isDead(message))
    const entries = after.filter(({ kind }) => kind === 'entry')
    const dead = after.filter(isDead)
    return fc
      .array(fc.boolean(), { minLength: after.length, maxLength: after.length })
      .map((picks) => ({ head: log.slice(0, before), tail: crossed([...leases, ...dead], entries, picks), users }))
  })
  fc.assert(
    fc.property(crossing, ({ head, tail, users }) => {
      const watcher = new Watcher()
      for (const message of [...head, ...tail]) watcher.hear(message)
      watcher.settle()
      expect(watcher.history.filter((line) => line.startsWith('left'))).toEqual([])
      expect(watcher.view.count).toBe(users.length)
    }),
  )
})

function isDead(message: Message): boolean {
  return message.kind === 'lease' && message.state === 'dead'
}

/** Two streams, each in its order, interleaved by picks. */
function crossed(first: Message[], second: Message[], picks: readonly boolean[]): Message[] {
  const [left, right] = [[...first], [...second]]
  const merged: Message[] = []
  for (const pick of picks) {
    const next = (pick ? left : right).shift() ?? left.shift() ?? right.shift()
    if (next !== undefined) merged.push(next)
  }
  return [...merged, ...left, ...right]
}
