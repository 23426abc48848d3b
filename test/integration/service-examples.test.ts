// The examples of the services' page that push, ask and listen, each run in its language; and what clients got. Those that are asked and
// that act are in service-acts.test.ts.
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { inbox, lobby, member, output, sorted, test, told } from '../harness/example-cluster.ts'
import { LANGUAGES, type Language } from '../harness/service-examples.ts'

describe.each(LANGUAGES)('the examples in %s', (language: Language) => {
  test('push to rooms and users, live', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const [alice, bob, carol] = [
      await member(stage, cluster, 'alice', 'chat:lobby', 'chat:Team A.1'),
      await member(stage, cluster, 'bob', 'chat:lobby'),
      await member(stage, cluster, 'carol', 'chat:lobby'),
    ]
    expect(await output(run, 'push', cluster, carol.session)).toContain('NATS has taken everything')
    const everyone = [
      lobby({ data: { text: 'from a service' } }),
      lobby({ data: { order: 7 }, event: 'order.shipped', from: 'the shop', key: 'order-7' }),
      lobby({ bytes: 'AP8=' }),
    ]
    const maintenance = { maintenance: '22:00' }
    const notBob = lobby({ data: { text: 'not for bob' } })
    const elsewhere = lobby({ data: { text: 'elsewhere' } })
    const team = { room: 'chat:Team A.1', data: { text: 'to Team A.1' } }
    const own = inbox('alice', { unread: 3 })
    for (const [client, expected] of [
      [alice, [...everyone, notBob, elsewhere, team, own, inbox('alice', maintenance)]],
      [bob, [...everyone, elsewhere, inbox('bob', maintenance)]],
      [carol, [...everyone, notBob, inbox('carol', maintenance)]],
    ] as const) {
      await eventually(() => sorted(told(client))).toEqual(sorted(expected))
    }
  })

  test('store, learn where, and store once', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const alice = await member(stage, cluster, 'alice', 'chat:lobby', 'chat:garden', 'chat:Team A.1')
    const bob = await member(stage, cluster, 'bob', 'chat:lobby')
    const printed = await output(run, 'store', cluster)
    if (language === 'cli') {
      expect(printed.match(/"stream":"SLUICE_HISTORY_chat"/g)).toHaveLength(6)
      expect(printed.match(/"duplicate":\s*true/g)).toHaveLength(1)
      expect(printed).toContain('"stream":"SLUICE_INBOX"')
      expect(printed.toLowerCase()).toContain('no responders')
    } else {
      expect(printed.split('\n')).toEqual([
        'stored in SLUICE_HISTORY_chat',
        'again: duplicate true, same place true',
        'stored in SLUICE_INBOX',
        'stored 3 messages',
        'default keeps no history',
      ])
    }
    const stored = (data: object): object => lobby({ data, stored: true })
    const both = [stored({ text: 'probably kept' }), stored({ text: 'kept' }), stored({ all: true })]
    const elsewhere = ['chat:garden', 'chat:Team A.1'].map((room) => ({ room, data: { all: true }, stored: true }))
    await eventually(() => sorted(told(alice))).toEqual(
      sorted([...both, stored({ text: 'kept from bob' }), ...elsewhere, inbox('alice', { invoice: 9 }, true)]),
    )
    await eventually(() => sorted(told(bob))).toEqual(sorted([...both, lobby({ withheld: true, stored: true })]))
  })

  test('ask who is where, and are told what cannot be answered', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const connected = await cluster.nats.connect()
    const count = async (): Promise<unknown> =>
      (await connected.request('sluice.api.presence', '{"room":"chat:lobby"}')).json<{ count: number }>().count
    // Those of the tests before are gone when their linger is over.
    await eventually(count, 10_000).toBe(0)
    for (const name of ['alice', 'bob']) await member(stage, cluster, name, 'chat:lobby')
    await eventually(count).toBe(2)
    const printed = await output(run, 'ask', cluster)
    if (language !== 'cli') {
      expect(printed.split('\n')).toEqual([
        'chat:lobby has 2 members: alice bob',
        'chat:garden has 0 members',
        'rooms of chat: chat:lobby',
        'alice has 1 connection and is in chat:lobby',
        'gateways: 1',
        'refused: bad_request',
      ])
      return
    }
    for (const part of [
      '"count":2',
      '"chat:garden":',
      '"rooms":[{"room":"chat:lobby"',
      '"sessions":',
      '"gateways":',
      '"code":"bad_request"',
    ])
      expect(printed).toContain(part)
  })

  test('read events, also those of while they were down', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const operator = await cluster.nats.connect()
    await operator.request('$JS.API.CONSUMER.DELETE.SLUICE_EVENTS.shop', '')
    const seen = (kind: string, user: string) => (line: string) =>
      language === 'cli'
        ? line.includes(`"kind":"${kind}"`) && line.includes(`"user":"${user}"`) && line.includes('chat:garden')
        : line === `${user} ${kind} chat:garden`
    const one = run.start('events', cluster.nats.url)
    await one.line((line) => line === 'waiting for events', 'the consumer')
    const name = `${language}-ann`
    const ann = await member(stage, cluster, name, 'chat:garden', 'elsewhere')
    await one.line(seen('joined', name), 'her join')
    await eventually(async () => {
      const info = await operator.request('$JS.API.CONSUMER.INFO.SLUICE_EVENTS.shop', '')
      return info.json<{ ack_floor: { consumer_seq: number } }>().ack_floor.consumer_seq
    }).toBeGreaterThan(0)
    one.signal('SIGKILL')
    await one.exited
    await ann.leave()
    const two = run.start('events', cluster.nats.url)
    await two.line(seen('left', name), 'her leave')
    expect(two.lines.some(seen('joined', name))).toBe(false)
    expect([...one.lines, ...two.lines].filter((line) => line.includes('elsewhere'))).toEqual([])
    two.signal('SIGKILL')
    await two.exited
  })
})
