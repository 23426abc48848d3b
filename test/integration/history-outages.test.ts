// Histories while NATS, the way to it, or single messages on that way are lost: what a publisher is told is true, and who listens misses
// nothing and hears nothing twice.
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { DEFAULT_SETTINGS } from '../harness/gateway.ts'
import {
  brokenLinks,
  historyCluster,
  messagesOf,
  positionOf,
  publishSteadily,
  publishTo,
  readAll,
} from '../harness/history.ts'
import { startNatsSieve } from '../harness/nats-sieve.ts'
import { type Stage, test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = { namespaces: { chat: { ...open, history: { messages: 20_000, seconds: 3600 } } } }

/** One gateway that NATS reaches directly, and one whose way to it can lose things. */
async function sieved(stage: Stage) {
  const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: SETTINGS })
  const sieve = stage.use(await startNatsSieve(nats.url))
  const settings = { ...DEFAULT_SETTINGS, ...SETTINGS }
  const behind = await stage.gateway({ ...nats, url: sieve.url }, { settings })
  return { nats, sieve, direct: gateways[0] as GatewayProcess, behind }
}

test('case 24: with NATS away for ten seconds each publish is told the truth, and nothing is stored twice', {
  timeout: 90_000,
}, async ({ stage }) => {
  const { nats, gateways } = await historyCluster(stage, { settings: SETTINGS })
  const [one, two] = gateways as [GatewayProcess, GatewayProcess]
  const ann = await stage.user(one, 'ann')
  const ben = await stage.user(two, 'ben')
  for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:outage' })
  // Half of them have keys; where a publish is not known to be stored, a second one of the same key must not double it.
  const fields = (n: number): object => (n % 2 === 0 ? { key: `k${n}` } : {})
  const publishing = publishSteadily(ann, 'chat:outage', { everyMs: 25, fields })
  await eventually(() => messagesOf(ben, 'chat:outage').length).toBeGreaterThan(20)
  await nats.stop()
  await pause(10_000)
  await nats.start()
  const healed = publishing.count
  await eventually(() => messagesOf(ben, 'chat:outage').some(({ data }) => Number(data) > healed + 20), 20_000).toBe(
    true,
  )
  const published = await publishing.stop()

  const told = new Map(published.map(({ n, answer }) => [n, answer]))
  const codes = new Set(published.map(({ answer }) => (answer.type === 'error' ? answer.code : answer.type)))
  expect(codes).toEqual(new Set(['ok', 'unavailable']))
  const unknown = published.filter(({ n, answer }) => answer.type === 'error' && n % 2 === 0)
  expect(unknown.length).toBeGreaterThan(10)
  for (const { n } of unknown) told.set(n, await ann.ok(publishTo('chat:outage', n, fields(n))))

  const stored = await readAll(ben, 'chat:outage')
  const numbers = stored.map(({ data }) => Number(data))
  expect(new Set(numbers).size).toBe(numbers.length)
  const offsets = new Map(stored.map(({ data, offset }) => [data, offset]))
  const untrue = [...told].filter(([n, { type, offset }]) => type === 'ok' && offsets.get(n) !== offset)
  expect(untrue).toEqual([])
  for (const client of [ann, ben]) {
    await eventually(() => messagesOf(client, 'chat:outage').map(({ offset }) => offset)).toEqual([...offsets.values()])
    expect(brokenLinks(messagesOf(client, 'chat:outage'), 0)).toEqual([])
    expect(client.frames.filter(({ type }) => type === 'gap')).toEqual([])
    expect(client.close).toBeNull()
  }
})

