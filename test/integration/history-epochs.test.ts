// Histories that become others under their readers: made anew, purged, put back to an older copy, or switched on while members are
// there. Everyone is told once and goes on; nobody is left in silence or asked to begin again and again.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { brokenLinks, HISTORY_SETTINGS, historyCluster, messagesOf, positionOf, publishTo } from '../harness/history.ts'
import { askJetStream, storeAll } from '../harness/history-stream.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const STREAM = 'SLUICE_HISTORY_chat'
const gapsOf = ({ frames }: Client): Frame[] => frames.filter(({ type }) => type === 'gap')

/** What a client got after its last gap, and the position that the gap told. */
function sinceLastGap({ frames }: Client): { held: number; messages: Frame[] } {
  const at = frames.findLastIndex(({ type }) => type === 'gap')
  return { held: Number(frames[at]?.offset), messages: frames.slice(at + 1).filter(({ type }) => type === 'message') }
}

/** Joins with a position until the history can be read again: while a stream is made anew, that is answered with `unavailable`. */
async function resume(stage: Stage, gateway: GatewayProcess, since: object): Promise<{ client: Client; ok: Frame }> {
  const client = await stage.user(gateway, 'eve')
  const ok = await until(
    async () => {
      const answer = await client.request({ type: 'join', room: 'chat:a', since }, 15_000)
      return answer.type === 'ok' ? answer : null
    },
    { timeoutMs: 20_000, what: 'a join that is answered', everyMs: 200 },
  )
  return { client, ok }
}

