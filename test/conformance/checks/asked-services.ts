// Chapter 19 but for calls: services that decide who may join, publish and connect, and rooms that a token brings. They answer for a
// namespace of which another check expects that nobody does, so these run alone.
import { setTimeout as pause } from 'node:timers/promises'
import type { Msg } from '@nats-io/transport-node'
import { type Answering, AnsweringService } from '../answering-service.ts'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like, NotRun, oneOf } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'

const ALLOW = '{"allow":true}'
const refusal = (reason: string): string => JSON.stringify({ allow: false, reason })
const join = (room: string) => ({ type: 'join', room })
const publish = (room: string, data: unknown) => ({ type: 'publish', room, data })
const isRemoved = ({ type }: Frame): boolean => type === 'removed'

/** Longest that a gateway waits for an answer, with what a machine adds. */
const ANSWER_MS = 2000
const ENDING_MS = 1000
const ASKED_MS = 300
/** Users of this ending are left to the suite by the installation's own service; see README.md. */
const CONNECTING = 'asked'

function decides(bench: Bench, verb: 'join' | 'publish', answers: Answering): Promise<AnsweringService> {
  return AnsweringService.start(bench, `authorize.${verb}.${bench.namespace('service')}`, answers)
}

/** What a question says, apart from its claims. */
function asked(question: Msg): Readonly<Record<string, unknown>> {
  const { claims: _, ...said } = question.json<Record<string, unknown>>()
  return said
}

async function joins(bench: Bench): Promise<void> {
  const service = await decides(bench, 'join', () => ALLOW)
  const [peer, room] = [await bench.user(), bench.room('service')]
  await peer.join(room)
  const question = await service.question(0)
  like('the question', asked(question), { user: peer.user, session: peer.session, room })
  like('`claims`', question.json<{ claims: unknown }>().claims, { sub: peer.user })
  service.answers(() => refusal('not on the list'))
  const other = bench.room('service')
  like('a refusal', await peer.refused(join(other), 'forbidden'), { message: 'not on the list' })
  const long = 'r'.repeat(256)
  service.answers(() => refusal(long))
  like('a long reason', await peer.refused(join(other), 'forbidden'), { message: long })
}

async function clearYes(bench: Bench): Promise<void> {
  const service = await decides(bench, 'join', () => ALLOW)
  const [peer, room] = [await bench.user(), bench.room('service')]
  const none = [
    '',
    'null',
    '[]',
    '{}',
    'yes',
    '{"allow":1}',
    '{"allow":"true"}',
    '{"allow":true,"limits":{"publishesPerSecond":"2"}}',
    `{"allow":true,"info":"${'x'.repeat(300)}"}`,
    `{"allow":true,"later":"${'x'.repeat(16 * 1024)}"}`,
  ]
  for (const answer of none) {
    service.answers(() => answer)
    await peer.refused(join(room), 'service_error')
  }
  service.answers(() => ({ payload: ALLOW, headers: { 'Nats-Service-Error-Code': '500' } }))
  await peer.refused(join(room), 'service_error')
  service.answers(() => undefined)
  const since = performance.now()
  await peer.refused(join(room), 'timeout')
  const took = performance.now() - since
  holds(took >= ANSWER_MS - 50, `no \`timeout\` before ${ANSWER_MS} ms`, took)
  service.answers(() => '{"allow":true,"later":[1]}')
  await peer.join(room)
}

async function publishes(bench: Bench): Promise<void> {
  const service = await decides(bench, 'publish', (question) => {
    const { data, room } = question.json<{ data?: unknown; room: string }>()
    if (data === 'bad') return refusal('language')
    return room.endsWith('kept') ? '{"allow":true,"ttlMs":60000}' : ALLOW
  })
  const [peer, room, kept] = [await bench.user(), bench.room('service'), `${bench.room('service')}-kept`]
  const who = { user: peer.user, session: peer.session, room }
  await peer.ok({ ...publish(room, { n: 1 }), event: 'note' })
  like('the question', asked(await service.question(0)), { ...who, data: { n: 1 }, event: 'note' })
  const content = Buffer.from([0, 255])
  const payload = bench.encoding === 'json' ? { bytes: content.toString('base64') } : { data: content }
  await peer.ok({ type: 'publish', room, ...payload })
  like('the question about bytes', asked(await service.question(1)), { ...who, bytes: 'AP8=' })
  like('a refusal', await peer.refused(publish(room, 'bad'), 'forbidden'), { message: 'language' })
  for (let data = 0; data < 3; data++) await peer.ok(publish(kept, data))
  equal('questions about an answer that holds', service.asked.length, 4)
}