describe('behind a way that is lost', () => {
  test('case 26: publishes while a gateway reconnects to NATS are heard once each, in order', {
    timeout: 90_000,
  }, async ({ stage }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const ann = await stage.user(direct, 'ann')
    const ben = await stage.user(behind, 'ben')
    for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:cut' })
    const floods = [ann, ben].map((client, at) =>
      publishSteadily(client, 'chat:cut', { everyMs: 5, fields: (n) => ({ key: `${at}-${n}` }) }),
    )
    for (let cuts = 1; cuts <= 5; cuts++) {
      const heard = messagesOf(ben, 'chat:cut').length
      await eventually(() => messagesOf(ben, 'chat:cut').length, 20_000).toBeGreaterThan(heard + 30)
      sieve.cut()
      await eventually(
        async () => (await behind.metrics()).value('nats_reconnects_total'),
        10_000,
      ).toBeGreaterThanOrEqual(cuts)
    }
    const [directly, throughCuts] = await Promise.all(floods.map((flood) => flood.stop()))
    expect(directly?.filter(({ answer }) => answer.type !== 'ok')).toEqual([])
    const oks = throughCuts?.filter(({ answer }) => answer.type === 'ok') ?? []
    expect(oks.length).toBeGreaterThan(50)
    const stored = await readAll(ann, 'chat:cut')
    const keys = stored.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    const offsets = stored.map(({ offset }) => offset)
    for (const { answer } of [...(directly ?? []), ...oks]) expect(offsets).toContain(answer.offset)
    for (const client of [ann, ben]) {
      await eventually(() => messagesOf(client, 'chat:cut').map(({ offset }) => offset), 10_000).toEqual(offsets)
      expect(brokenLinks(messagesOf(client, 'chat:cut'), 0)).toEqual([])
    }
  })

  test('a publish whose acknowledgement is lost is stored once, and its repetition is told to nobody', async ({
    stage,
  }) => {
    const { sieve, behind } = await sieved(stage)
    const ann = await stage.user(behind, 'ann')
    await ann.ok({ type: 'join', room: 'chat:acks' })
    let answers = 0
    sieve.lose((subject) => subject.startsWith('_INBOX.') && answers++ < 12)
    const sent = Array.from({ length: 12 }, (_, n) =>
      ann.ok(publishTo('chat:acks', n, n % 2 === 0 ? { key: `k${n}` } : {}), 15_000),
    )
    const oks = await Promise.all(sent)
    expect(sieve.lost).toBe(12)
    expect(oks.filter((ok) => 'duplicate' in ok)).toEqual([])
    const stored = await readAll(ann, 'chat:acks')
    expect(stored.map(({ data }) => data)).toEqual(oks.map((_, n) => n))
    expect(stored.map(({ offset }) => offset)).toEqual(oks.map(({ offset }) => offset))
    await eventually(() => messagesOf(ann, 'chat:acks').map(({ offset }) => offset)).toEqual(
      oks.map(({ offset }) => offset),
    )
    expect((await behind.metrics()).value('history_retries_total')).toBeGreaterThan(5)
  })

  test('a copy that is lost in the midst is read before anything behind it is delivered', async ({ stage }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const ann = await stage.user(direct, 'ann')
    const ben = await stage.user(behind, 'ben')
    await ben.ok({ type: 'join', room: 'chat:mid' })
    let copies = 0
    sieve.lose((subject) => subject === 'sluice.live.room.chat.mid' && copies++ % 7 < 3)
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => ann.ok(publishTo('chat:mid', n))))
    sieve.lose(null)
    const last = await ann.ok(publishTo('chat:mid', 60))
    const offsets = [...answers, last].map(({ offset }) => offset)
    await eventually(() => messagesOf(ben, 'chat:mid').map(({ offset }) => offset)).toEqual(offsets)
    expect(brokenLinks(messagesOf(ben, 'chat:mid'), 0)).toEqual([])
    expect(sieve.lost).toBeGreaterThan(20)
    expect((await behind.metrics()).value('history_repairs_total', { result: 'repaired' })).toBeGreaterThan(0)
    expect(ben.frames.filter(({ type }) => type === 'gap')).toEqual([])
  })

  test('lost tails are found: at once by who joins with a later position, at a reconnect, and else within half a minute', {
    timeout: 90_000,
  }, async ({ stage }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const ann = await stage.user(direct, 'ann')
    const ben = await stage.user(behind, 'ben')
    const rooms = ['chat:joined', 'chat:cut', 'chat:quiet']
    for (const room of rooms) {
      await ann.ok({ type: 'join', room })
      await ben.ok({ type: 'join', room })
    }
    sieve.lose((subject) => subject.startsWith('sluice.live.room.'))
    const heard = (room: string) => messagesOf(ben, room).map(({ data }) => data)
    const loseIn = async (room: string) => {
      const offsets = await Promise.all([1, 2, 3].map((n) => ann.ok(publishTo(room, n))))
      await eventually(() => sieve.lost % 3).toBe(0)
      return Number(offsets[2]?.offset)
    }

    const offset = await loseIn('chat:joined')
    const { epoch } = positionOf(await ann.ok({ type: 'history', room: 'chat:joined', limit: 1 }))
    const eve = await stage.user(behind, 'eve')
    const since = { epoch, offset }
    expect(await eve.ok({ type: 'join', room: 'chat:joined', since })).toMatchObject({ recovered: true })
    expect(messagesOf(eve, 'chat:joined')).toEqual([])
    await eventually(() => heard('chat:joined')).toEqual([1, 2, 3])

    await loseIn('chat:cut')
    expect(heard('chat:cut')).toEqual([])
    sieve.cut()
    await eventually(() => heard('chat:cut'), 15_000).toEqual([1, 2, 3])

    await loseIn('chat:quiet')
    await eventually(() => heard('chat:quiet'), 35_000).toEqual([1, 2, 3])
    expect(sieve.lost).toBe(9)
    for (const room of rooms) expect(brokenLinks(messagesOf(ben, room), 0)).toEqual([])
    expect(ben.frames.filter(({ type }) => type === 'gap')).toEqual([])
  })
})
