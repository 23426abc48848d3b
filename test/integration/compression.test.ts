// Compression where it is switched on: what is agreed, that one compression serves all recipients, and that clients of all kinds read it.
import { describe, expect } from 'vitest'
import { library, record } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Stage, testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const SETTINGS = { compression: { enabled: true } }
const test = testWithCluster({ settings: SETTINGS })

const ROWS = Array.from({ length: 100 }, (_, n) => ({ id: n * 7919, name: `item ${n % 10}`, price: n * 1.5 }))
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** What the gateway counts about compression. */
async function counted(gateway: GatewayProcess) {
  const metrics = await gateway.metrics()
  return {
    deflated: metrics.value('deflations_total', { result: 'deflated' }),
    fromBytes: metrics.value('deflated_from_bytes_total'),
    toBytes: metrics.value('deflated_to_bytes_total'),
    inflated: metrics.value('inflations_total', { result: 'inflated' }),
    sentBytes: metrics.value('sent_bytes_total'),
    sockets: metrics.value('connections_compressed'),
  }
}

/** The head of the answer to an upgrade with an offer. */
async function answerTo(stage: Stage, gateway: GatewayProcess, offer: string): Promise<string> {
  const raw = await stage.tcp(gateway)
  const lines = [
    'GET /ws HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Authorization: Bearer ${await makeToken('offerer')}`,
    `Sec-WebSocket-Extensions: ${offer}`,
  ]
  raw.write(`${lines.join('\r\n')}\r\n\r\n`)
  return raw.httpAnswer()
}

describe('an offer', () => {
  test.for([
    ['permessage-deflate; client_max_window_bits', AGREED],
    ['permessage-deflate; server_max_window_bits=10', `${AGREED}; server_max_window_bits=10`],
    ['mux, permessage-deflate; server_max_window_bits=8, permessage-deflate', AGREED],
  ] as const)('%s is taken up', async ([offer, answer], { stage, cluster: { one } }) => {
    const head = await answerTo(stage, one, offer)
    expect(head).toContain(' 101 ')
    expect(head).toContain(`\r\nSec-WebSocket-Extensions: ${answer}\r\n`)
  })

  test.for(['permessage-deflate; server_max_window_bits=8', 'permessage-deflate; level=1', 'mux'])(
    '%s is declined, and the socket is there without compression',
    async (offer, { stage, cluster: { one } }) => {
      const head = await answerTo(stage, one, offer)
      expect(head).toContain(' 101 ')
      expect(head).not.toContain('Sec-WebSocket-Extensions')
    },
  )

  test('that is no header is refused with 400', async ({ stage, cluster: { one } }) => {
    expect(await answerTo(stage, one, 'permessage-deflate; client_max_window_bits=')).toContain(' 400 ')
    expect((await one.metrics()).value('refusals_total', { reason: 'extensions' })).toBe(1)
  })
})

describe('a message', () => {
  test('to a hundred recipients is compressed once for each encoding, and read by all, with others among them', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const kinds = [
      ...Array.from({ length: 50 }, () => ({ compression: true, encoding: 'json' }) as const),
      ...Array.from({ length: 50 }, () => ({ compression: true, encoding: 'msgpack' }) as const),
      { encoding: 'json' },
      { encoding: 'msgpack' },
    ] as const
    const crowd = await Promise.all(
      kinds.map(async (kind, at) => (await stage.user(one, `member-${at}`, kind)).join('chat:hundred')),
    )
    const before = await counted(one)
    expect(before.sockets).toBeGreaterThanOrEqual(100)
    const service = await nats.connect()
    service.publish('sluice.room.chat.hundred', JSON.stringify(ROWS))
    await service.flush()
    for (const member of crowd) expect(await member.message()).toMatchObject({ room: 'chat:hundred', data: ROWS })
    const after = await counted(one)
    expect(after.deflated - before.deflated).toBe(2)
    const [from, to] = [after.fromBytes - before.fromBytes, after.toBytes - before.toBytes]
    expect(to).toBeLessThan(from / 2)
    // Fifty of each compressed, one of each plain, and nothing else of that size.
    expect(after.sentBytes - before.sentBytes).toBeLessThan(50 * to + from + 1000)
  })

  test('keeps its place in the order, whether it is worth compressing or not', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const members = await Promise.all(
      (['json', 'msgpack'] as const).map(async (encoding) =>
        (await stage.user(one, `order-${encoding}`, { compression: true, encoding })).join('chat:order'),
      ),
    )
    const service = await nats.connect()
    const wanted = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? n : `${n} ${'long '.repeat(n * 20)}`))
    for (const data of wanted) service.publish('sluice.room.chat.order', JSON.stringify(data))
    await service.flush()
    for (const member of members) {
      await eventually(() => member.dataOf('chat:order').length, 10_000).toBe(wanted.length)
      expect(member.dataOf('chat:order')).toEqual(wanted)
    }
  })

  test('of a client may come compressed, and reaches who has no compression', async ({
    stage,
    cluster: { one, two },
  }) => {
    const before = await counted(one)
    for (const encoding of ['json', 'msgpack'] as const) {
      const room = `chat:from-${encoding}`
      const reader = await (await stage.user(two, `reader-${encoding}`, { encoding })).join(room)
      const writer = await stage.user(one, `writer-${encoding}`, { compression: true, encoding })
      await writer.ok({ type: 'publish', room, data: ROWS })
      expect(await reader.message()).toMatchObject({ data: ROWS })
    }
    expect((await counted(one)).inflated - before.inflated).toBeGreaterThanOrEqual(2)
  })

  test('reaches the client library on the WebSocket of Node', async ({ stage, cluster: { nats, one } }) => {
    const before = await counted(one)
    const { sluice } = library(stage, one.url, { token: await makeToken('library') })
    const { room, data } = record(sluice.room('chat:library'))
    await room.ready()
    expect((await counted(one)).sockets).toBe(before.sockets + 1)
    const service = await nats.connect()
    service.publish('sluice.room.chat.library', JSON.stringify(ROWS))
    await room.publish(ROWS)
    await eventually(() => data).toEqual([ROWS, ROWS])
    expect((await counted(one)).deflated).toBe(before.deflated + 2)
  })
})
