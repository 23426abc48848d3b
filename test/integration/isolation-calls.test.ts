// What a client asks of services never reaches a subject or a header that is not its gateway's choice: methods of calls, and rooms about
// which a service decides. The names on the wire are checked by the algorithm of the services' page, not by our own.
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { token } from '../../deploy/services/typescript/names.ts'
import { serve } from '../harness/service.ts'
import { markedSubjects, name, test } from '../harness/wire-tap.ts'

/** Headers of a call; a gateway writes each of them once. */
const WRITTEN = ['Sluice-From', 'Sluice-Session', 'Sluice-Claims', 'Sluice-Deadline-Ms', 'Content-Type', 'traceparent']

describe('what a client asks of services', () => {
  test('leads a call to its method, and to no other subject', async ({ stage, wire: { nats, gateway, take } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.>', () => 'true')
    const ann = await stage.user(gateway, 'ann')
    const method = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('.'))
    let run = 0
    let called = 0
    await fc.assert(
      fc.asyncProperty(method, async (method) => {
        const mark = `mark ${++run}.`
        await take()
        const answer = await ann.request({ type: 'call', method, data: mark, timeoutMs: 2000 })
        await ann.settled()
        const subjects = markedSubjects(await take(), mark)
        if (answer.type === 'error') expect({ method, code: answer.code }).toEqual({ method, code: 'bad_request' })
        else called++
        const expected = `sluice.call.${method.split('.').map(token).join('.')}`
        expect(subjects).toEqual(answer.type === 'ok' ? [expected] : [])
      }),
      {
        numRuns: 200,
        examples: [
          ['orders.>'],
          ['*'],
          ['orders.\0'],
          ['a..b'],
          ['..'],
          ['orders.get\r\nPUB x 1'],
          ['$JS.API.INFO'],
          ['=2E.x'],
        ],
      },
    )
    expect(called).toBeGreaterThan(20)
    expect(service.asked.length).toBe(called)
  })

  test('puts nothing into the headers of a call', async ({ stage, wire: { nats, gateway } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.who', () => 'true')
    const ann = await stage.user(gateway, 'ann')
    const forged = fc.oneof(
      fc.constantFrom('bob', '0', 'x\r\nSluice-From: bob'),
      fc.string({ unit: 'binary', maxLength: 20 }),
    )
    const names = fc.constantFrom(...WRITTEN, 'headers', 'from', 'user', 'session', 'claims', 'Nats-Msg-Id', 'reply')
    const fields = fc.dictionary(names, fc.oneof(forged, fc.dictionary(names, forged)), { maxKeys: 6 })
    await fc.assert(
      fc.asyncProperty(fields, async (extra) => {
        const before = service.asked.length
        const answer = await ann.request({ ...extra, type: 'call', method: 'who', data: 1 })
        await ann.settled()
        if (answer.type === 'error') {
          expect(answer.code).toBe('bad_request')
          expect(service.asked.length).toBe(before)
          return
        }
        const { headers } = service.asked.at(-1) ?? {}
        expect((headers?.keys() ?? []).filter((header) => !WRITTEN.includes(header))).toEqual([])
        expect(headers?.values('Sluice-From')).toEqual(['ann'])
        expect(headers?.values('Sluice-Session')).toEqual([token(ann.session)])
        expect(headers?.values('Sluice-Claims').map((claims) => JSON.parse(claims).sub)).toEqual(['ann'])
        expect(headers?.values('Sluice-Deadline-Ms')).toEqual(['10000'])
      }),
      { numRuns: 150 },
    )
    expect(service.asked.length).toBeGreaterThan(20)
  })

  test('asks about a room on the subject of its namespace alone', async ({ stage, wire: { nats, gateway, take } }) => {
    const service = await serve(await nats.connect(), 'sluice.authorize.>', () => '{"allow":true}')
    const ann = await stage.user(gateway, 'ann')
    let run = 0
    await fc.assert(
      fc.asyncProperty(name, async (local) => {
        const mark = `mark ${++run}.`
        const room = `ask:${local}`
        const before = service.asked.length
        await take()
        const published = await ann.request({ type: 'publish', room, data: mark })
        await ann.settled()
        const subjects = markedSubjects(await take(), mark)
        if (published.type === 'error') {
          expect(['bad_request', 'unknown_namespace']).toContain(published.code)
          expect(subjects).toEqual([])
          expect(service.asked.length).toBe(before)
          return
        }
        expect(subjects).toEqual(['sluice.authorize.publish.ask', `sluice.room.ask.${token(local)}`])
        expect(service.last()).toMatchObject({ user: 'ann', session: ann.session, room, data: mark })
      }),
      { numRuns: 150, examples: [['a.b'], ['>'], ['\0'], ['=2E']] },
    )
  })
})
