// Chapter 20: what services have routers do by requests on NATS: publish, disconnect, put into rooms, take out of them, move.
import { setTimeout as pause } from 'node:timers/promises'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { headersOf } from '../answering-service.ts'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { roomSubject, tokenOf } from '../subject-token.ts'

type Answer = Readonly<Record<string, unknown>>

/** Of chapter 20, beside the time of an answer: gateways that are silent are waited for. */
const SILENT_MS = 2000
const isAdded = ({ type }: Frame): boolean => type === 'added'
const isRemoved = ({ type }: Frame): boolean => type === 'removed'

/** A service that asks routers. */
class Asking {
  readonly connection: NatsConnection
  readonly #prefix: string
  readonly #timeout: number

  private constructor(connection: NatsConnection, bench: Bench) {
    this.connection = connection
    this.#prefix = bench.target.nats?.prefix ?? ''
    this.#timeout = bench.target.answerMs + SILENT_MS
  }

  static async start(bench: Bench): Promise<Asking> {
    return new Asking(await bench.service(), bench)
  }

  /** The answer as a message. */
  raw(verb: string, request: unknown, id?: string): Promise<Msg> {
    const headers = headersOf(id === undefined ? {} : { 'Nats-Msg-Id': id })
    const options = { timeout: this.#timeout, headers }
    return this.connection.request(`${this.#prefix}.api.${verb}`, JSON.stringify(request), options)
  }

  async ask(verb: string, request: object, id?: string): Promise<Answer> {
    return (await this.raw(verb, request, id)).json<Answer>()
  }

  /** A plain push to a room [P-9.1]. */
  push(room: string, payload: string, headers: Readonly<Record<string, string>> = {}): void {
    this.connection.publish(roomSubject(this.#prefix, room), payload, { headers: headersOf(headers) })
  }

  receipts(value: string, tell: (message: Msg) => void): Promise<void> {
    const subject = `${this.#prefix}.ctl.receipt.${value}`
    this.connection.subscribe(subject, { callback: (_, message) => tell(message) })
    return this.connection.flush()
  }
}

async function errors(bench: Bench): Promise<void> {
  const service = await Asking.start(bench)
  const name = bench.name('ann')
  const wrong: readonly [string, unknown][] = [
    ['publish', { room: bench.room() }],
    ['publish', { data: 1 }],
    ['publish', { room: bench.room(), user: name, data: 1 }],
    ['publish', { rooms: Array.from({ length: 1001 }, () => 'a'), data: 1 }],
    ['disconnect', {}],
    ['disconnect', { user: name, token: 'a' }],
    ['join', { user: name }],
    ['leave', { room: bench.room() }],
    ['move', {}],
    ['join', []],
  ]
  for (const [verb, request] of wrong) {
    const { headers } = await service.raw(verb, request)
    const told = [headers?.get('Nats-Service-Error-Code'), headers?.get('Nats-Service-Error')]
    holds(
      told.every((text) => text !== undefined && text !== ''),
      `an error of NATS services to ${verb} ${JSON.stringify(request).slice(0, 60)}`,
      told,
    )
  }
}

async function once(bench: Bench): Promise<void> {
  const [service, name, room] = [await Asking.start(bench), bench.name('ann'), bench.room()]
  const [first, member] = [await bench.user({ name }), await (await bench.user()).join(room)]
  const id = bench.name('ban')
  const answer = await service.ask('disconnect', { user: name }, id)
  like('the answer', answer, { connections: 1, gateways: 1 })
  await first.closedWith(4005)
  const second = await bench.user({ name })
  like('the answer to the same request', await service.ask('disconnect', { user: name }, id), answer)
  await second.settled()
  second.stillOpen()
  for (let times = 0; times < 3; times++) await service.ask('publish', { room, data: 'once' }, id)
  await service.ask('publish', { room, data: 'last' })
  await member.next(({ data }) => data === 'last', 'the last message')
  equal('messages of one request', member.dataOf(room), ['once', 'last'])
}

async function live(bench: Bench): Promise<void> {
  const [service, room, name] = [await Asking.start(bench), bench.room(), bench.name('ann')]
  const [one, two] = [await bench.user({ name }), await bench.user({ name, at: 1 })]
  for (const peer of [one, two]) await peer.join(room)
  const unstored = { offset: undefined, duplicate: undefined }
  like('the answer', await service.ask('publish', { room, data: { a: 1 }, event: 'tick', key: 'k' }), unstored)
  for (const peer of [one, two]) {
    like('the message', await peer.message(room), { data: { a: 1 }, event: 'tick', key: 'k', from: undefined })
  }
  await service.ask('publish', { user: name, data: 'user' })
  for (const peer of [one, two]) like('a message to the user', await peer.message(), { user: name, data: 'user' })
  await service.ask('publish', { session: two.session, data: 'session' })
  like('a message to the connection', await two.message(), { user: name, data: 'session' })
  await service.ask('publish', { room, data: 'kept', exclude: { session: one.session } })
  await service.ask('publish', { room, bytes: 'AP8=' })
  await one.message(room)
  equal('messages to who is excluded', one.dataOf(room).includes('kept'), false)
  like('a message to others', await two.message(room), { data: 'kept' })
  const rooms = [room, bench.room(), room]
  const list = await service.ask('publish', { rooms: rooms.slice(0, 2), data: 'list' })
  like('the answer to a list', list, { published: 2, failed: undefined })
  const both = await service.ask('publish', { room, data: 'counted', receipt: true })
  const gateways = new Set([one, two].map(({ told }) => told.gateway)).size
  like('the receipt', both.receipt, { gateways, connections: 2, written: 2, skipped: 0 })
  const none = { gateways: 0, connections: 0, written: 0, skipped: 0 }
  const empty = await service.ask('publish', { room: bench.room(), data: 1, receipt: true })
  like('the receipt of a room without members', empty.receipt, none)
}

async function stored(bench: Bench): Promise<void> {
  const [service, room, other] = [await Asking.start(bench), bench.room('history'), bench.room('history')]
  const peer = await bench.user()
  const { epoch } = await peer.ok({ type: 'join', room })
  const first = await service.ask('publish', { room, data: 1, key: 'order-1' })
  const message = await peer.message(room)
  like('the answer', first, { offset: message.offset, epoch, duplicate: undefined })
  const again = await service.ask('publish', { room, data: 2, key: 'order-1' })
  like('the answer to a second one with its key', again, { ...first, duplicate: true })
  const elsewhere = await service.ask('publish', { room: other, data: 1, key: 'order-1' })
  equal('`duplicate` in another room', elsewhere.duplicate, undefined)
  // A client's keys are its own.
  const own = await peer.ok({ type: 'publish', room, data: 3, key: 'order-1' })
  equal('`duplicate` of a client', own.duplicate ?? false, false)
  await peer.next(({ data }) => data === 3, 'the message of the client')
  like('the answer of an ephemeral one', await service.ask('publish', { room, data: 4, ephemeral: true }), {
    offset: undefined,
  })
  await peer.next(({ data }) => data === 4, 'the ephemeral message')
  await service.ask('publish', { room, data: 5, exclude: { user: peer.user } })
  like('an excluded one in its chain', await peer.message(room), { withheld: true })
  const { messages } = await peer.ok({ type: 'history', room, limit: 10 })
  equal(
    'what is kept',
    (messages as Frame[]).map(({ data }) => data),
    [1, 3, 5],
  )
}

async function membership(bench: Bench): Promise<void> {
  const [service, name] = [await Asking.start(bench), bench.name('ann')]
  const room = `${bench.namespace('granted')}:${bench.name('desk')}`
  const peers = [await bench.user({ name }), await bench.user({ name, at: 1 })]
  const watcher = await bench.user({ grants: { join: [room], publish: [room] } })
  await watcher.join(room)
  like('the answer to `join`', await service.ask('join', { user: name, room }), { connections: 2 })
  for (const peer of peers) {
    like('`added`', await peer.next(isAdded, '`added`'), { type: 'added', room })
    await peer.refused({ type: 'publish', room, data: 1 }, 'forbidden')
  }
  like('the answer to a second', await service.ask('join', { user: name, room }), { connections: 0 })
  await watcher.ok({ type: 'publish', room, data: 'hello' })
  for (const peer of peers) like('a message', await peer.message(room), { data: 'hello' })
  const one = peers[0] as Peer
  const out = { session: one.session, room, reason: 'moderated' }
  like('the answer to `leave`', await service.ask('leave', out), { connections: 1 })
  const removed = { type: 'removed', room, code: 'forbidden', reason: 'moderated' }
  like('`removed`', await one.next(isRemoved, '`removed`'), removed)
  await watcher.ok({ type: 'publish', room, data: 'gone' })
  await peers[1]?.next(({ data }) => data === 'gone', 'a message to the other connection')
  await bench.quiet(one, 'message after `removed`', ({ data }) => data === 'gone')
  await one.refused({ type: 'join', room }, 'forbidden')
  like('the answer to a second', await service.ask('leave', out), { connections: 0 })
  await service.ask('leave', { user: watcher.user, room })
  await watcher.next(isRemoved, '`removed`')
  await watcher.join(room)
}

async function storedJoin(bench: Bench): Promise<void> {
  const [service, room, peer] = [await Asking.start(bench), bench.room('history'), await bench.user()]
  const { offset: before } = await service.ask('publish', { room, data: 'before' })
  await service.ask('join', { session: peer.session, room })
  const added = await peer.next(isAdded, '`added`')
  holds(typeof added.epoch === 'string' && Number(added.offset) >= Number(before), 'a position in `added`', added)
  await service.ask('publish', { room, data: 'live' })
  const message = await peer.message(room)
  like('the message behind that position', message, { data: 'live' })
  holds(Number(message.prev) <= Number(added.offset), '`prev` within that position', message)
}

async function disconnects(bench: Bench): Promise<void> {
  const [service, name] = [await Asking.start(bench), bench.name('ann')]
  const peers = [await bench.user({ name }), await bench.user({ name, at: 1 }), await bench.user({ name })]
  const [one, ...others] = peers as [Peer, Peer, Peer]
  const other = await bench.user()
  like('the answer', await service.ask('disconnect', { session: one.session }), { connections: 1, gateways: 1 })
  await one.closedWith(4005)
  const gateways = new Set(others.map(({ told }) => told.gateway)).size
  const answer = await service.ask('disconnect', { user: name, reason: 'banned' })
  like('the answer', answer, { connections: 2, gateways, silent: undefined })
  for (const peer of others) equal('the reason', (await peer.closedWith(4005)).reason, 'banned')
  const nobody = { connections: 0, gateways: 0 }
  like('the answer about who is gone', await service.ask('disconnect', { user: name }), nobody)
  await other.settled()
  await (await bench.user({ name })).leave()
}

async function revocation(bench: Bench): Promise<void> {
  const [service, name, jti] = [await Asking.start(bench), bench.name('ann'), bench.name('id')]
  const now = Math.floor(Date.now() / 1000)
  const [old, newer, timeless] = [{ iat: now - 60 }, { iat: now - 10, jti }, {}].map((claims) =>
    bench.claims({ sub: name, ...claims }),
  ) as [string, string, string]
  const [early, late] = [await bench.open({ token: old }), await bench.open({ token: newer })]
  for (const peer of [early, late]) await peer.welcome()
  const answer = await service.ask('disconnect', { user: name, notBefore: now - 30 })
  like('the answer', answer, { connections: 1, gateways: 1 })
  await early.closedWith(4005)
  // An earlier time weakens nothing.
  await service.ask('disconnect', { user: name, notBefore: now - 90 })
  for (const token of [old, timeless]) await (await bench.open({ token })).closedWith(4001)
  await late.refused({ type: 'auth', token: old }, 'unauthorized')
  await late.join(bench.room())
  await service.ask('disconnect', { token: jti, notBefore: now + 30 })
  await late.closedWith(4005)
  await (await bench.open({ token: newer, at: 1 })).closedWith(4001)
  await (await bench.open({ token: bench.claims({ sub: name, iat: now - 10, jti: `${jti}-2` }) })).welcome()
}

async function move(bench: Bench): Promise<void> {
  const [service, peer] = [await Asking.start(bench), await bench.user()]
  const { connections } = await service.ask('move', { gateway: peer.told.gateway, windowMs: 1000, reason: 'rebalance' })
  holds(Number(connections) >= 1, 'the connection to be counted', connections)
  const asked = await peer.next(({ type }) => type === 'move', '`move`')
  like('`move`', asked, { reason: 'rebalance' })
  await peer.closedWith(1012, Number(asked.afterMs) + bench.target.answerMs)
  const { headers } = await service.raw('move', { gateway: bench.name('gone') })
  holds((headers?.get('Nats-Service-Error') ?? '') !== '', 'an error about a gateway that is not there', 'none')
}

async function marked(bench: Bench): Promise<void> {
  const [service, room] = [await Asking.start(bench), bench.room()]
  const other = bench.room()
  const member = await (await bench.user()).join(room, other)
  const request = tokenOf(bench.name('request'))
  for (const to of [room, room, other]) service.push(to, JSON.stringify(to), { 'Sluice-Request': request })
  service.push(room, '"last"', { 'Sluice-Request': `${request}-2` })
  await member.next(({ data }) => data === 'last', 'the last push')
  equal('pushes to one room', member.dataOf(room), [room, 'last'])
  await bench.quiet(member, 'second push', (frame) => frame.data === other && member.dataOf(other).length > 1)
  equal('pushes to the other room', member.dataOf(other), [other])
  const receipt = `${request}-r`
  let receipts = 0
  await service.receipts(receipt, () => receipts++)
  service.push(room, '1', { 'Sluice-Receipt': receipt })
  service.push(bench.room(), '1', { 'Sluice-Receipt': receipt })
  for (const endsAt = performance.now() + bench.target.answerMs; receipts === 0 && performance.now() < endsAt; )
    await pause(20)
  await pause(100)
  equal('receipts of the gateway with the room', receipts, 1)
}

const offered = { features: ['presence', 'rooms'], needs: ['nats'] } as const
const withHistory = { features: ['history', 'rooms'], needs: ['nats'], namespaces: ['history'] } as const
const revoking = { ...offered, needs: ['nats', 'secret'], encodings: 'once' } as const

/** Checks of chapter 20. */
export const ACTING_SERVICE_CHECKS: readonly Check[] = [
  { clauses: ['20.1'], name: 'requests are refused as NATS services do', ...offered, encodings: 'once', run: errors },
  { clauses: ['20.1', '20.5'], name: 'a request is done once for each id', ...offered, encodings: 'once', run: once },
  { clauses: ['20.3'], name: 'a service publishes live', ...offered, run: live },
  { clauses: ['20.3'], name: 'a service publishes into a history', ...withHistory, run: stored },
  {
    clauses: ['20.2', '20.4'],
    name: 'a service puts connections into a room, and takes them out',
    ...offered,
    namespaces: ['granted'],
    run: membership,
  },
  { clauses: ['20.4'], name: 'a service puts a connection where a history is', ...withHistory, run: storedJoin },
  {
    clauses: ['20.2', '20.5', '12.1'],
    name: 'a service disconnects users and connections',
    ...offered,
    run: disconnects,
  },
  { clauses: ['20.5', '3.3'], name: 'tokens of before a disconnect are refused', ...revoking, run: revocation },
  { clauses: ['20.5'], name: 'a service moves connections', ...offered, encodings: 'once', alone: true, run: move },
  { clauses: ['20.6'], name: 'headers mark requests and receipts', ...offered, encodings: 'once', run: marked },
]
