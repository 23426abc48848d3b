// Chapter 21: all rooms of a namespace joined at once: who may, what comes and in which order, and what is not offered with it.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { roomSubject } from '../subject-token.ts'
import { contiguous, messagesOf, publishAll } from './history.ts'

/** The pattern of all rooms of a room's namespace. */
const allOf = (room: string): string => `${room.slice(0, room.indexOf(':'))}:*`

/** Messages of some rooms, in the order in which they came. */
function among({ frames }: Peer, rooms: readonly string[]): Frame[] {
  return frames.filter(({ type, room }) => type === 'message' && rooms.includes(String(room)))
}

async function joinsAll(bench: Bench): Promise<void> {
  const rooms = [bench.room('wildcard'), bench.room('wildcard'), `${bench.room('wildcard')}:a b.*`.replace('*', '>')]
  const [member, publisher] = [await bench.user(), await bench.user({ at: 1 })]
  const room = allOf(rooms[0] ?? '')
  await member.ok({ type: 'join', room })
  await member.refused({ type: 'join', room }, 'already_joined')
  for (const [at, one] of rooms.entries()) await publisher.ok({ type: 'publish', room: one, data: at })
  await member.next(({ data, room: of }) => data === 2 && of === rooms[2], 'the last message')
  equal(
    'the rooms of the messages',
    among(member, rooms).map(({ room: of, data }) => [of, data]),
    [...rooms.map((of, at) => [of, at])],
  )
  await member.ok({ type: 'leave', room })
  await member.ok({ type: 'leave', room })
  await publisher.ok({ type: 'publish', room: rooms[0], data: 'after' })
  await bench.quiet(member, 'message after the `ok` of `leave`', ({ data }) => data === 'after')
}

async function refused(bench: Bench): Promise<void> {
  const [peer, room] = [await bench.user(), allOf(bench.room('wildcard'))]
  await peer.refused({ type: 'join', room: allOf(bench.room('open')) }, 'not_enabled')
  await peer.refused({ type: 'publish', room, data: 1 }, 'unsupported')
  await peer.refused({ type: 'history', room, limit: 1 }, 'unsupported')
  await peer.refused({ type: 'presence', room }, 'unsupported')
  for (const bad of ['*', 'a:b:*', '**', `${room}*`]) await peer.refused({ type: 'join', room: bad }, 'bad_request')
}

async function rights(bench: Bench): Promise<void> {
  const room = allOf(bench.room('granted'))
  const join = async (pattern: string): Promise<Peer> => bench.user({ grants: { join: [pattern] } })
  await (await join(room)).ok({ type: 'join', room })
  for (const pattern of ['*', 'default:*', bench.room('granted'), `${bench.namespace('granted')}:{user}`])
    await (await join(pattern)).refused({ type: 'join', room }, 'forbidden')
}

async function isNoMembership(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('wildcard'), await bench.user()]
  await peer.refused({ type: 'join', room: allOf(room), presence: true }, 'not_enabled')
  await peer.refused({ type: 'join', room: allOf(room), history: 3 }, 'not_enabled')
}

async function once(bench: Bench): Promise<void> {
  const [room, other, publisher] = [bench.room('wildcard'), bench.room('wildcard'), await bench.user({ at: 1 })]
  const [first, second] = [await bench.user(), await bench.user()]
  const { offset: held } = await first.ok({ type: 'join', room: allOf(room) })
  await first.ok({ type: 'join', room })
  await second.ok({ type: 'join', room })
  await second.ok({ type: 'join', room: allOf(room) })
  await publishAll(publisher, room, [1, 2])
  await publishAll(publisher, other, [3])
  for (const member of [first, second]) {
    await member.next(({ data }) => data === 3, 'the last message')
    await member.settled()
    equal('messages of the room that is joined', member.dataOf(room), [1, 2])
    equal('messages of another room', member.dataOf(other), [3])
  }
  await first.ok({ type: 'leave', room })
  await publishAll(publisher, room, [4])
  await first.next(({ data }) => data === 4, 'the message after leaving the room alone')
  for (const one of [room, other]) contiguous(messagesOf(first, one), Number(held))
}

