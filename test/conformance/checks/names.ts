// Chapters 1 and 2: instants, lengths, names, rooms, namespaces and sessions.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import { roomSubject } from '../subject-token.ts'
import { names, nameTokens, textOf } from '../vectors.ts'

/** Names that one connection tries: fewer than any server's `requestsPerSecond` bucket is likely to hold. */
const NAMES_AT_ONCE = 12

async function inSlices<item>(
  bench: Bench,
  items: readonly item[],
  grants: object,
  each: EachName<item>,
): Promise<void> {
  for (let at = 0; at < items.length; at += NAMES_AT_ONCE) {
    await using peer = await bench.user({ grants: { ...grants } })
    for (const item of items.slice(at, at + NAMES_AT_ONCE)) await each(peer, item)
  }
}

type EachName<item> = (peer: Awaited<ReturnType<Bench['user']>>, item: item) => Promise<void>

async function instants(bench: Bench): Promise<void> {
  const before = Date.now()
  const peer = await bench.open({ token: await bench.token(bench.name('user'), { ttlSeconds: 600 }) })
  const { time, expiresAt, limits } = await peer.welcome()
  // Clocks may differ; units may not.
  holds(Math.abs(Number(time) - before) < 600_000, 'the time of `welcome` in milliseconds of Unix time', time)
  holds(Math.abs(Number(expiresAt) - before - 600_000) < 60_000, '`expiresAt` in milliseconds of Unix time', expiresAt)
  for (const [name, limit] of Object.entries(limits as object)) {
    holds(Number.isSafeInteger(limit), `the limit ${name} to be an integer of at most 2^53−1`, limit)
  }
}

async function bytesOfNames(bench: Bench): Promise<void> {
  const bytesMax = bench.limit('nameBytesMax')
  const peer = await bench.user()
  const prefix = bench.name('')
  const wide = (bytes: number): string => {
    const rest = bytes - prefix.length
    return prefix + 'é'.repeat(Math.floor(rest / 2)) + 'x'.repeat(rest % 2)
  }
  await peer.join(wide(bytesMax))
  await peer.refused({ type: 'join', room: wide(bytesMax + 1) }, 'bad_request')
}

async function charactersOfIds(bench: Bench): Promise<void> {
  const peer = await bench.user()
  // Sixteen characters beyond the basic plane are 32 units.
  like('an answer to `ping` with an id of 32 units', await peer.request({ type: 'ping', id: '😀'.repeat(16) }), {
    type: 'pong',
    id: '😀'.repeat(16),
  })
  peer.send({ type: 'ping', id: '😀'.repeat(17) })
  const answer = await peer.next(({ type }) => ['error', 'pong'].includes(type), 'an answer to an id of 34 units')
  like('an answer to an id of 34 units', answer, { type: 'error', code: 'bad_request' })
}

async function acceptedNames(bench: Bench): Promise<void> {
  const bytesMax = bench.limit('nameBytesMax')
  const fits = (text: string): boolean => Buffer.byteLength(text) <= bytesMax
  const rooms = names.rooms.accepted.filter(({ namespace, text }) => namespace === 'default' && fits(textOf(text)))
  await inSlices(bench, rooms, { send: ['*'] }, async (peer, { text }) => {
    await peer.ok({ type: 'join', room: textOf(text) })
    await peer.ok({ type: 'leave', room: textOf(text) })
  })
  const users = names.users.accepted.map(textOf).filter(fits)
  await inSlices(bench, users, { send: ['*'] }, async (peer, user) => {
    await peer.ok({ type: 'send', user, data: 'a name of the conformance suite' })
  })
}

async function refusedNames(bench: Bench): Promise<void> {
  // `ns:*` is no room but is understood; it has a check of its own.
  const wild = /^[A-Za-z0-9_-]{1,32}:\*$/
  const rooms = names.rooms.refused.map(textOf).filter((room) => !wild.test(room) && wellFormed(room))
  await inSlices(bench, rooms, {}, async (peer, room) => {
    await peer.refused({ type: 'join', room }, 'bad_request')
    await peer.settled()
  })
  const users = names.users.refused.map(textOf).filter(wellFormed)
  await inSlices(bench, users, { send: ['*'] }, async (peer, user) => {
    await peer.refused({ type: 'send', user, data: 1 }, 'bad_request')
    await peer.settled()
  })
  if (bench.encoding === 'msgpack') return
  const peer = await bench.user()
  peer.sendRaw('{"type":"join","id":"lone","room":"a\\ud800"}')
  const answer = await peer.next(({ id }) => id === 'lone', 'an answer to a lone surrogate in a name')
  like('an answer to a lone surrogate in a name', answer, { type: 'error', code: 'bad_request' })
}

