// The streams of history: what routers make of the configuration, what becomes of one that a loss of power has rolled back, and what a
// stream does by itself that everything else stands on. Real routers, a real nats-server and its files.
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores, createSubjects, GENERATION_METADATA, STREAM_HEADERS } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { NatsServer } from '../harness/nats.ts'
import type { RouterProcess } from '../harness/router.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

interface Info {
  readonly error?: { readonly description: string }
  readonly created: string
  readonly config: Record<string, unknown> & { readonly metadata: Record<string, string> }
  readonly state: { readonly messages: number; readonly bytes: number; readonly last_seq: number }
}

const CHAT = { chat: { history: { messages: 1000, seconds: 3600 } } }
const store = createHistoryStores().room('chat')
const subjects = createSubjects('sluice')
const room = (local: string): string => subjects.publishRoom({ namespace: 'chat', local })
const live = (local: string): string => subjects.liveRoom({ namespace: 'chat', local })

/** A server whose files we know: the later block of the configuration counts. */
async function natsWithStore(stage: Stage): Promise<{ readonly nats: NatsServer; readonly folder: string }> {
  const folder = join(stage.folder(), 'store')
  return { nats: await stage.nats({ lines: [`jetstream { store_dir: "${folder}" }`] }), folder }
}

const routerOf = (stage: Stage, nats: NatsServer, namespaces: object = CHAT): Promise<RouterProcess> =>
  stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(namespaces) })

async function ask(client: NatsConnection, verb: string, body: object = {}): Promise<Info> {
  return (await client.request(`$JS.API.${verb}`, JSON.stringify(body), { timeout: 1000 })).json<Info>()
}

const infoOf = (client: NatsConnection, stream = store.stream): Promise<Info> => ask(client, `STREAM.INFO.${stream}`)
const generationOf = async (client: NatsConnection): Promise<string> =>
  (await infoOf(client)).config.metadata[GENERATION_METADATA] ?? ''

async function publish(client: NatsConnection, count: number, local = 'lobby'): Promise<void> {
  for (let at = 0; at < count; at++) await client.request(room(local), `"${at}"`)
}

describe('a router', () => {
  test('makes the streams of its configuration before it is ready, and those of a changed one within seconds', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const client = await nats.connect()
    const path = join(stage.folder(), 'sluice.json')
    const inbox = { history: { messages: 10, seconds: 600 } }
    writeFileSync(path, JSON.stringify({ namespaces: CHAT, inbox }))
    const router = await stage.router(nats, { SLUICE_CONFIG: path })
    expect((await infoOf(client)).config).toMatchObject({ max_msgs_per_subject: 1000, max_age: 3600e9 })
    expect((await infoOf(client, createHistoryStores().inbox.stream)).config.max_msgs_per_subject).toBe(10)
    expect((await router.metrics()).value('history_streams', { condition: 'kept' })).toBe(2)

    const desk = { history: { messages: 5, seconds: 60 } }
    const chat = { history: { messages: 500, seconds: 3600 } }
    writeFileSync(path, JSON.stringify({ namespaces: { chat, desk }, inbox: { history: false } }))
    router.child.signal('SIGHUP')
    const made = await until(async () => {
      const info = await infoOf(client, createHistoryStores().room('desk').stream)
      return info.error === undefined && info
    })
    expect(made.config.max_msgs_per_subject).toBe(5)
    const lowered = await router.logged('a history keeps less from now on: what was beyond its limits is deleted')
    expect(lowered.lowered).toEqual([{ setting: 'messages', before: 1000, after: 500 }])
    const left = await router.logged('a history is configured no more; its stream stays until an operator removes it')
    expect(left.removal).toBe('nats stream rm SLUICE_INBOX')
    expect((await infoOf(client, createHistoryStores().inbox.stream)).error).toBeUndefined()
  })

  test('is not ready while a stream of its configuration cannot be made, and says why', async ({ stage }) => {
    const nats = await stage.nats()
    const client = await nats.connect()
    await ask(client, 'STREAM.CREATE.OTHER', { name: 'OTHER', subjects: [room('lobby')], storage: 'memory' })
    const router = stage.launchRouter(nats.url, { SLUICE_NAMESPACES: JSON.stringify(CHAT) })
    const { reason } = await router.logged('a stream of history is not as configured', 10_000)
    expect(reason).toContain('OTHER')
    await eventually(async () => (await router.readyz()).reasons, 10_000).toEqual(['waiting_for_history'])
    await ask(client, 'STREAM.DELETE.OTHER')
    await router.ready()
  })
})