async function position(bench: Bench): Promise<void> {
  const [room, other, publisher] = [bench.room('wildcard'), bench.room('wildcard'), await bench.user({ at: 1 })]
  const since = await visit(bench, room)
  for (let n = 0; n < 6; n++) await publisher.ok({ type: 'publish', room: n % 2 === 0 ? room : other, data: n })
  const back = await bench.user()
  const joined = await back.ok({ type: 'join', room: allOf(room), since })
  like('the `ok`', joined, { recovered: true, epoch: since.epoch })
  const recovered = among(back, [room, other])
  equal(
    'data, in the order in which it was stored',
    recovered.map(({ data }) => data),
    [0, 1, 2, 3, 4, 5],
  )
  for (const one of [room, other]) contiguous(messagesOf(back, one), Number(since.offset))
  await publisher.ok({ type: 'publish', room, data: 6 })
  const live = await back.next(({ data }) => data === 6, 'the live message')
  // Who asks for what it has from elsewhere gets it, and knows it by its offset.
  await back.ok({ type: 'join', room, since: { epoch: since.epoch, offset: since.offset } })
  const last = messagesOf(back, room).at(-1)
  holds(Number(last?.offset) <= Number(live.offset), 'an offset that is known', last)
}

async function visit(bench: Bench, room: string): Promise<{ epoch: unknown; offset: unknown; time: unknown }> {
  await using peer = await bench.user()
  const { epoch, offset, time } = await peer.ok({ type: 'join', room: allOf(room) })
  holds(typeof epoch === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(time), 'a position', {
    epoch,
    offset,
    time,
  })
  return { epoch, offset, time }
}

async function tooMany(bench: Bench): Promise<void> {
  const [room, service] = [bench.room('history'), await bench.service()]
  const since = await visit(bench, room)
  const prefix = bench.target.nats?.prefix ?? ''
  // Less for each room than it keeps.
  const subjects = Array.from({ length: 20 }, (_, at) => roomSubject(`${prefix}.pub`, `${room}-${at}`))
  for (let n = 0; n < 1000; n++) service.publish(subjects[n % 20] ?? '', `${n}`)
  await service.request(subjects[0] ?? '', '1000', { timeout: bench.target.answerMs })
  const back = await bench.user()
  like('the `ok`', await back.ok({ type: 'join', room: allOf(room), since }), { recovered: false })
  like(
    'the `gap`',
    back.frames.find(({ type }) => type === 'gap'),
    { room: allOf(room), reason: 'too_many', epoch: since.epoch, from: since.offset },
  )
  equal('what is told of what is not recovered', messagesOf(back, `${room}-0`), [])
}

async function withheld(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('wildcard'), await bench.user()]
  await peer.ok({ type: 'join', room: allOf(room) })
  const { offset, prev } = await peer.ok({ type: 'publish', room, data: 1, echo: false })
  equal('`prev` of the `ok`', prev, undefined)
  const message = await peer.message(room)
  like('what takes the place of the message', message, { room, offset, withheld: true, data: undefined })
}

const offered = { features: ['wildcard'], namespaces: ['wildcard'] } as const

/** Checks of joins of all rooms. */
export const WILDCARD_CHECKS: readonly Check[] = [
  {
    clauses: ['22.1', '2.5'],
    name: 'all rooms of a namespace can be joined and left at once',
    ...offered,
    run: joinsAll,
  },
  {
    clauses: ['22.1', '17.1'],
    name: '`ns:*` is refused where it is off, and in other requests',
    features: ['wildcard'],
    namespaces: ['wildcard', 'open'],
    run: refused,
  },
  {
    clauses: ['22.2'],
    name: 'only a grant of all rooms lets join all rooms',
    features: ['wildcard'],
    namespaces: ['granted'],
    run: rights,
  },
  {
    clauses: ['22.3'],
    name: 'all rooms at once have neither presence nor last messages',
    ...offered,
    run: isNoMembership,
  },
  { clauses: ['22.4'], name: 'a message comes once to who is in its room and in all rooms', ...offered, run: once },
  {
    clauses: ['22.5', '22.6', '22.7'],
    name: 'a position in all rooms recovers them in their order',
    ...offered,
    run: position,
  },
  {
    clauses: ['22.6'],
    name: 'more than a thousand missed messages are told by a `gap`',
    features: ['wildcard'],
    namespaces: ['history'],
    needs: ['nats'],
    encodings: 'once',
    run: tooMany,
  },
  {
    clauses: ['22.8'],
    name: 'one’s own message without an echo keeps its place among all rooms',
    ...offered,
    run: withheld,
  },
]
