// Chapter 6: who may join, what a join and a leave promise, and how memberships end.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like } from '../expectation.ts'

async function rights(bench: Bench): Promise<void> {
  const room = bench.room('granted')
  const stranger = await bench.user()
  await stranger.refused({ type: 'join', room }, 'forbidden')
  await stranger.ok({ type: 'join', room: bench.room() })
  const guest = await bench.user({ grants: { join: [room] } })
  await guest.ok({ type: 'join', room })
}

async function interest(bench: Bench): Promise<void> {
  const publisher = await bench.user()
  for (let n = 0; n < 10; n++) {
    const [room, member] = [bench.room(), await bench.user()]
    await member.join(room)
    await publisher.ok({ type: 'publish', room, data: n })
    like('a message published after the `ok`', await member.message(room), { data: n })
  }
}

async function nothingBefore(bench: Bench): Promise<void> {
  const room = bench.room()
  const publisher = await bench.user()
  const first = await (await bench.user()).join(room)
  const member = await bench.user()
  const publishes = Array.from({ length: 30 }, (_, data) => ({ type: 'publish', room, data }))
  publisher.burst(publishes.slice(0, 15))
  member.send({ type: 'join', room, id: 'join' })
  publisher.burst(publishes.slice(15))
  await member.next(({ id }) => id === 'join', 'an answer to `join`')
  await publisher.ok({ type: 'publish', room, data: 'last' })
  await member.next(({ data }) => data === 'last', 'the last message')
  await first.next(({ data }) => data === 'last', 'the last message')
  const before = member.frames.slice(
    0,
    member.frames.findIndex(({ id }) => id === 'join'),
  )
  equal(
    'messages before the `ok` of the join',
    before.filter(({ type }) => type === 'message'),
    [],
  )
}

function neverOutside(clause: string) {
  return async (bench: Bench): Promise<void> => {
    const violation = bench.observations.of(clause)[0]
    if (violation !== undefined) throw new Broken(violation.expected, violation.came)
  }
}

async function again(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  await peer.refused({ type: 'join', room }, 'already_joined')
  await peer.ok({ type: 'publish', room, data: 'once' })
  await peer.message(room)
  await peer.settled()
  equal('messages of the room', peer.dataOf(room), ['once'])
  await peer.ok({ type: 'leave', room })
  await peer.join(room)
}

async function leaving(bench: Bench): Promise<void> {
  const room = bench.room()
  const [leaver, member, publisher] = [await bench.user(), await bench.user(), await bench.user()]
  await leaver.join(room)
  await member.join(room)
  const publishes = Array.from({ length: 20 }, (_, data) => ({ type: 'publish', room, data }))
  publisher.burst(publishes)
  await leaver.ok({ type: 'leave', room })
  const held = leaver.dataOf(room).length
  await publisher.ok({ type: 'publish', room, data: 'last' })
  await member.next(({ data }) => data === 'last', 'the last message')
  await bench.quiet(leaver, 'message after the `ok` of the leave', ({ data }) => data === 'last')
  equal('messages of the room that was left', leaver.dataOf(room).length, held)
  await leaver.ok({ type: 'leave', room })
  await leaver.ok({ type: 'leave', room: bench.room() })
}

async function closing(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const before = await (await bench.user({ name })).join(room)
  await before.leave()
  const after = await bench.user({ name })
  await (await bench.user()).ok({ type: 'publish', room, data: 1 })
  await bench.quiet(after, 'message of a membership that has ended', ({ type }) => type === 'message')
  await after.join(room)
}

async function toTheUser(bench: Bench): Promise<void> {
  const name = bench.name('ann')
  const [here, there] = [await bench.user({ name }), await bench.user({ name, at: 1 })]
  const sender = await bench.user({ grants: { send: ['*'] } })
  await sender.ok({ type: 'send', user: name, data: 'hello' })
  for (const peer of [here, there]) like('a message to the user', await peer.message(), { user: name, data: 'hello' })
  holds(
    sender.frames.every(({ type }) => type !== 'message'),
    'no message to others',
    sender.frames.at(-1),
  )
}

/** Checks of chapter 6. */
export const MEMBERSHIP_CHECKS: readonly Check[] = [
  { clauses: ['6.1'], name: 'to join needs the right to', namespaces: ['granted'], run: rights },
  { clauses: ['6.2'], name: 'what is published after the `ok` of a join is delivered', run: interest },
  { clauses: ['6.2'], name: 'nothing is delivered before the `ok` of a join', run: nothingBefore },
  { clauses: ['6.2'], name: 'no socket of the run got anything before a join', last: true, run: neverOutside('6.2') },
  { clauses: ['6.3'], name: 'a second join changes nothing', run: again },
  { clauses: ['6.4'], name: 'a leave ends delivery', run: leaving },
  { clauses: ['6.4'], name: 'no socket of the run got anything after a leave', last: true, run: neverOutside('6.4') },
  { clauses: ['6.5'], name: 'a close ends memberships', run: closing },
  {
    clauses: ['6.5'],
    name: 'no socket of the run got a room that it was not in',
    last: true,
    run: neverOutside('6.5'),
  },
  { clauses: ['6.6', '7.3'], name: 'messages to the user need no join', run: toTheUser },
]