async function publishOrder(bench: Bench): Promise<void> {
  await decides(bench, 'join', () => ALLOW)
  // The first is answered last.
  await decides(bench, 'publish', async (question) => {
    await pause(200 - 40 * question.json<{ data: number }>().data)
    return ALLOW
  })
  const [peer, room] = [await bench.user(), bench.room('service')]
  const member = await (await bench.user()).join(room)
  peer.burst([0, 1, 2, 3, 4].map((data) => ({ ...publish(room, data), id: data + 1 })))
  await member.next(({ data }) => data === 4, 'the last message')
  equal('the order of messages', member.dataOf(room), [0, 1, 2, 3, 4])
}

async function bounds(bench: Bench): Promise<void> {
  const limits = { publishesPerSecond: 1, payloadBytesMax: 20 }
  await decides(bench, 'publish', () => JSON.stringify({ allow: true, ttlMs: 60_000, limits }))
  const [peer, room] = [await bench.user(), bench.room('service')]
  // The first answer brings them.
  await peer.ok(publish(room, 1))
  await peer.refused(publish(room, 'x'.repeat(30)), 'too_large')
  peer.burst(Array.from({ length: 6 }, (_, n) => ({ ...publish(room, n), id: n + 1 })))
  await peer.next(({ id }) => id === 6, 'an answer to the last')
  holds(
    peer.frames.some(({ code }) => code === 'rate_limited'),
    'some of 6 publishes at once to be `rate_limited`',
    'none',
  )
  await (await bench.user()).ok(publish(room, 1))
}

async function ending(bench: Bench): Promise<void> {
  const service = await decides(bench, 'join', () => JSON.stringify({ allow: true, ttlMs: ENDING_MS }))
  await decides(bench, 'publish', () => ALLOW)
  const [peer, publisher, room] = [await bench.user(), await bench.user(), bench.room('service')]
  await peer.join(room)
  await service.question(1)
  await peer.settled()
  await publisher.ok(publish(room, 'still'))
  like('a message while the right is given again', await peer.message(room), { data: 'still' })
  service.answers(() => refusal('the shift is over'))
  const removed = await peer.next(isRemoved, '`removed`')
  like('`removed`', removed, { type: 'removed', room, code: 'forbidden', reason: 'the shift is over' })
  await publisher.ok(publish(room, 'gone'))
  await peer.settled()
  await bench.quiet(peer, 'message after `removed`', ({ data }) => data === 'gone')
  like('a join afterwards', await peer.refused(join(room), 'forbidden'), { message: 'the shift is over' })
  const count = service.asked.length
  await pause(ENDING_MS * 1.5)
  equal('questions about one who has left', service.asked.length, count)
}

async function connects(bench: Bench): Promise<void> {
  const service = await AnsweringService.start(bench, 'authorize.connect', () => undefined)
  await bench.user()
  // The installation's own service may have answered before this one was told.
  await pause(ASKED_MS)
  if (service.asked.length === 0) throw new NotRun('no service is asked who connects')
  const name = `${bench.name('ann')}-${CONNECTING}`
  const open = async (): Promise<Peer> => bench.open({ token: await bench.token(name) })
  const mine = ({ user }: { user?: unknown }): boolean => user === name
  const answering = (answer: string | undefined): void =>
    service.answers((question) => (mine(question.json()) ? answer : undefined))
  await (await open()).closedWith(1013)
  answering(refusal('€'.repeat(50)))
  const { reason } = await (await open()).closedWith(4003)
  holds(reason.length > 0 && '€'.repeat(50).startsWith(reason), 'the beginning of the reason', reason)
  answering(ALLOW)
  const peer = await open()
  await peer.welcome()
  const last = service.asked.filter((question) => mine(question.json())).at(-1)
  like('the question', last?.json(), { user: name, session: peer.session })
  answering(refusal('not again'))
  const refresh = { type: 'auth', token: await bench.token(name) }
  like('a refused refresh', await peer.refused(refresh, 'forbidden'), { message: 'not again' })
  await peer.join(bench.room())
  answering(JSON.stringify({ allow: true, ttlMs: ENDING_MS }))
  await peer.ok(refresh)
  answering(refusal('blocked'))
  equal('the reason of the close', (await peer.closedWith(4003)).reason, 'blocked')
}

const isAdded = ({ type }: Frame): boolean => type === 'added'