/** Text that both encodings can carry; what is not is tried in JSON alone. */
function wellFormed(text: string): boolean {
  return text.isWellFormed()
}

async function forms(bench: Bench): Promise<void> {
  const composed = bench.name('é'.normalize('NFC'))
  const other = composed.normalize('NFD')
  const [one, two] = [await (await bench.user()).join(composed), await (await bench.user()).join(other)]
  await one.ok({ type: 'publish', room: composed, data: 'composed' })
  equal('the room', (await one.message()).room, composed)
  await bench.quiet(two, 'message of the other form', ({ type }) => type === 'message')
}

async function oneRoom(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.ok({ type: 'join', room: `default:${room}` })
  await peer.refused({ type: 'join', room }, 'already_joined')
  await peer.ok({ type: 'publish', room: `default:${room}`, data: 1 })
  equal('the room of the message', (await peer.message()).room, room)
  const colon = `default:${room}:b`
  await peer.ok({ type: 'join', room: colon })
  await peer.ok({ type: 'publish', room: colon, data: 2 })
  equal('the room of the message', (await peer.message()).room, colon)
  for (const bad of [`:${room}`, 'default:', ':']) await peer.refused({ type: 'join', room: bad }, 'bad_request')
}

async function unknownNamespace(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const room = 'no-such-namespace-here:x'
  await peer.refused({ type: 'join', room }, 'unknown_namespace')
  await peer.refused({ type: 'publish', room, data: 1 }, 'unknown_namespace')
}

async function sessions(bench: Bench): Promise<void> {
  const name = bench.name('user')
  const [one, two] = [await bench.user({ name }), await bench.user({ name })]
  const form = /^([A-Za-z0-9_-]{1,64})\.([1-9][0-9]*)$/
  for (const { session, told } of [one, two]) {
    const parts = form.exec(session)
    holds(parts !== null, 'a session `<gateway>.<n>`', session)
    equal('the gateway of the session', parts?.[1], told.gateway)
  }
  holds(one.session !== two.session, 'a new session for each socket', one.session)
}

async function natsTokens(bench: Bench): Promise<void> {
  const { prefix } = bench.target.nats ?? { prefix: '' }
  const service = await bench.service()
  const peer = await bench.user()
  for (const { name } of nameTokens.accepted.filter(({ name }) => !name.includes('*') && !name.includes(':'))) {
    const room = `${bench.name('')}${name}`
    await peer.join(room)
    service.publish(roomSubject(prefix, room), '1')
    equal('the room of the message', (await peer.message()).room, room)
    await peer.ok({ type: 'leave', room })
  }
}

/** Checks of chapters 1 and 2. */
export const NAME_CHECKS: readonly Check[] = [
  { clauses: ['1.1'], name: 'instants are milliseconds and limits are integers', run: instants },
  { clauses: ['1.2'], name: 'bytes of names are UTF-8', run: bytesOfNames },
  { clauses: ['1.2'], name: 'characters of ids are UTF-16 units', run: charactersOfIds },
  { clauses: ['2.1'], name: 'every name of the vectors is a name', run: acceptedNames },
  { clauses: ['2.1'], name: 'what is no name by the vectors is answered `bad_request`', run: refusedNames },
  { clauses: ['2.2'], name: 'two normal forms are two rooms', run: forms },
  { clauses: ['2.3'], name: 'a room of `default` has one name', run: oneRoom },
  { clauses: ['2.4'], name: 'a namespace that is not configured is told', run: unknownNamespace },
  { clauses: ['2.7'], name: 'each socket has a session of its own', run: sessions },
  { clauses: ['2.8'], name: 'names are tokens in subjects', needs: ['nats'], encodings: 'once', run: natsTokens },
]
