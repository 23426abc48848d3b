// Chapter 7: rights to publish and to send, who receives what, echo, and the order of messages.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, like } from '../expectation.ts'

async function rights(bench: Bench): Promise<void> {
  const room = bench.room('granted')
  const member = await (await bench.user({ grants: { join: [room] } })).join(room)
  await member.refused({ type: 'publish', room, data: 'no' }, 'forbidden')
  const publisher = await bench.user({ grants: { publish: [`${bench.namespace('granted')}:*`] } })
  // Membership is not needed.
  await publisher.ok({ type: 'publish', room, data: 'yes' })
  like('the message', await member.message(), { data: 'yes' })
  await member.settled()
  equal('messages of the room', member.dataOf(room), ['yes'])
}

async function members(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('members'), await bench.user()]
  await peer.refused({ type: 'publish', room, data: 1 }, 'not_joined')
  await peer.join(room)
  await peer.ok({ type: 'publish', room, data: 1 })
  await peer.ok({ type: 'leave', room })
  await peer.refused({ type: 'publish', room, data: 1 }, 'not_joined')
}

async function sends(bench: Bench): Promise<void> {
  const [plain, all] = [await bench.user(), await bench.user({ grants: { send: ['*'] } })]
  await plain.refused({ type: 'send', user: bench.name('x'), data: 1 }, 'forbidden')
  await plain.refused({ type: 'send', session: all.session, data: 1 }, 'forbidden')
  const own = await bench.user()
  await own.ok({ type: 'send', session: own.session, data: 'own' })
  like('a message to the own session', await own.message(), { data: 'own' })
  await all.ok({ type: 'send', session: own.session, data: 'other' })
  like('a message to a session', await own.message(), { data: 'other' })
}

async function everyConnection(bench: Bench): Promise<void> {
  const name = bench.name('ann')
  const [one, two, three] = [await bench.user({ name }), await bench.user({ name }), await bench.user({ name, at: 1 })]
  const sender = await bench.user({ grants: { send: ['*'] } })
  await sender.ok({ type: 'send', user: name, data: 'all' })
  for (const peer of [one, two, three]) like('a message to the user', await peer.message(), { data: 'all' })
  await sender.ok({ type: 'send', session: three.session, data: 'one' })
  like('a message to one connection', await three.message(), { data: 'one', user: name })
  for (const peer of [one, two]) await bench.quiet(peer, 'message to another connection', ({ data }) => data === 'one')
  await sender.ok({ type: 'send', user: bench.name('offline'), data: 1 })
  const [gateway] = three.session.split('.')
  await sender.ok({ type: 'send', session: `${gateway}.9007199254740991`, data: 1 })
}

async function taken(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room(), await bench.user()]
  const [here, there] = [await (await bench.user()).join(room), await (await bench.user({ at: 1 })).join(room)]
  for (let n = 0; n < 5; n++) {
    await publisher.ok({ type: 'publish', room, data: n })
    for (const member of [here, there]) like('the message', await member.message(), { data: n })
  }
}

async function echo(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const [publisher, twin] = [await bench.user({ name }), await bench.user({ name })]
  await publisher.join(room)
  await twin.join(room)
  for (const [data, frame] of [
    [1, {}],
    [2, { echo: false }],
    [3, { echo: true }],
  ] as const) {
    await publisher.ok({ type: 'publish', room, data, ...frame })
    like('the message at the other connection', await twin.message(room), { data })
  }
  await publisher.next(({ data }) => data === 3, 'one’s own message with `echo: true`')
  equal('one’s own messages', publisher.dataOf(room), [1, 3])
}

async function quietNamespace(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('quiet'), await bench.user()]
  const other = await (await bench.user()).join(room)
  await peer.join(room)
  await peer.ok({ type: 'publish', room, data: 1 })
  await peer.ok({ type: 'publish', room, data: 2, echo: true })
  await other.next(({ data }) => data === 2, 'the message')
  like('one’s own message', await peer.message(room), { data: 2 })
  equal('one’s own messages', peer.dataOf(room), [2])
}

async function order(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room(), await bench.user()]
  const [here, there] = [await (await bench.user()).join(room), await (await bench.user({ at: 1 })).join(room)]
  const count = Math.min(40, bench.limit('publishBurst'))
  const all = Array.from({ length: count }, (_, data) => data)
  publisher.burst(all.map((data) => ({ type: 'publish', room, data, id: data + 1 })))
  for (const member of [here, there]) {
    await member.next(({ type, data }) => type === 'message' && data === count - 1, 'the last message')
    await member.settled()
    // Each once, in the order in which they were published.
    equal('messages of one publisher', member.dataOf(room), all)
  }
}

async function ephemeral(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  const answer = await peer.ok({ type: 'publish', room, data: 'typing', ephemeral: true })
  like('the `ok`', answer, { offset: undefined })
  like('the message', await peer.message(), { data: 'typing', offset: undefined })
}

async function origin(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const peer = await bench.user({ name, grants: { send: ['*'] } })
  await peer.join(room)
  const chosen = { from: 'mallory', session: 'gateway.1' }
  await peer.ok({ type: 'publish', room, data: 1, ...chosen })
  like('the message', await peer.message(), { from: name, session: peer.session })
  await peer.ok({ type: 'send', user: name, data: 2, from: 'mallory' })
  like('the message', await peer.message(), { from: name, session: peer.session })
}

async function keys(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user({ grants: { send: ['*'] } })]
  await peer.join(room)
  await peer.ok({ type: 'publish', room, data: 1, key: 'order é 1' })
  like('the message', await peer.message(room), { data: 1, key: 'order é 1' })
  for (const key of [' a', 'a ', 'a\nb', 'a\u0000']) {
    await peer.refused({ type: 'publish', room, data: 1, key }, 'bad_request')
    await peer.settled()
  }
}

/** Checks of chapter 7. */
export const PUBLISHING_CHECKS: readonly Check[] = [
  { clauses: ['7.1'], name: 'to publish needs the right to, not membership', namespaces: ['granted'], run: rights },
  { clauses: ['7.1'], name: 'a namespace may let only members publish', namespaces: ['members'], run: members },
  { clauses: ['7.2'], name: 'to send needs the grant to', run: sends },
  { clauses: ['7.3'], name: 'a message goes to every connection of the user, or to one', run: everyConnection },
  { clauses: ['7.4'], name: 'what was answered `ok` arrives', run: taken },
  { clauses: ['7.5'], name: '`echo` decides on one’s own message', run: echo },
  { clauses: ['7.5'], name: 'a namespace may leave the echo out', namespaces: ['quiet'], run: quietNamespace },
  { clauses: ['7.6', '7.7'], name: 'messages of one publisher arrive once and in order', run: order },
  { clauses: ['7.7'], name: '`ephemeral` is allowed', run: ephemeral },
  { clauses: ['7.8', '4.5'], name: 'a key goes to the recipients', features: ['history'], run: keys },
  { clauses: ['7.8'], name: 'nobody chooses who they are', run: origin },
]
