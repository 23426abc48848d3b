// Chapter 9: what services publish on NATS: subjects, payloads and headers. All of it needs --nats-url.
import { headers } from '@nats-io/transport-node'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import { bytesOf, type Frame } from '../frame-codec.ts'
import { jsonMember } from '../json-member.ts'
import { roomSubject, tokenOf } from '../subject-token.ts'

function headersOf(entries: Readonly<Record<string, string>>) {
  const made = headers()
  for (const [name, value] of Object.entries(entries)) made.set(name, value)
  return { headers: made }
}

/** Publishes what must not arrive, and then what must. */
async function dropped(
  bench: Bench,
  cases: readonly [string, Uint8Array | string, Readonly<Record<string, string>>][],
) {
  const [service, room] = [await bench.service(), bench.room()]
  const member = await (await bench.user()).join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  for (const [what, payload, entries] of cases) {
    service.publish(subject, payload, headersOf(entries))
    service.publish(subject, JSON.stringify(what))
    equal(`what arrives after ${what}`, (await member.message(room)).data, what)
  }
  equal('the number of messages', member.dataOf(room).length, cases.length)
}

async function subjects(bench: Bench): Promise<void> {
  const { prefix } = bench.target.nats ?? { prefix: '' }
  const [service, room, name] = [await bench.service(), bench.room(), bench.name('ann')]
  const inOpen = bench.target.namespaces.open === null ? null : `${bench.room('open')}:more`
  const [one, two] = [await bench.user({ name }), await bench.user({ name, at: 1 })]
  await one.join(room, ...(inOpen === null ? [] : [inOpen]))
  service.publish(roomSubject(prefix, room), '{"text":"hi"}')
  const message = await one.message(room)
  like('a push to the room', message, { data: { text: 'hi' }, from: undefined, session: undefined })
  if (inOpen !== null) {
    service.publish(roomSubject(prefix, inOpen), '1')
    equal('the room of the push', (await one.message()).room, inOpen)
  }
  service.publish(`${prefix}.user.${tokenOf(name)}`, '"all"')
  for (const peer of [one, two]) like('a push to the user', await peer.message(), { user: name, data: 'all' })
  service.publish(`${prefix}.session.${two.session}`, '"one"')
  like('a push to the connection', await two.message(), { user: name, data: 'one' })
  await bench.quiet(one, 'push to another connection', ({ data }) => data === 'one')
}

async function untouched(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room()]
  const text = await (await bench.user({ encoding: 'json' })).join(room)
  const packed = await (await bench.user({ encoding: 'msgpack' })).join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  for (const data of ['{"b": 1, "a":1E400}', '12345678901234567890', '"\\ud800"', '[]', '[1 ,2]']) {
    service.publish(subject, data)
    const frame = await text.message(room)
    equal('`data` as it was pushed', jsonMember(text.raw(frame).toString(), 'data'), data)
    await packed.message(room)
  }
  const bytes = Buffer.from([0, 255, 16])
  service.publish(subject, bytes, headersOf({ 'Content-Type': 'application/octet-stream' }))
  equal('pushed bytes', bytesOf('json', await text.message(room))?.toString('hex'), '00ff10')
  equal('pushed bytes', bytesOf('msgpack', await packed.message(room))?.toString('hex'), '00ff10')
  const payloadBytesMax = bench.limit('payloadBytesMax')
  service.publish(subject, `"${'x'.repeat(payloadBytesMax - 2)}"`)
  equal('the length of the greatest push', String((await text.message(room)).data).length, payloadBytesMax - 2)
}

async function neither(bench: Bench): Promise<void> {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  await dropped(bench, [
    ['nothing', '', {}],
    ['no JSON', 'hello', {}],
    ['two values', '1 2', {}],
    ['half a value', '{"a":', {}],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}],
    ['half a character', Buffer.from([0x22, 0xf0, 0x9f, 0x22]), {}],
    ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x31]), {}],
    ['a byte of control in a text', '"\u0001"', {}],
    ['what is nested too deep', nested(257), {}],
    ['what is too large', `"${'x'.repeat(bench.limit('payloadBytesMax') - 1)}"`, {}],
  ])
}