describe('a store that is rolled back to an older copy', () => {
  /** Every router has looked after this was called. */
  async function looks(client: NatsConnection, routers: readonly RouterProcess[]): Promise<void> {
    let seen = 0
    const subscription = client.subscribe(`$JS.API.STREAM.INFO.${store.stream}`, { callback: () => void seen++ })
    // Each looks every two seconds.
    await until(() => seen >= 2 * routers.length, { timeoutMs: 15_000, what: 'looks of all routers' })
    subscription.unsubscribe()
  }

  const rollbacksOf = async (routers: readonly RouterProcess[]): Promise<number> => {
    const all = await Promise.all(routers.map((router) => router.metrics()))
    return all.reduce((sum, metrics) => sum + metrics.value('history_rollbacks_total'), 0)
  }

  test('goes on under a new generation, each time, also where new messages have covered the loss', {
    timeout: 120_000,
  }, async ({ stage }) => {
    const { nats, folder } = await natsWithStore(stage)
    const routers = [await routerOf(stage, nats), await routerOf(stage, nats)]
    const client = await nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    const back = () => until(() => infoOf(client), { what: 'NATS' })
    await publish(client, 5)
    const generations = new Set([await generationOf(client)])
    const { created } = await infoOf(client)
    await nats.stop()
    cpSync(folder, `${folder}-copy`, { recursive: true })
    await nats.start()
    await back()

    // Nothing is lost by a restart alone.
    await looks(client, routers)
    expect([...generations]).toEqual([await generationOf(client)])

    const restore = async (meanwhile: number): Promise<void> => {
      await publish(client, 7)
      await looks(client, routers)
      for (const router of routers) router.child.signal('SIGSTOP')
      await nats.kill()
      rmSync(folder, { recursive: true })
      cpSync(`${folder}-copy`, folder, { recursive: true })
      await nats.start()
      await back()
      await publish(client, meanwhile)
      for (const router of routers) router.child.signal('SIGCONT')
      await eventually(async () => generations.has(await generationOf(client)), 15_000).toBe(false)
      await looks(client, routers)
      generations.add(await generationOf(client))
    }
    await restore(0)
    expect(await infoOf(client)).toMatchObject({ created, state: { last_seq: 5 } })
    const line = await Promise.any(
      routers.map((router) => router.logged('a history has lost its end and goes on under a new generation', 1000)),
    )
    expect(line).toMatchObject({ stream: store.stream, before: 12, now: 5 })
    await restore(20)
    await looks(client, routers)
    expect([generations.size, generations.has(await generationOf(client))]).toEqual([3, true])
    // Both may have seen the loss in the same moment.
    expect(await rollbacksOf(routers)).toBeLessThanOrEqual(2 * 2)
    expect((await infoOf(client)).state.messages).toBe(25)
  })

  test('is noticed by the message at the old end, where its settings are as they were', {
    timeout: 90_000,
  }, async ({ stage }) => {
    const { nats, folder } = await natsWithStore(stage)
    const routers = [await routerOf(stage, nats)]
    const client = await nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    const before = await generationOf(client)
    await nats.stop()
    cpSync(folder, `${folder}-copy`, { recursive: true })
    await nats.start()
    await until(() => infoOf(client), { what: 'NATS' })
    await publish(client, 3)
    await looks(client, routers)
    routers[0]?.child.signal('SIGSTOP')
    await nats.kill()
    rmSync(folder, { recursive: true })
    cpSync(`${folder}-copy`, folder, { recursive: true })
    await nats.start()
    await until(() => infoOf(client), { what: 'NATS' })
    await publish(client, 9)
    routers[0]?.child.signal('SIGCONT')
    await eventually(() => generationOf(client), 30_000).not.toBe(before)
    expect(await rollbacksOf(routers)).toBe(1)
  })
})

