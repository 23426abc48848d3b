import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { Stage } from '../harness/stage.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()

/** A fresh client can do what a client does. */
async function stillServes(stage: Stage, gateway: GatewayProcess): Promise<void> {
  const fresh = await (await stage.user(gateway, 'fresh')).join('chat:fresh')
  await fresh.ok({ type: 'publish', room: 'chat:fresh', data: 1 })
  await fresh.message()
  await fresh.leave()
}

describe('a text that is no frame', () => {
  const malformed = [
    'hello',
    '',
    ' ',
    '{',
    '[]',
    '1',
    'null',
    '"ping"',
    '{}',
    '{"type":1}',
    '{"type":null}',
    '{"type":"join"}',
    '{"type":"join","room":"a","user":"b"}',
    '{"type":"join","room":{}}',
    '{"type":"publish","room":"a"}',
    '{"type":"publish","room":"a","data":1,"bytes":""}',
    '{"type":"publish","room":"a","data":1,"echo":"no"}',
    '{"type":"auth"}',
    '{"type":"ping"}{"type":"ping"}',
    '\ufeff{"type":"ping"}',
    '{"type":"ping",}',
  ]

  test('gets an error frame, and the socket stays open', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const text of malformed) {
      ann.raw(text)
      const error = await ann.next(({ type }) => type === 'error')
      expect({ text, code: error.code }).toEqual({ text, code: 'bad_request' })
      expect(error.message).toMatch(/\w/)
      await ann.settled()
    }
  })

  test('ten in a row close with 4000, and each of them was answered', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (let n = 0; n < 12; n++) ann.raw('nonsense')
    expect((await ann.closed).code).toBe(4000)
    expect(ann.frames.filter(({ code }) => code === 'bad_request')).toHaveLength(10)
  })

  test('nine and a good one, again and again, do not', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 9; n++) ann.raw('nonsense')
      await ann.settled()
    }
    expect(ann.frames.filter(({ type }) => type === 'error')).toHaveLength(27)
  })

  test('closes with 4000 before a sign-in too', async ({ stage, cluster: { one } }) => {
    const silent = await stage.open(one)
    for (let n = 0; n < 10; n++) silent.raw('nonsense')
    expect((await silent.closed).code).toBe(4000)
  })

  test('is never quoted back', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    ann.raw('{"type":"join","room":42,"<script>":1,"id":"x"}')
    ann.raw('<script>alert(1)</script>')
    await ann.settled()
    expect(JSON.stringify(ann.frames)).not.toContain('script')
  })
})

// A fixed seed: what fails here fails everywhere.
const RUNS = { seed: 20_261_125, numRuns: 60 }

/** Sends messages one after the other, with a good one between them, on as many sockets as they cost. */
async function pelt(
  stage: Stage,
  gateway: GatewayProcess,
  encoding: 'json' | 'msgpack',
  messages: readonly (string | Uint8Array)[],
): Promise<void> {
  let client: Client | null = null
  for (const message of messages) {
    client ??= await stage.user(gateway, 'pelt', { encoding })
    client.raw(message)
    client.send({ id: 'still', type: 'ping' })
    // What looks like a frame may be one, and `leave` of nothing has no answer; a close must have a code of the table.
    await client.next((frame) => frame.id === 'still').catch(() => null)
    if (client.close !== null) {
      expect([1003, 1009, 4000, 4029]).toContain(client.close.code)
      client = null
    }
  }
  await client?.leave()
}

describe('random messages', () => {
  const types = ['auth', 'join', 'leave', 'publish', 'send', 'call', 'presence', 'history', 'ping', 'x']
  const field = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.json(), fc.constant('chat:r'))
  const frame = fc.record(
    {
      type: fc.constantFrom(...types),
      id: field,
      room: field,
      user: field,
      session: field,
      data: fc.jsonValue(),
      bytes: field,
      event: field,
      key: field,
      echo: field,
      ephemeral: field,
      token: field,
      since: field,
      limit: field,
      method: field,
    },
    { requiredKeys: ['type'] },
  )

  test('of text never harm the gateway', async ({ stage, cluster: { one } }) => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.json(),
      frame.map((value) => JSON.stringify(value)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 5, maxLength: 15 }), (messages) =>
        pelt(stage, one, 'json', messages),
      ),
      RUNS,
    )
    await stillServes(stage, one)
  })

  test('of bytes never harm the gateway', async ({ stage, cluster: { one } }) => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    // What starts like a frame gets further than noise.
    const head = Buffer.from([0x82, 0xa4, ...Buffer.from('type'), 0xa7, ...Buffer.from('publish')])
    const begun = bytes.map((rest) => Buffer.concat([head, rest]))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(bytes, begun), { minLength: 5, maxLength: 15 }), (messages) =>
        pelt(stage, one, 'msgpack', messages),
      ),
      RUNS,
    )
    await stillServes(stage, one)
  })

  test('of msgpack that claims more than it holds cost no memory', async ({ stage, cluster: { one } }) => {
    const before = (await one.metrics()).value('process_resident_memory_bytes')
    const claims = [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
      [0xc6, 0xff, 0xff, 0xff, 0xff],
      [0xc9, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0xdc, 0xff, 0xff],
      [0x8f],
      [0xc1],
    ]
    await pelt(
      stage,
      one,
      'msgpack',
      claims.map((claim) => Buffer.from(claim)),
    )
    expect((await one.metrics()).value('process_resident_memory_bytes') - before).toBeLessThan(100 * 1024 * 1024)
    await stillServes(stage, one)
  })
})
