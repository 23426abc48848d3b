// Chapter 16 but for recovery, which has a file of its own: positions and their chain, what is stored once, paging, inboxes, and what
// services store.
import { headers } from '@nats-io/transport-node'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { roomSubject } from '../subject-token.ts'

/** Publishes values one after the other; resolves with their answers. */
export async function publishAll(publisher: Peer, room: string, values: readonly unknown[]): Promise<Frame[]> {
  const answers: Frame[] = []
  for (const data of values) answers.push(await publisher.ok({ type: 'publish', room, data }))
  return answers
}

/** Fails unless each message names the one before it, from a position on [P-16.7]. */
export function contiguous(messages: readonly Frame[], from: number): void {
  let held = from
  for (const message of messages) {
    const [offset, prev] = [Number(message.offset), Number(message.prev)]
    holds(offset > held, `an offset above ${held}`, message)
    holds(prev <= held, `\`prev\` of at most ${held}, as nothing was missed`, message)
    holds(Number.isSafeInteger(message.time), 'a `time`', message)
    held = offset
  }
}

/** The messages of a room that came so far. */
export function messagesOf({ frames }: Peer, room: string): Frame[] {
  return frames.filter((frame) => frame.type === 'message' && frame.room === room)
}

async function positions(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  const [here, there] = [await bench.user(), await bench.user({ at: 1 })]
  const joined = await here.ok({ type: 'join', room })
  await there.ok({ type: 'join', room })
  equal('`recovered` of a join without `since`', joined.recovered, undefined)
  const told =
    [joined.offset, joined.time].every((part) => Number.isSafeInteger(part)) && typeof joined.epoch === 'string'
  holds(told, 'the position of an empty room', joined)
  const answers = await publishAll(publisher, room, [1, 2, 3, 4, 5])
  for (const member of [here, there]) await member.next(({ data }) => data === 5, 'the last message')
  const messages = messagesOf(here, room)
  contiguous(messages, Number(joined.offset))
  equal('what another member sees', messagesOf(there, room), messages)
  for (const [at, answer] of answers.entries()) {
    equal('the position of an `ok` and its message', messages[at]?.offset, answer.offset)
    if (answer.epoch !== undefined) equal('`epoch` of the `ok`', answer.epoch, joined.epoch)
    equal('`duplicate` of the `ok`', answer.duplicate ?? false, false)
  }
}

async function withoutEcho(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('history'), await bench.user()]
  const other = await (await bench.user({ at: 1 })).join(room)
  const { offset: start } = await peer.ok({ type: 'join', room })
  const silent = await peer.ok({ type: 'publish', room, data: 'silent', echo: false })
  holds(Number(silent.prev) <= Number(start), '`prev` of the `ok` within what was held', silent)
  const loud = await peer.ok({ type: 'publish', room, data: 'loud' })
  const message = await peer.message(room)
  like('the next message', message, { data: 'loud', offset: loud.offset })
  holds(Number(message.prev) <= Number(silent.offset), '`prev` within the position of the `ok`', message)
  await other.next(({ data }) => data === 'loud', 'the message at another member')
  equal('data at another member', other.dataOf(room), ['silent', 'loud'])
}

async function ephemeral(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('history'), await bench.user()]
  await peer.ok({ type: 'join', room })
  like('the `ok`', await peer.ok({ type: 'publish', room, data: 'typing', ephemeral: true }), { offset: undefined })
  like('the message', await peer.message(room), { data: 'typing', offset: undefined, prev: undefined })
  const { messages } = await peer.ok({ type: 'history', room, limit: 10 })
  equal('what is kept', messages, [])
}