describe('case 22: a stream', () => {
  test('that is made anew is one clean `recovered: false`; then all is live again, without a loop', {
    timeout: 90_000,
  }, async ({ stage }) => {
    const { nats, gateways } = await historyCluster(stage)
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben')
    for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:a' })
    for (let n = 1; n <= 5; n++) await ann.ok(publishTo('chat:a', n))
    const { epoch } = positionOf(await ann.ok({ type: 'history', room: 'chat:a', limit: 1 }))
    const service = await nats.connect()
    await askJetStream(service, `STREAM.DELETE.${STREAM}`, {})
    await eventually(() => askJetStream(service, `STREAM.INFO.${STREAM}`, {}).then(Boolean, () => false), 15_000).toBe(
      true,
    )
    await ann.ok(publishTo('chat:a', 6), 15_000)

    const { client, ok } = await resume(stage, two, { epoch, offset: 3 })
    expect(ok).toMatchObject({ recovered: false })
    expect(ok.epoch).not.toBe(epoch)
    expect(gapsOf(client)).toMatchObject([{ reason: 'epoch', epoch: ok.epoch }])
    for (const member of [ann, ben]) {
      await eventually(() => gapsOf(member), 30_000).toMatchObject([{ reason: 'epoch', epoch: ok.epoch }])
    }
    await ben.ok(publishTo('chat:a', 7))
    for (const member of [ann, ben, client]) {
      await eventually(() => messagesOf(member, 'chat:a').at(-1)?.data).toBe(7)
      const { held, messages } = sinceLastGap(member)
      expect(brokenLinks(messages, held)).toEqual([])
      expect(gapsOf(member)).toHaveLength(1)
    }
    // With the position that it was told it recovers like anyone.
    const again = await resume(stage, one, { epoch: ok.epoch, offset: ok.offset })
    expect(again.ok).toMatchObject({ recovered: true })
    expect(gapsOf(again.client)).toEqual([])
  })

  test('that is purged is at most one `recovered: false`, then live', async ({ stage }) => {
    const { nats, gateways } = await historyCluster(stage)
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    const ann = await stage.user(one, 'ann')
    const { epoch } = positionOf(await ann.ok({ type: 'join', room: 'chat:a' }))
    for (let n = 1; n <= 5; n++) await ann.ok(publishTo('chat:a', n))
    const service = await nats.connect()
    await askJetStream(service, `STREAM.PURGE.${STREAM}`, {})
    for (let n = 6; n <= 8; n++) await ann.ok(publishTo('chat:a', n))
    await eventually(() => messagesOf(ann, 'chat:a').map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(gapsOf(ann)).toEqual([])
    expect(brokenLinks(messagesOf(ann, 'chat:a'), 0)).toEqual([])
    for (const offset of [0, 3, 5, 6]) {
      const first = await resume(stage, two, { epoch, offset })
      expect(first.ok).toMatchObject({ recovered: offset >= 5, epoch })
      expect(gapsOf(first.client)).toHaveLength(offset >= 5 ? 0 : 1)
      const second = await resume(stage, two, { epoch, offset: first.ok.offset, time: first.ok.time })
      expect(second.ok).toMatchObject({ recovered: true })
      await ann.ok(publishTo('chat:a', `live ${offset}`))
      for (const { client } of [first, second]) {
        await eventually(() => messagesOf(client, 'chat:a').at(-1)?.data).toBe(`live ${offset}`)
      }
    }
  })
})

const ROUTER_LOOKS_MS = 2500

/** NATS whose store a test can reach. */
async function withStore(stage: Stage) {
  const store = stage.folder()
  const nats = await stage.nats({ lines: [`jetstream { store_dir: "${store}" }`] })
  const folder = join(store, 'jetstream', '$G', 'streams', STREAM)
  const copy = join(stage.folder(), 'copy')
  return {
    nats,
    save: () => cpSync(folder, copy, { recursive: true }),
    putBack() {
      expect(existsSync(copy)).toBe(true)
      rmSync(folder, { recursive: true })
      cpSync(copy, folder, { recursive: true })
    },
  }
}

test.for([0, 8])(
  'a store put back to an older copy, with %i messages stored at once under the lost offsets, is a new epoch and a gap',
  {
    timeout: 90_000,
  },
  async (overgrown, { stage }) => {
    const { nats, save, putBack } = await withStore(stage)
    const { gateways } = await historyCluster(stage, { nats })
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben')
    for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:a' })
    for (let n = 1; n <= 5; n++) await ann.ok(publishTo('chat:a', n))
    // As a snapshot of the disk would have it.
    save()
    for (let n = 6; n <= 10; n++) await ann.ok(publishTo('chat:a', n))
    for (const client of [ann, ben]) await eventually(() => messagesOf(client, 'chat:a').length, 10_000).toBe(10)
    const { epoch } = positionOf(await ann.ok({ type: 'history', room: 'chat:a', limit: 1 }))
    // Routers look at the ends of streams every two seconds: what they have not seen they can't miss.
    await pause(ROUTER_LOOKS_MS)
    const held = Number(messagesOf(ann, 'chat:a').at(-1)?.offset)

    await nats.stop()
    putBack()
    await nats.start()
    await storeOthers(nats, overgrown)
    // Both members are told, whether they hear of it from the stream's end, a live copy or the routers.
    for (const client of [ann, ben]) {
      await eventually(() => gapsOf(client).at(-1)?.epoch ?? epoch, 45_000).not.toBe(epoch)
    }
    const told = String(gapsOf(ann).at(-1)?.epoch)
    expect(gapsOf(ben).at(-1)?.epoch).toBe(told)
    await eventually(() => ann.request(publishTo('chat:a', 'after'), 15_000), 20_000).toMatchObject({ epoch: told })
    for (const client of [ann, ben]) {
      await eventually(() => messagesOf(client, 'chat:a').at(-1)?.data).toBe('after')
      const last = sinceLastGap(client)
      expect(brokenLinks(last.messages, last.held)).toEqual([])
    }
    // Nobody is given other messages under offsets that it knows.
    const { client, ok } = await resume(stage, two, { epoch, offset: held - 2 })
    expect(ok).toMatchObject({ recovered: false, epoch: told })
    expect(gapsOf(client)).toMatchObject([{ reason: 'epoch', epoch: told }])
  },
)

test.for([0, 8])(
  'a rollback of what routers have never seen, with %i messages stored under the lost offsets, is one new epoch within seconds too, as gateways tell them',
  { timeout: 90_000 },
  async (overgrown, { stage }) => {
    const { nats, save, putBack } = await withStore(stage)
    const { gateways, router } = await historyCluster(stage, { nats })
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben')
    for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:a' })
    for (let n = 1; n <= 5; n++) await ann.ok(publishTo('chat:a', n))
    await pause(ROUTER_LOOKS_MS)
    save()
    // From here on the router sees nothing.
    router.child.signal('SIGSTOP')
    for (let n = 6; n <= 10; n++) await ann.ok(publishTo('chat:a', n))
    for (const client of [ann, ben]) await eventually(() => messagesOf(client, 'chat:a').length, 10_000).toBe(10)
    const { epoch } = positionOf(await ann.ok({ type: 'history', room: 'chat:a', limit: 1 }))
    const lost = positionOf(messagesOf(ann, 'chat:a').at(-1) as Frame)

    await nats.stop()
    putBack()
    await nats.start()
    await storeOthers(nats, overgrown)
    router.child.signal('SIGCONT')
    for (const client of [ann, ben]) {
      await eventually(() => gapsOf(client).map(({ reason }) => reason), 45_000).toEqual(['epoch'])
      expect(gapsOf(client)[0]?.epoch).not.toBe(epoch)
    }
    const told = String(gapsOf(ann)[0]?.epoch)
    expect(gapsOf(ben)[0]?.epoch).toBe(told)
    const { client, ok } = await resume(stage, two, { ...lost, epoch })
    expect(ok).toMatchObject({ recovered: false, epoch: told })
    expect(gapsOf(client)).toMatchObject([{ reason: 'epoch', epoch: told }])
    await ann.ok(publishTo('chat:a', 'after'))
    for (const client of [ann, ben]) {
      await eventually(() => messagesOf(client, 'chat:a').at(-1)?.data).toBe('after')
      const last = sinceLastGap(client)
      expect(brokenLinks(last.messages, last.held)).toEqual([])
    }
    expect((await router.metrics()).value('history_rollbacks_total')).toBe(1)
  },
)

test('a configuration that switches history on applies to members who are there', { timeout: 90_000 }, async ({
  stage,
}) => {
  const nats = await stage.nats()
  const { chat, ...others } = HISTORY_SETTINGS.namespaces
  const off = { ...others, chat: { ...chat, history: false } }
  const none = { default: others.default, chat: off.chat }
  const routerFile = join(stage.folder(), 'router.json')
  writeFileSync(routerFile, JSON.stringify({ namespaces: none }))
  const router = await stage.router(nats, { SLUICE_CONFIG: routerFile })
  const settings = { ...DEFAULT_SETTINGS, namespaces: none }
  const [one, two] = await Promise.all([stage.gateway(nats, { settings }), stage.gateway(nats, { settings })])
  const ann = await stage.user(one, 'ann')
  const ben = await stage.user(two, 'ben')
  for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:a' })
  expect('offset' in (await ann.ok(publishTo('chat:a', 1)))).toBe(false)
  expect(await ann.refused({ type: 'history', room: 'chat:a', limit: 1 })).toBe('not_enabled')

  const on = { ...none, chat }
  for (const [file, config, process] of [
    [routerFile, { namespaces: on }, router],
    [one.configPath, configOf(one, on), one],
    [two.configPath, configOf(two, on), two],
  ] as const) {
    writeFileSync(file, JSON.stringify(config))
    process.child.signal('SIGHUP')
    await process.logged('the configuration has changed')
  }
  await eventually(() => ann.request(publishTo('chat:a', 2), 15_000), 20_000).toMatchObject({
    offset: expect.any(Number),
  })
  // Who was there before there were positions is told where they begin, and misses nothing from there on.
  for (const client of [ann, ben]) {
    await eventually(() => gapsOf(client), 10_000).toMatchObject([{ reason: 'epoch', from: 0 }])
  }
  await ben.ok(publishTo('chat:a', 3))
  for (const client of [ann, ben]) {
    await eventually(() => messagesOf(client, 'chat:a').at(-1)?.data, 10_000).toBe(3)
    const { held, messages } = sinceLastGap(client)
    expect(brokenLinks(messages, held)).toEqual([])
    expect(client.close).toBeNull()
  }
  const { messages } = await ben.ok({ type: 'history', room: 'chat:a', limit: 10 })
  expect((messages as Frame[]).map(({ data }) => data)).toEqual([2, 3])
})

function configOf({ configPath }: GatewayProcess, namespaces: object): object {
  return { ...JSON.parse(readFileSync(configPath, 'utf8')), namespaces }
}

/** Other messages under the offsets that were lost. */
async function storeOthers(nats: NatsServer, count: number): Promise<void> {
  const others = Array.from({ length: count }, (_, n) => ({ subject: 'sluice.pub.room.chat.a', data: `"new ${n}"` }))
  await storeAll(await nats.connect(), others)
}
