// What a client can say never reaches a subject or a header that is not its gateway's choice. A wire tap on `>` sees all that is
// published; the names on it are checked by the algorithm of the services' page, not by our own.
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { token } from '../../deploy/services/typescript/names.ts'
import { eventually } from '../harness/eventually.ts'
import { makeToken } from '../harness/tokens.ts'
import { markedSubjects, name, test } from '../harness/wire-tap.ts'

describe('a name that a client makes up', () => {
  // Each is followed by a ping: ten malformed frames in a row would close the socket.
  test('of a room leads to the subjects of that room, and to no other', async ({ stage, wire: { gateway, take } }) => {
    const ann = await stage.user(gateway, 'ann')
    let run = 0
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom('chat', 'live', 'default'), async (local, namespace) => {
        const mark = `mark ${++run}.`
        const room = namespace === 'default' ? local : `${namespace}:${local}`
        await take()
        const joined = await ann.request({ type: 'join', room })
        const published = await ann.request({ type: 'publish', room, data: mark })
        await ann.request({ type: 'leave', room })
        await ann.settled()
        expect(published.type).toBe(joined.type)
        const subjects = markedSubjects(await take(), mark)
        if (published.type === 'error') {
          expect(['bad_request', 'unknown_namespace']).toContain(published.code)
          expect(subjects).toEqual([])
          return
        }
        // Where a room without a namespace has a colon in it, the part before it is one: of ours only if it is configured.
        const [owner, own] = placeOf(room)
        const kinds = owner === 'chat' ? ['pub.room', 'live.room'] : ['room']
        expect(subjects).toEqual(kinds.map((kind) => `sluice.${kind}.${owner}.${token(own)}`))
      }),
      {
        numRuns: 200,
        examples: [
          ['a.b', 'chat'],
          ['>', 'chat'],
          ['=2E', 'live'],
          ['lobby\r\nPUB x 1', 'default'],
        ],
      },
    )
  })

  test('of a user or a session leads to that one, and to no other', async ({ stage, wire: { gateway, take } }) => {
    const ann = await stage.user(gateway, 'ann', { grants: { send: ['*'] } })
    let run = 0
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom('user', 'session'), async (to, kind) => {
        const mark = `mark ${++run}.`
        await take()
        const sent = await ann.request({ type: 'send', [kind]: to, data: mark })
        await ann.settled()
        const subjects = markedSubjects(await take(), mark)
        const expected = kind === 'user' ? `sluice.user.${token(to)}` : `sluice.session.${to}`
        expect(subjects).toEqual(sent.type === 'ok' ? [expected] : [])
      }),
      {
        numRuns: 150,
        examples: [
          ['a.b', 'user'],
          ['gw.1', 'session'],
          ['gw.1.2', 'session'],
          ['>.1', 'session'],
        ],
      },
    )
  })

  test('of its own user, by a token, is heard under that name alone', async ({ stage, wire: { nats, gateway } }) => {
    const names = fc.sample(name, { numRuns: 60, seed: 7 }).filter((sub) => sub.isWellFormed())
    for (const sub of new Set(['a.b', '>', 'x *', ...names])) {
      const client = await stage.open(gateway, { token: await makeToken(sub), by: 'frame' })
      await eventually(() => client.frames.length > 0 || client.close !== null).toBe(true)
      await client.leave().catch(() => undefined)
    }
    const heard = await nats.gatewaySubjects()
    const users = heard.filter((subject) => subject.startsWith('sluice.user.'))
    expect(users.length).toBeGreaterThan(20)
    expect(users.filter((subject) => !/^sluice\.user\.(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(subject))).toEqual([])
  })
})

/** Namespace and name of a room, as the protocol says it. */
function placeOf(room: string): [string, string] {
  const colon = room.indexOf(':')
  return colon === -1 ? ['default', room] : [room.slice(0, colon), room.slice(colon + 1)]
}

/** What a gateway writes for a client's message, and what a stream adds to its copy. */
const WRITTEN = [
  'Sluice-From',
  'Sluice-Session',
  'Sluice-Event',
  'Sluice-Key',
  'Sluice-Exclude-Session',
  'Content-Type',
  'Nats-Msg-Id',
]
const ADDED = ['Nats-Stream', 'Nats-Subject', 'Nats-Sequence', 'Nats-Time-Stamp', 'Nats-Last-Sequence']

const NAMES = [
  ...WRITTEN,
  ...ADDED,
  'Sluice-Exclude-User',
  'Sluice-Claims',
  'Nats-Rollup',
  'Nats-TTL',
  'traceparent',
  'from',
  'session',
  'headers',
  'exclude',
  'excludeUser',
  'offset',
  'prev',
  'time',
]
const forged = fc.oneof(
  fc.constantFrom('bob', 'gw=2E9', 'x\r\nSluice-From: bob', '\r\n\r\nbody', 'purge', 'sub', '1'),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

describe('headers', () => {
  test("a client's fields become none of ours, and none can be smuggled into one", async ({
    stage,
    wire: { gateway, take },
  }) => {
    const ann = await stage.user(gateway, 'ann')
    const mine = { 'Sluice-From': 'ann', 'Sluice-Session': token(ann.session) }
    let run = 0
    const fields = fc.dictionary(
      fc.constantFrom(...NAMES),
      fc.oneof(forged, fc.dictionary(fc.constantFrom(...NAMES), forged)),
      {
        maxKeys: 6,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        fields,
        fc.option(forged, { nil: undefined }),
        fc.option(forged, { nil: undefined }),
        fc.constantFrom('chat', 'live'),
        async (extra, event, key, namespace) => {
          const mark = `mark ${++run}.`
          // A room of its own for each: a stream knows a key again.
          const room = `${namespace}:headers-${run}`
          await take()
          const answer = await ann.request({ ...extra, type: 'publish', room, data: mark, event, key })
          const marked = (await take()).filter(({ text }) => text.includes(mark))
          await ann.settled()
          if (answer.type === 'error') {
            expect(answer.code).toBe('bad_request')
            expect(marked).toEqual([])
            return
          }
          expect(marked.length).toBe(namespace === 'chat' ? 2 : 1)
          for (const { subject, headers, text } of marked) {
            expect(text).toBe(JSON.stringify(mark))
            const given = {
              ...(event === undefined ? {} : { 'Sluice-Event': event }),
              ...(key === undefined ? {} : { 'Sluice-Key': key }),
            }
            const known = subject.includes('.live.room.') ? [...WRITTEN, ...ADDED] : WRITTEN
            expect((headers?.keys() ?? []).filter((header) => !known.includes(header))).toEqual([])
            for (const [header, value] of Object.entries({ ...mine, ...given }))
              expect(headers?.values(header)).toEqual([value])
            if (!('Sluice-Event' in given)) expect(headers?.has('Sluice-Event')).toBe(false)
            expect(headers?.has('Sluice-Exclude-Session')).toBe(false)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