async function once(bench: Bench): Promise<void> {
  const [room, other, name] = [bench.room('history'), bench.room('history'), bench.name('ann')]
  const peer = await bench.user({ name })
  await peer.join(room, other)
  const publish = { type: 'publish', room, data: 1, key: 'order-1' }
  const first = await peer.ok(publish)
  equal('`duplicate` of the first', first.duplicate ?? false, false)
  // From another connection of the user too, with whatever payload.
  const twin = await bench.user({ name, at: 1 })
  for (const again of [peer, twin]) {
    like('the `ok` of a second', await again.ok({ ...publish, data: 2 }), { duplicate: true, offset: first.offset })
  }
  // Neither rooms nor users swallow each other's keys.
  equal('`duplicate` in another room', (await peer.ok({ ...publish, room: other })).duplicate ?? false, false)
  equal('`duplicate` of another user', (await (await bench.user()).ok(publish)).duplicate ?? false, false)
  await peer.ok({ type: 'publish', room, data: 'last' })
  await peer.next(({ data }) => data === 'last', 'the last message')
  equal('messages of the room', peer.dataOf(room), [1, 1, 'last'])
  equal('the key of the message', messagesOf(peer, room)[0]?.key, 'order-1')
}

async function paging(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user()]
  const answers = await publishAll(publisher, room, [0, 1, 2, 3, 4, 5, 6])
  const offsets = answers.map(({ offset }) => Number(offset))
  const at = (index: number): number => offsets[index] ?? 0
  const reader = await bench.user({ at: 1 })
  const { epoch } = await reader.ok({ type: 'join', room })
  const page = async (bounds: object, data: readonly unknown[], more: boolean): Promise<void> => {
    const answer = await reader.ok({ type: 'history', room, ...bounds })
    const messages = answer.messages as Frame[]
    equal(
      `data of ${JSON.stringify(bounds)}`,
      messages.map((message) => message.data),
      data,
    )
    equal(`\`more\` of ${JSON.stringify(bounds)}`, answer.more, more)
    equal('`epoch`', answer.epoch, epoch)
    for (const [index, message] of messages.entries()) {
      equal('`type` and `room` of a kept message', [message.type, message.room], [undefined, undefined])
      if (index > 0) equal('`prev`', message.prev, messages[index - 1]?.offset)
    }
  }
  await page({ limit: 100 }, [0, 1, 2, 3, 4, 5, 6], false)
  await page({ limit: 3 }, [4, 5, 6], true)
  await page({ limit: 3, before: at(4) }, [1, 2, 3], true)
  await page({ limit: 3, before: at(1) }, [0], false)
  await page({ limit: 3, after: at(1) }, [2, 3, 4], true)
  await page({ limit: 3, after: at(4) }, [5, 6], false)
  await page({ limit: 3, after: at(6) }, [], false)
  await reader.refused({ type: 'history', room, limit: 3, after: 1, before: 2 }, 'bad_request')
}

async function bytesAreKept(bench: Bench): Promise<void> {
  const [room, publisher] = [bench.room('history'), await bench.user({ encoding: 'json' })]
  await publisher.ok({ type: 'publish', room, bytes: 'AP8Q', event: 'blob' })
  const { messages } = await publisher.ok({ type: 'history', room, limit: 1 })
  like('the kept message', (messages as Frame[])[0], { bytes: 'AP8Q', event: 'blob' })
}

async function off(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('open'), await bench.user()]
  await peer.refused({ type: 'history', room, limit: 1 }, 'not_enabled')
  await peer.refused({ type: 'join', room, history: 1 }, 'not_enabled')
  await peer.join(room)
}

async function rights(bench: Bench): Promise<void> {
  const peer = await bench.user()
  await peer.refused({ type: 'history', room: bench.room('granted'), limit: 1 }, 'forbidden')
}