async function headersBecomeFields(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room()]
  const member = await (await bench.user()).join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  const entries = {
    'Content-Type': 'application/json',
    'Sluice-Event': 'message.created',
    'Sluice-From': tokenOf('an é user'),
    'Sluice-Session': tokenOf('gw1.7'),
    'X-Other': 'secret',
  }
  service.publish(subject, '1', headersOf(entries))
  const message = await member.message(room)
  like('the push', message, { event: 'message.created', from: 'an é user', session: 'gw1.7' })
  holds(!member.raw(message).includes('secret'), 'no other header in the frame', message)
  // Names are case-sensitive.
  service.publish(subject, '2', headersOf({ 'sluice-event': 'lower' }))
  like('a push with a header in lower case', await member.message(room), { data: 2, event: undefined })
}

async function badHeaders(bench: Bench): Promise<void> {
  await dropped(bench, [
    ['an event that is none', '1', { 'Sluice-Event': 'a b' }],
    ['an event that is too long', '1', { 'Sluice-Event': 'e'.repeat(65) }],
    ['a user that is no token', '1', { 'Sluice-From': '=2e' }],
    ['a session that is no token', '1', { 'Sluice-Session': 'gw1.7' }],
    ['an excluded session that is no token', '1', { 'Sluice-Exclude-Session': 'gw1.7' }],
    ['an excluded user that is no token', '1', { 'Sluice-Exclude-User': 'a b' }],
    ['a kind of content that is neither', '1', { 'Content-Type': 'text/plain' }],
  ])
}

async function keys(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room()]
  const member = await (await bench.user()).join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  service.publish(subject, '1', headersOf({ 'Sluice-Key': 'order é 1' }))
  like('a push with a key', await member.message(room), { key: 'order é 1' })
}

async function reservedNames(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room()]
  const member = await (await bench.user()).join(room)
  const { prefix } = bench.target.nats ?? { prefix: '' }
  service.publish(`${prefix}.later.${tokenOf(room)}`, '"unheard"')
  service.publish(roomSubject(prefix, room), '1', headersOf({ 'Sluice-Later': 'secret' }))
  const message = await member.message(room)
  like('a push with a header of a later release', message, { data: 1 })
  holds(!member.raw(message).includes('secret'), 'no such header in the frame', message)
}

async function exclusion(bench: Bench): Promise<void> {
  const [service, room, name] = [await bench.service(), bench.room(), bench.name('ann é')]
  const [one, two] = [await bench.user({ name }), await bench.user({ name })]
  const other = await bench.user()
  for (const peer of [one, two, other]) await peer.join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  service.publish(subject, '1', headersOf({ 'Sluice-Exclude-Session': tokenOf(one.session) }))
  service.publish(subject, '2', headersOf({ 'Sluice-Exclude-User': tokenOf(name) }))
  service.publish(subject, '3')
  const last = (frame: Frame) => frame.type === 'message' && frame.data === 3
  for (const peer of [one, two, other]) await peer.next(last, 'the last push')
  equal('pushes to the excluded session', one.dataOf(room), [3])
  equal('pushes to the excluded user', two.dataOf(room), [1, 3])
  equal('pushes to others', other.dataOf(room), [1, 2, 3])
}

const needs = ['nats'] as const

/** Checks of chapter 9. */
export const SERVICE_CHECKS: readonly Check[] = [
  { clauses: ['9.1', '2.8'], name: 'a plain publish reaches room, user or connection', needs, run: subjects },
  { clauses: ['9.2'], name: 'a push is delivered as it is', needs, encodings: 'once', run: untouched },
  { clauses: ['9.2', '8.5', '10.1'], name: 'what is neither JSON nor bytes is dropped', needs, run: neither },
  { clauses: ['9.3', '9.4'], name: 'headers become fields', needs, run: headersBecomeFields },
  { clauses: ['9.3'], name: 'a push with a malformed header is dropped', needs, encodings: 'once', run: badHeaders },
  { clauses: ['9.3'], name: 'a key becomes a field', features: ['history'], needs, run: keys },
  {
    clauses: ['17.3'],
    name: 'headers and subjects of later releases have no effect',
    needs,
    encodings: 'once',
    run: reservedNames,
  },
  { clauses: ['9.3'], name: 'sessions and users can be excluded', needs, run: exclusion },
]
