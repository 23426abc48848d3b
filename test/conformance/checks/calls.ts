// Chapter 19 as far as it is about calls: methods, their grants, what a service is asked, and what its reply becomes.
import { randomBytes } from 'node:crypto'
import { AnsweringService, type Reply } from '../answering-service.ts'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import { bytesOf, type Frame } from '../frame-codec.ts'
import { jsonMember } from '../json-member.ts'
import type { Peer } from '../peer.ts'
import { tokenOf } from '../subject-token.ts'

const all = { grants: { call: ['*'] } }
const call = (method: string, fields: object = { data: 1 }) => ({ type: 'call', method, ...fields })
/** Far above the time of a call, far below the shortest wait that is tried. */
const AT_ONCE_MS = 1500

/** A service that answers one method, which nobody else has. */
async function method(bench: Bench, reply: () => Reply, ending = 'get') {
  const name = `${bench.name('calls')}.${ending}`
  const subject = `call.${name.split('.').map(tokenOf).join('.')}`
  return { name, service: await AnsweringService.start(bench, subject, reply) }
}

async function methods(bench: Bench): Promise<void> {
  const peer = await bench.user(all)
  for (const wrong of ['a..b', '.a', 'a.', 'a.*', 'a*', '', 'x'.repeat(129)]) {
    await peer.refused(call(wrong), 'bad_request')
  }
  await peer.refused(call('a', {}), 'bad_request')
  const free = bench.name('nobody')
  await peer.refused(call(`${free}.> x.größe`), 'no_service')
  await peer.refused(call(free.padEnd(128, 'x')), 'no_service')
}

async function grants(bench: Bench): Promise<void> {
  const notes = bench.name('notes')
  const pattern = { grants: { call: [`${notes}.{user}.get`, `${notes}.list`] } }
  const peer = await bench.user(pattern)
  await peer.refused(call(`${notes}.${peer.user}.get`), 'no_service')
  await peer.refused(call(`${notes}.list`), 'no_service')
  for (const other of [`${notes}.somebody.get`, `${notes}.${peer.user}`, `${notes}.${peer.user}.get.all`, notes]) {
    await peer.refused(call(other), 'forbidden')
  }
  const dotted = await bench.user({ ...pattern, name: bench.name('a.b') })
  await dotted.refused(call(`${notes}.${dotted.user}.get`), 'forbidden')
  await (await bench.user()).refused(call(`${notes}.list`), 'forbidden')
}

async function question(bench: Bench): Promise<void> {
  const { name, service } = await method(bench, () => 'null', 'größe x')
  const user = bench.name('änn b')
  const peer = await bench.user({ name: user, ...all })
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
  const forged = { from: 'eve', session: 'x.1', claims: { sub: 'eve' }, headers: { 'Sluice-From': 'eve' } }
  await peer.ok({ ...call(name, { data: { sum: 2 } }), traceparent, timeoutMs: 4000, ...forged })
  const asked = await service.question(0)
  equal('the payload of the question', asked.json(), { sum: 2 })
  const told = (header: string): string | undefined => asked.headers?.get(header) || undefined
  equal('`Sluice-From`', told('Sluice-From'), tokenOf(user))
  equal('`Sluice-Session`', told('Sluice-Session'), tokenOf(peer.session))
  equal('`Sluice-Deadline-Ms`', told('Sluice-Deadline-Ms'), '4000')
  equal('`Content-Type`', told('Content-Type'), 'application/json')
  equal('the trace of `traceparent`', traceOf(told('traceparent')), traceOf(traceparent))
  const claims = told('Sluice-Claims') ?? ''
  holds(/^[\x20-\x7e]+$/.test(claims), '`Sluice-Claims` in ASCII', claims)
  like('`Sluice-Claims`', JSON.parse(claims), { sub: user })
  // One that is none counts as absent.
  for (const [at, wrong] of ['x', traceparent.replace(/^00/, '01'), `${traceparent}-1`].entries()) {
    await peer.ok({ ...call(name), traceparent: wrong })
    const { headers } = await service.question(at + 1)
    holds(headers?.get('traceparent') !== wrong, 'no malformed `traceparent` in the question', wrong)
  }
}

/** Its span may be that of a server that records one. */
function traceOf(traceparent: string | undefined): string | undefined {
  return traceparent?.split('-')[1]
}

/** How long a call waits, as the service is told. */
async function deadlines(bench: Bench): Promise<void> {
  const { name, service } = await method(bench, () => 'null')
  const peer = await bench.user(all)
  for (const timeoutMs of [undefined, 100_000]) await peer.ok({ ...call(name), timeoutMs })
  const waits = service.asked.map(({ headers }) => headers?.get('Sluice-Deadline-Ms'))
  equal('`Sluice-Deadline-Ms` without `timeoutMs`, and with one above the bound', waits, ['10000', '60000'])
}

async function untouched(bench: Bench): Promise<void> {
  const text = '{ "n":1.00, "id":12345678901234567890 }'
  const { name, service } = await method(bench, () => text)
  const peer = await bench.user(all)
  peer.sendRaw(`{"type":"call","id":1,"method":${JSON.stringify(name)},"data":{ "sum": 1.50 }}`)
  const answer = await peer.next(({ id }) => id === 1, 'an answer to the call')
  equal('`data` as the service is asked', (await service.question(0)).string(), '{ "sum": 1.50 }')
  equal('`data` as the service answered', jsonMember(peer.raw(answer).toString(), 'data'), text)
}