async function roomsOfToken(bench: Bench): Promise<void> {
  const namespace = bench.namespace('granted')
  const [desk, name] = [`${namespace}:${bench.name('desk')}`, bench.name('ann')]
  const rooms = [desk, `${namespace}:{user}`, `${namespace}:*`, '*', 'no-such-namespace:a']
  const peer = await bench.user({ name, grants: { rooms } })
  const own = `${namespace}:${name}`
  const added = [await peer.next(isAdded, '`added`'), await peer.next(isAdded, 'a second `added`')]
  equal('rooms that are added', added.map(({ room }) => room).sort(), [desk, own].sort())
  const publisher = await bench.user({ grants: { publish: [desk] } })
  await publisher.ok(publish(desk, 'hello'))
  like('a message of the room', await peer.message(desk), { data: 'hello' })
  await peer.refused(publish(desk, 1), 'forbidden')
  const more = { rooms: [...rooms, `${namespace}:${bench.name('more')}`] }
  await peer.ok({ type: 'auth', token: await bench.token(name, { grants: more }) })
  await bench.quiet(peer, 'further `added`', (frame) => isAdded(frame) && !added.includes(frame))
  await peer.ok({ type: 'leave', room: desk })
  await publisher.ok(publish(desk, 'afterwards'))
  await bench.quiet(peer, 'message after the leave', ({ data }) => data === 'afterwards')
}

async function firstJoin(bench: Bench): Promise<void> {
  const desk = `${bench.namespace('granted')}:${bench.name('desk')}`
  const peer = await bench.user({ grants: { rooms: [desk] } })
  await peer.next(isAdded, '`added`')
  await peer.join(desk)
  oneOf('the answer to a second join', (await peer.request(join(desk))).code, ['already_joined'])
}

async function storedRooms(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  const before = await publisher.ok(publish(room, 'before'))
  const peer = await bench.user({ grants: { rooms: [room] } })
  const added = await peer.next(isAdded, '`added`')
  holds(
    typeof added.epoch === 'string' && Number(added.offset) >= Number(before.offset),
    'a position in `added`',
    added,
  )
  const live = await publisher.ok(publish(room, 'live'))
  const message = await peer.message(room)
  like('a message behind that position', message, { data: 'live', offset: live.offset })
  holds(Number(message.prev) <= Number(added.offset), '`prev` within that position', message)
  const ok = await peer.ok({ type: 'join', room, history: 10 })
  like('the position of the `ok`', ok, { epoch: added.epoch, offset: live.offset })
  equal('what the join brings', peer.dataOf(room), ['live', 'before', 'live'])
  await publisher.ok(publish(room, 'after'))
  like('the next message', await peer.next(({ data }) => data === 'after', 'the next message'), { room })
  const back = await bench.user({ grants: { rooms: [room] } })
  await back.next(isAdded, '`added`')
  const since = { epoch: added.epoch, offset: added.offset }
  like('the `ok` of a join that recovers', await back.ok({ type: 'join', room, since }), { recovered: true })
  equal('what it recovers', back.dataOf(room), ['live', 'after'])
}

const inService = { features: ['call'], needs: ['nats'], namespaces: ['service'], alone: true } as const
const granted = { features: ['rooms'], namespaces: ['granted'] } as const

/** Checks of chapter 19 but for calls. */
export const ASKED_SERVICE_CHECKS: readonly Check[] = [
  { clauses: ['19.6', '19.7', '19.8'], name: 'a service decides who joins', ...inService, run: joins },
  {
    clauses: ['19.7', '19.8'],
    name: 'only a clear yes allows',
    ...inService,
    encodings: 'once',
    slow: true,
    run: clearYes,
  },
  { clauses: ['19.6', '19.7'], name: 'a service decides who publishes what', ...inService, run: publishes },
  { clauses: ['19.8'], name: 'publishes keep their order, whenever they are allowed', ...inService, run: publishOrder },
  { clauses: ['19.7'], name: 'a service bounds publishes', ...inService, encodings: 'once', run: bounds },
  { clauses: ['19.9'], name: 'a right that ends is told by `removed`', ...inService, run: ending },
  {
    clauses: ['19.10'],
    name: 'a service decides who connects',
    features: ['call'],
    needs: ['nats'],
    alone: true,
    run: connects,
  },
  { clauses: ['19.11', '3.5'], name: 'a token brings rooms', ...granted, run: roomsOfToken },
  { clauses: ['19.12'], name: 'the first join of an added room needs no right', ...granted, run: firstJoin },
  {
    clauses: ['19.11', '19.12'],
    name: 'an added room with a history has a position',
    features: ['rooms', 'history'],
    namespaces: ['history'],
    run: storedRooms,
  },
]
