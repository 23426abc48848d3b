// Chapter 16, recovery: a join with `since` tells every missed message in order and then what is live, or says with a `gap` that it cannot.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like, NotRun } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { contiguous, messagesOf, publishAll } from './history.ts'

interface Position {
  readonly epoch: unknown
  readonly offset: unknown
  readonly time?: unknown
}

/** The position that an `ok` of a join tells. */
function positionOf({ epoch, offset, time }: Frame): Position {
  return { epoch, offset, ...(time === undefined ? {} : { time }) }
}

/** A member that joins and goes away again; resolves with where it stood. */
async function visit(bench: Bench, room: string): Promise<Position> {
  await using peer = await bench.user()
  return positionOf(await peer.ok({ type: 'join', room }))
}

async function nothingMissed(bench: Bench): Promise<void> {
  const room = bench.room('history')
  const since = await visit(bench, room)
  const peer = await bench.user({ at: 1 })
  like('the `ok`', await peer.ok({ type: 'join', room, since }), { recovered: true, epoch: since.epoch })
  equal('messages', messagesOf(peer, room), [])
}

async function missed(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  // It has joined, received nothing, and dropped.
  const since = await visit(bench, room)
  const answers = await publishAll(publisher, room, [1, 2, 3])
  const peer = await bench.user({ at: 1 })
  const joined = await peer.ok({ type: 'join', room, since })
  like('the `ok`', joined, { recovered: true, epoch: since.epoch })
  holds(Number(joined.offset) >= Number(answers[2]?.offset), 'the position of the last message at least', joined)
  const order = peer.frames.filter(({ type }) => ['message', 'ok'].includes(type)).map(({ type }) => type)
  equal('the missed messages before the `ok`', order.slice(0, 4), ['message', 'message', 'message', 'ok'])
  await publisher.ok({ type: 'publish', room, data: 4 })
  await peer.next(({ data }) => data === 4, 'the live message')
  equal('data', peer.dataOf(room), [1, 2, 3, 4])
  contiguous(messagesOf(peer, room), Number(since.offset))
  // From the middle: what was seen is not told again.
  const middle = await bench.user()
  const second = messagesOf(peer, room)[1]
  like(
    'the `ok`',
    await middle.ok({ type: 'join', room, since: { epoch: since.epoch, offset: second?.offset, time: second?.time } }),
    { recovered: true },
  )
  equal('data', middle.dataOf(room), [3, 4])
}

async function underTraffic(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  const since = await visit(bench, room)
  const count = Math.min(60, bench.limit('publishBurst') - 5)
  const all = Array.from({ length: count }, (_, data) => data)
  const peers: Peer[] = []
  for (let n = 0; n < 3; n++) peers.push(await bench.user({ at: n % 2 === 0 ? 0 : 1 }))
  const publishing = publishAll(publisher, room, all)
  const joins = peers.map((peer) => peer.ok({ type: 'join', room, since }))
  const [, ...answers] = await Promise.all([publishing, ...joins])
  for (const joined of answers) like('the `ok`', joined, { recovered: true })
  for (const peer of peers) {
    await peer.next(({ data }) => data === count - 1, 'the last message')
    await peer.settled()
    equal('every message once, in order', peer.dataOf(room), all)
    contiguous(messagesOf(peer, room), Number(since.offset))
  }
}

async function notRecovered(
  bench: Bench,
  room: string,
  since: object,
  reason: string,
  behind: readonly unknown[] | null = null,
): Promise<void> {
  const peer = await bench.user()
  const joined = await peer.ok({ type: 'join', room, since })
  if (behind !== null) unlessWhole(peer, joined, room, behind)
  like(`the \`ok\` of a join since ${JSON.stringify(since)}`, joined, { recovered: false })
  const [first, ...others] = peer.frames.filter(({ type }) => ['gap', 'message'].includes(type))
  like('what comes before that `ok`', first, { type: 'gap', room, reason, epoch: joined.epoch })
  equal('what else comes before it', others, [])
  holds(Number.isSafeInteger(first?.offset), '`offset` of the `gap`', first)
  // Then it is live, from the position that was told.
  const { offset } = await (await bench.user()).ok({ type: 'publish', room, data: 'live' })
  const live = await peer.message(room)
  like('the live message', live, { data: 'live', offset })
  contiguous([live], Math.max(Number(joined.offset), Number(first?.offset)))
}

async function bogus(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  const { epoch } = await publisher.ok({ type: 'join', room })
  const [first] = await publishAll(publisher, room, [1, 2])
  await notRecovered(bench, room, { epoch: 'another-epoch', offset: first?.offset }, 'epoch')
  await notRecovered(bench, room, { epoch, offset: 2 ** 52 }, 'ahead')
  await notRecovered(bench, room, { epoch, offset: first?.offset, time: 1 }, 'mismatch')
}