async function bytes(bench: Bench): Promise<void> {
  const content = Buffer.from([0, 0xff, 0xc3, 0x28])
  const headers = { 'Content-Type': 'application/octet-stream' }
  const { name, service } = await method(bench, () => ({ payload: content, headers }))
  const peer = await bench.user(all)
  const sent = bench.encoding === 'json' ? { bytes: content.toString('base64') } : { data: content }
  const answer = await peer.ok(call(name, sent))
  equal('the bytes of the answer', bytesOf(bench.encoding, answer)?.toString('hex'), content.toString('hex'))
  const asked = await service.question(0)
  equal('the bytes of the question', Buffer.from(asked.data).toString('hex'), content.toString('hex'))
  equal('`Content-Type`', asked.headers?.get('Content-Type'), headers['Content-Type'])
}

async function unfit(bench: Bench): Promise<void> {
  const { name, service } = await method(bench, () => '')
  const peer = await bench.user(all)
  const tooDeep = '['.repeat(257) + ']'.repeat(257)
  for (const reply of ['', 'no JSON', '1 2', Buffer.from([0x22, 0xff, 0x22]), tooDeep]) {
    service.answers(() => reply)
    await peer.refused(call(name), 'service_error')
  }
}

async function failures(bench: Bench): Promise<void> {
  const { name, service } = await method(bench, () => undefined)
  const peer = await bench.user(all)
  const failing = (payload: string, headers: Readonly<Record<string, string>>): Promise<Frame> => {
    service.answers(() => ({ payload, headers }))
    return peer.request(call(name))
  }
  const error = { 'Nats-Service-Error-Code': '409', 'Nats-Service-Error': 'sold out' }
  const like409 = { type: 'error', code: 'service_error', message: 'sold out', details: { left: 0 } }
  like('an error of the service', await failing('{"left":0}', error), like409)
  for (const [header, value] of Object.entries(error)) {
    const answer = await failing('', { [header]: value })
    like(`an answer to ${header} alone`, answer, { type: 'error', code: 'service_error', details: undefined })
  }
  const long = await failing(`"${'x'.repeat(5000)}"`, { ...error, 'Nats-Service-Error': 'y'.repeat(3000) })
  like('an error that is too long', long, { message: 'y'.repeat(256), details: undefined })
  like('details that are no JSON', await failing('no', error), { code: 'service_error', details: undefined })
  like('a code of 0', await failing('1', { 'Nats-Service-Error-Code': '0' }), { type: 'ok', data: 1 })
}

async function within(peer: Peer, frame: object, code: string): Promise<number> {
  const since = performance.now()
  await peer.refused(frame, code)
  return performance.now() - since
}

async function waits(bench: Bench): Promise<void> {
  const silent = await method(bench, () => undefined)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const late = await method(bench, () => '"late"')
  late.service.answers(async () => {
    await released
    return '"late"'
  })
  const quick = await method(bench, () => '"quick"')
  const peer = await bench.user(all)
  holds((await within(peer, call(bench.name('nobody')), 'no_service')) < AT_ONCE_MS, '`no_service` at once', 'later')
  const took = await within(peer, { ...call(silent.name), timeoutMs: 400 }, 'timeout')
  holds(took >= 390, 'no `timeout` before its time', took)
  // Neither another call nor anything else waits behind one that is under way.
  peer.send({ ...call(late.name), id: 1 })
  like('an answer that overtakes', await peer.ok(call(quick.name)), { data: 'quick' })
  await peer.join(bench.room())
  equal('answers to the call under way', peer.frames.filter(({ id }) => id === 1).length, 0)
  release()
  like('the late answer', await peer.next(({ id }) => id === 1, 'the late answer'), { type: 'ok', data: 'late' })
}

const features = ['call'] as const
const needs = ['nats'] as const

/** Checks of chapter 19 about calls. */
export const CALL_CHECKS: readonly Check[] = [
  { clauses: ['19.1'], name: 'a method is names joined by dots', features, run: methods },
  { clauses: ['19.1', '19.2', '3.6'], name: 'a call needs the grant', features, run: grants },
  { clauses: ['19.2', '21.1'], name: 'a call says who calls, whatever its frame says', features, needs, run: question },
  { clauses: ['19.2', '19.3'], name: 'a call has a deadline', features, needs, encodings: 'once', run: deadlines },
  { clauses: ['19.3'], name: 'calls time out, and delay nothing', features, needs, run: waits },
  { clauses: ['19.2', '19.4'], name: 'data of calls is untouched', features, needs, encodings: 'json', run: untouched },
  { clauses: ['19.2', '19.4'], name: 'calls carry bytes', features, needs, run: bytes },
  { clauses: ['19.4'], name: 'a reply that is neither is `service_error`', features, needs, run: unfit },
  { clauses: ['19.5'], name: 'an error of a service is told, bounded', features, needs, run: failures },
]