async function inbox(bench: Bench): Promise<void> {
  const [name, other] = [bench.name('ann'), bench.name('ben')]
  const peer = await bench.user({ name })
  for (const frame of [{ type: 'join' }, { type: 'leave' }, { type: 'history', limit: 1 }]) {
    await peer.refused({ ...frame, user: other }, 'forbidden')
  }
  const joined = await peer.ok({ type: 'join', user: name })
  const sender = await bench.user({ grants: { send: ['*'] } })
  const sent = await sender.ok({ type: 'send', user: name, data: 1 })
  const message = await peer.message()
  like('a message to the user', message, { user: name, data: 1 })
  // Where inboxes keep nothing, the join has changed nothing.
  if (joined.epoch === undefined) return
  equal('the position of the message', message.offset, sent.offset)
  await peer.leave()
  await sender.ok({ type: 'send', user: name, data: 2 })
  const back = await bench.user({ name })
  const since = { epoch: joined.epoch, offset: message.offset, time: message.time }
  like('the `ok`', await back.ok({ type: 'join', user: name, since }), { recovered: true })
  like('what came meanwhile', await back.message(), { user: name, data: 2 })
}

/** Where a service stores a message of a room. */
function storeSubject(bench: Bench, room: string): string {
  const [prefix = '', ...rest] = roomSubject(bench.target.nats?.prefix ?? '', room).split('.')
  return [prefix, 'pub', ...rest].join('.')
}

async function stored(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room('history')]
  const member = await (await bench.user()).join(room)
  const forged = headers()
  for (const name of ['Nats-Sequence', 'Nats-Last-Sequence']) forged.set(name, '9007199254740991')
  forged.set('Nats-Msg-Id', `${room}/1`)
  const subject = storeSubject(bench, room)
  const request = async () => (await service.request(subject, '"pushed"', { timeout: 5000, headers: forged })).json()
  const answer = (await request()) as { seq?: unknown }
  like('a stored push', await member.message(room), { data: 'pushed', offset: answer.seq })
  like('the answer to the same again', await request(), { seq: answer.seq, duplicate: true })
  await member.ok({ type: 'publish', room, data: 'next' })
  holds(
    Number((await member.message(room)).prev) <= Number(answer.seq),
    '`prev` of the next message',
    member.frames.at(-1),
  )
}

async function withheld(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room('history')]
  const member = await (await bench.user()).join(room)
  const answer = await service.request(storeSubject(bench, room), 'no JSON', { timeout: 5000 })
  const { seq } = answer.json() as { seq: number }
  const message = await member.message(room)
  like('a stored message that cannot be delivered', message, { withheld: true, offset: seq, data: undefined })
  holds(Number.isSafeInteger(message.prev), '`prev`', message)
}

async function unbroken(bench: Bench): Promise<void> {
  const violation = [...bench.observations.of('16.7'), ...bench.observations.of('16.5')][0]
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
}

const features = ['history']
const namespaces = ['history'] as const
const kept = { features, namespaces }
const needs = ['nats'] as const

/** Checks of chapter 16 but for recovery. */
export const HISTORY_CHECKS: readonly Check[] = [
  { clauses: ['16.1'], name: 'history may be off', features, namespaces: ['open'], run: off },
  {
    clauses: ['16.2', '16.3', '16.4', '7.7'],
    name: 'stored messages have positions in a chain',
    ...kept,
    run: positions,
  },
  { clauses: ['16.3'], name: 'a key stores once', ...kept, run: once },
  {
    clauses: ['16.7', '16.5'],
    name: 'no socket of the run missed a message or got one twice',
    ...kept,
    last: true,
    run: unbroken,
  },
  { clauses: ['16.9'], name: 'what cannot be delivered is a link all the same', ...kept, needs, run: withheld },
  { clauses: ['16.10'], name: 'an `ok` without an echo is a link of the chain', ...kept, run: withoutEcho },
  { clauses: ['16.11'], name: 'what is kept can be paged both ways', ...kept, run: paging },
  { clauses: ['16.11', '8.4'], name: 'bytes and events are kept', ...kept, encodings: 'once', run: bytesAreKept },
  { clauses: ['16.11'], name: 'to read needs the right to join', features, namespaces: ['granted'], run: rights },
  { clauses: ['16.12'], name: 'one’s own inbox is nobody else’s', features, run: inbox },
  { clauses: ['16.13'], name: 'services store by a publish', ...kept, needs, encodings: 'once', run: stored },
  { clauses: ['16.14', '7.7'], name: 'what is ephemeral has no position', ...kept, run: ephemeral },
]