/** A room in which more was published than is kept, the position of its first message, and the data behind that. */
async function outgrown(bench: Bench): Promise<{ room: string; since: Position; behind: readonly unknown[] }> {
  const [room, publisher] = [bench.room('brief'), await bench.user()]
  // Nobody joins: a server may recover from its memory more than is kept, for rooms that it follows.
  await publisher.ok({ type: 'publish', room, data: 'first' })
  const { messages, epoch } = await publisher.ok({ type: 'history', room, limit: 1 })
  const first = (messages as Frame[])[0]
  const behind = Array.from({ length: 12 }, (_, data) => data)
  await publishAll(publisher, room, behind)
  return { room, since: { epoch, offset: first?.offset, time: first?.time }, behind }
}

/** Fails where recovery is claimed and messages are missing; what was recovered whole cannot show a `gap`. */
function unlessWhole(peer: Peer, joined: Frame, room: string, behind: readonly unknown[]): void {
  if (joined.recovered !== true) return
  equal('what was told of a room that was recovered', peer.dataOf(room), behind)
  throw new NotRun('the server had more messages than it is configured to keep')
}

async function expired(bench: Bench): Promise<void> {
  const { room, since, behind } = await outgrown(bench)
  await notRecovered(bench, room, since, 'expired', behind)
}

async function expiredForEveryone(bench: Bench): Promise<void> {
  const { room, since, behind } = await outgrown(bench)
  // The first one may have made the server follow the room, and read what is left of it.
  for (let n = 0; n < 3; n++) {
    const peer = await bench.user()
    const joined = await peer.ok({ type: 'join', room, since })
    if (joined.recovered === true) equal('what was told of a room that was recovered', peer.dataOf(room), behind)
    else
      holds(
        peer.frames.some(({ type }) => type === 'gap'),
        'a `gap` where nothing was recovered',
        peer.frames.at(-1),
      )
  }
}

async function expiredWithHistory(bench: Bench): Promise<void> {
  const { room, since, behind } = await outgrown(bench)
  const peer = await bench.user()
  const joined = await peer.ok({ type: 'join', room, since, history: 3 })
  unlessWhole(peer, joined, room, behind)
  const [gap, ...messages] = peer.frames.filter(({ type }) => ['gap', 'message'].includes(type))
  like('what comes first', gap, { type: 'gap', reason: 'expired' })
  equal('the last messages', peer.dataOf(room), behind.slice(-3))
  contiguous(messages, Number(gap?.offset))
}

async function lastOnes(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  await publishAll(publisher, room, [1, 2, 3, 4, 5])
  const peer = await bench.user({ at: 1 })
  const answered = peer.ok({ type: 'join', room, history: 3 })
  const live = publishAll(publisher, room, [6, 7])
  await Promise.all([answered, live])
  await peer.next(({ data }) => data === 7, 'the last message')
  const data = peer.dataOf(room)
  // Those published meanwhile may count among the last ones.
  holds(data.length >= 3 && data.length <= 5, 'three messages and what is live', data)
  equal('messages without a hole', data, [3, 4, 5, 6, 7].slice(-data.length))
  const messages = messagesOf(peer, room)
  contiguous(messages.slice(1), Number(messages[0]?.offset))
}

const kept = { features: ['history'], namespaces: ['history'] } as const
const brief = { features: ['history'], namespaces: ['brief'] } as const

/** Checks of recovery. */
export const RECOVERY_CHECKS: readonly Check[] = [
  { clauses: ['16.5'], name: 'who missed nothing is recovered', ...kept, run: nothingMissed },
  { clauses: ['16.4', '16.5', '16.7'], name: 'missed messages come in order, before the `ok`', ...kept, run: missed },
  { clauses: ['16.5', '16.7'], name: 'recovery has no hole while others publish', ...kept, run: underTraffic },
  { clauses: ['16.6'], name: 'a join may ask for the last messages', ...kept, run: lastOnes },
  { clauses: ['16.8', '16.5'], name: 'a position of another history is told by a `gap`', ...kept, run: bogus },
  { clauses: ['16.8', '16.5'], name: 'what is no longer kept is told by a `gap`', ...brief, run: expired },
  {
    clauses: ['16.5'],
    name: 'what is no longer kept is told to everyone who joins',
    ...brief,
    run: expiredForEveryone,
  },
  { clauses: ['16.6', '16.8'], name: 'the last messages come behind the `gap`', ...brief, run: expiredWithHistory },
]