describe('a copy of a stored message', () => {
  async function listening(stage: Stage): Promise<{ client: NatsConnection; copies: Msg[] }> {
    const nats = await stage.nats()
    await routerOf(stage, nats)
    const client = await nats.connect()
    const copies: Msg[] = []
    client.subscribe(live('any').replace('any', '*'), { callback: (_, message) => void copies.push(message) })
    await client.flush()
    return { client, copies }
  }

  const last = (message: Msg | undefined, name: string): string => message?.headers?.last(name) ?? ''

  test('comes on the subject of its own room with its position, and that of the message before it in that room', async ({
    stage,
  }) => {
    const { client, copies } = await listening(stage)
    for (const local of ['a.b', 'other', 'a.b']) {
      const own = headers()
      own.set('Sluice-Event', 'said')
      await client.request(room(local), '{"n":1}', { headers: own, timeout: 2000 })
    }
    expect(copies.map(({ subject }) => subject)).toEqual([live('a.b'), live('other'), live('a.b')])
    const told = copies.map((copy) =>
      [STREAM_HEADERS.sequence, STREAM_HEADERS.lastSequence, STREAM_HEADERS.subject, 'Sluice-Event'].map((name) =>
        last(copy, name),
      ),
    )
    expect(told).toEqual([
      ['1', '0', room('a.b'), 'said'],
      ['2', '0', room('other'), 'said'],
      ['3', '1', room('a.b'), 'said'],
    ])
    expect(copies[0]?.string()).toBe('{"n":1}')
    const { message } = (await client
      .request(`$JS.API.STREAM.MSG.GET.${store.stream}`, '{"seq":3}')
      .then((answer) => answer.json())) as { message: { time: string } }
    expect(last(copies[2], STREAM_HEADERS.time)).toBe(message.time)
  })

  test('tells its real position last, whatever its publisher has written there', async ({ stage }) => {
    const { client, copies } = await listening(stage)
    const forged = headers()
    for (const name of Object.values(STREAM_HEADERS)) forged.set(name, '999')
    await client.request(room('lobby'), '1', { headers: forged, timeout: 2000 })
    expect(copies[0]?.headers?.get(STREAM_HEADERS.sequence)).toBe('999')
    expect(last(copies[0], STREAM_HEADERS.sequence)).toBe('1')
    expect(last(copies[0], STREAM_HEADERS.lastSequence)).toBe('0')
  })

  test('is not sent for a duplicate, which is answered with the position of the first', async ({ stage }) => {
    const { client, copies } = await listening(stage)
    const answers: unknown[] = []
    for (let times = 0; times < 3; times++) {
      const same = headers()
      same.set('Nats-Msg-Id', 'lobby/1')
      answers.push((await client.request(room('lobby'), `${times}`, { headers: same, timeout: 2000 })).json())
    }
    await publish(client, 1)
    const first = { stream: store.stream, seq: 1 }
    expect(answers).toEqual([first, { ...first, duplicate: true }, { ...first, duplicate: true }])
    expect(copies.map((copy) => last(copy, STREAM_HEADERS.sequence))).toEqual(['1', '2'])
  })

  test('is heard by those who listen to one token, and nothing with more of them is stored', async ({ stage }) => {
    const { client } = await listening(stage)
    await expect(client.request(`${room('a')}.b.c`, '1')).rejects.toThrow(/no responders/i)
    // As it would be with subjects that end in `>`: acknowledged, and nobody hears it.
    const wide = { subjects: ['wide.pub.>'], republish: { src: 'wide.pub.>', dest: 'wide.live.>' } }
    await ask(client, 'STREAM.CREATE.WIDE', { name: 'WIDE', storage: 'file', ...wide })
    const heard: string[] = []
    client.subscribe('wide.live.*', { callback: (_, { subject }) => void heard.push(subject) })
    for (const subject of ['wide.pub.a.b.c', 'wide.pub.a'])
      expect((await client.request(subject, '1')).json()).toMatchObject({ stream: 'WIDE' })
    await client.flush()
    expect(heard).toEqual(['wide.live.a'])
  })

  test('is not sent, and nothing is stored, where the message is larger than any gateway delivers', async ({
    stage,
  }) => {
    const { client, copies } = await listening(stage)
    const answer = (await client.request(room('lobby'), 'x'.repeat(256 * 1024 + 16 * 1024 + 1))).json<Info>()
    expect(answer.error?.description).toContain('maximum')
    await client.request(room('lobby'), 'x'.repeat(256 * 1024))
    await eventually(() => copies.length).toBe(1)
  })
})
