import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores, createSubjects, GENERATION_METADATA } from '@sluice/proto'
import { configFromTables } from '@sluice/service/config/load-from-tables'
import { Tally } from '@sluice/service/metrics/tally'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { routerConfig } from '../config/router-config.ts'
import type { HistoryConfig } from './history-configs.ts'
import { type KeptHistory, keepHistory } from './keep-history.ts'

interface Answer {
  readonly error?: { readonly description: string }
  readonly created: string
  readonly config: Record<string, unknown> & { readonly metadata: Record<string, string> }
  readonly state: { readonly messages: number; readonly last_seq: number }
}

interface Keeper {
  readonly history: KeptHistory
  readonly outcomes: Tally
  readonly warnings: Record<string, unknown>[]
}

const CHAT = { chat: { history: { messages: 100, seconds: 600 } } }
let nats: NatsServer
let client: NatsConnection
let prefixes = 0
let prefix: string
let running: { readonly history: KeptHistory; readonly link: AsyncDisposable }[]

beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
})

afterAll(() => nats[Symbol.asyncDispose]())

beforeEach(() => {
  prefix = `p${++prefixes}`
  running = []
})

afterEach(async () => {
  for (const { history, link } of running) {
    history.stop()
    await link[Symbol.asyncDispose]()
  }
})

function configOf(namespaces: object, more: object = {}): HistoryConfig {
  return configFromTables(routerConfig, {}, { '/config.json': { nats: { prefix }, namespaces, ...more } })
}

async function keep(config = configOf(CHAT)): Promise<Keeper> {
  const link = await openLink(nats.url)
  const counters = { stores: new Tally(), historyRollbacks: 0 }
  const warnings: Record<string, unknown>[] = []
  const warn = (fields: object, msg: string): void => void warnings.push({ ...fields, msg })
  const history = keepHistory({
    nats: link,
    config,
    log: { info: () => undefined, warn } as never,
    throttle: () => ({ held: 0 }),
    counters,
    newGeneration: randomUUID,
    random: Math.random,
    pause,
  })
  running.push({ history, link })
  return { history, outcomes: counters.stores, warnings }
}

async function made(config?: HistoryConfig): Promise<Keeper> {
  const keeper = await keep(config)
  await eventually(() => keeper.history.made).toBe(true)
  return keeper
}

async function ask(verb: string, body: object = {}): Promise<Answer> {
  return (await client.request(`$JS.API.${verb}`, JSON.stringify(body))).json<Answer>()
}

const streamOf = (namespace: string): string => createHistoryStores(prefix).room(namespace).stream
const infoOf = (namespace: string): Promise<Answer> => ask(`STREAM.INFO.${streamOf(namespace)}`)

async function publish(namespace: string, count: number): Promise<void> {
  const subject = createSubjects(prefix).publishRoom({ namespace, local: 'lobby' })
  for (let at = 0; at < count; at++) await client.request(subject, `${at}`)
}

describe('streams of history', () => {
  test('are made as the configuration says, and nothing is changed at the next look', async () => {
    const { history, outcomes, warnings } = await made(
      configOf({ ...CHAT, plain: {} }, { inbox: { history: { messages: 5, seconds: 30 } } }),
    )
    const chat = await infoOf('chat')
    expect(chat.config).toMatchObject({ max_msgs_per_subject: 100, max_age: 600e9, duplicate_window: 120e9 })
    expect(chat.config.metadata[GENERATION_METADATA]).toMatch(/./)
    // Seconds below the window of duplicates: the server would refuse the longer one.
    const inbox = await ask(`STREAM.INFO.${createHistoryStores(prefix).inbox.stream}`)
    expect(inbox.config).toMatchObject({ max_msgs_per_subject: 5, max_age: 30e9, duplicate_window: 30e9 })
    expect((await infoOf('plain')).error).toBeDefined()
    await history.check()
    expect([...outcomes.entries()]).toEqual([['created', 2]])
    expect((await infoOf('chat')).config).toEqual(chat.config)
    expect([history.count('kept'), warnings]).toEqual([2, []])
  })

  test('that are lost are made anew, under another generation', async () => {
    const { history } = await made()
    const before = await infoOf('chat')
    await ask(`STREAM.DELETE.${streamOf('chat')}`)
    await history.check()
    const after = await infoOf('chat')
    expect(after.config.metadata[GENERATION_METADATA]).not.toBe(before.config.metadata[GENERATION_METADATA])
    expect(history.count('kept')).toBe(1)
  })

  test('that an operator has emptied have lost nothing that we do not know of', async () => {
    const { history, warnings } = await made()
    await publish('chat', 3)
    await history.check()
    const { config } = await infoOf('chat')
    await ask(`STREAM.PURGE.${streamOf('chat')}`)
    await publish('chat', 1)
    await history.check()
    expect([(await infoOf('chat')).config, warnings]).toEqual([config, []])
  })
})

describe('a changed configuration', () => {
  test('makes the streams of new namespaces, and applies higher limits, without a new generation', async () => {
    const { history, warnings } = await made()
    await publish('chat', 3)
    const { metadata } = (await infoOf('chat')).config
    history.apply(configOf({ chat: { history: { messages: 200, seconds: 600 } }, desk: CHAT.chat }))
    await eventually(async () => (await infoOf('chat')).config.max_msgs_per_subject).toBe(200)
    await eventually(async () => (await infoOf('desk')).config?.max_msgs_per_subject).toBe(100)
    expect((await infoOf('chat')).config.metadata).toEqual(metadata)
    expect([(await infoOf('chat')).state.messages, warnings]).toEqual([3, []])
  })

  test('with lower limits deletes what is beyond them, and says so with both numbers', async () => {
    const { history, warnings } = await made()
    await publish('chat', 5)
    history.apply(configOf({ chat: { history: { messages: 2, seconds: 60 } } }))
    await eventually(async () => (await infoOf('chat')).state.messages).toBe(2)
    await eventually(() => warnings).toMatchObject([
      {
        stream: streamOf('chat'),
        lowered: [
          { setting: 'messages', before: 100, after: 2 },
          { setting: 'seconds', before: 600, after: 60 },
        ],
      },
    ])
    expect((await infoOf('chat')).config).toMatchObject({ duplicate_window: 60e9 })
  })

  test('without the history of a namespace leaves its stream alone, and says once how to remove it', async () => {
    const { history, warnings } = await made(configOf({ ...CHAT, desk: CHAT.chat }))
    await publish('chat', 3)
    history.apply(configOf({ chat: { history: false } }))
    await eventually(() => warnings.length).toBe(2)
    await history.check()
    expect(warnings.map(({ removal }) => removal).sort()).toEqual(
      ['chat', 'desk'].map((namespace) => `nats stream rm ${streamOf(namespace)}`),
    )
    expect((await infoOf('chat')).state.messages).toBe(3)
    history.apply(configOf(CHAT))
    await eventually(() => history.count('kept')).toBe(1)
    expect((await infoOf('chat')).state.messages).toBe(3)
  })
})

describe('two routers', () => {
  test('that start at once make each stream once', async () => {
    const namespaces = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`n${at}`, CHAT.chat]))
    const keepers = await Promise.all([made(configOf(namespaces)), made(configOf(namespaces))])
    expect(keepers.reduce((sum, { outcomes }) => sum + outcomes.get('created'), 0)).toBe(12)
    for (const { outcomes, warnings } of keepers) expect([outcomes.get('failed'), warnings]).toEqual([0, []])
  })

  test('of different configurations do not turn back what the other did, and the one that differs says so', async () => {
    const old = await made()
    const young = await made(configOf({ chat: { history: { messages: 300, seconds: 600 } } }))
    for (let rounds = 0; rounds < 3; rounds++) for (const { history } of [old, young]) await history.check()
    expect((await infoOf('chat')).config.max_msgs_per_subject).toBe(300)
    expect([old.history.count('differs'), young.history.count('kept')]).toEqual([1, 1])
    expect(old.warnings).toMatchObject([
      { condition: 'differs', reason: 'another router has set max_msgs_per_subject' },
    ])
    // The rest of the deploy.
    old.history.apply(configOf({ chat: { history: { messages: 300, seconds: 600 } } }))
    await eventually(() => old.history.count('kept')).toBe(1)
    expect([...old.outcomes.entries(), ...young.outcomes.entries()]).toEqual([
      ['created', 1],
      ['updated', 1],
    ])
  })
})

describe('a stream that we cannot make right', () => {
  test('as another stream takes its subjects is told with its name, until that one is gone', async () => {
    const name = `OTHER_${prefix}`
    await ask(`STREAM.CREATE.${name}`, { name, subjects: [`${prefix}.pub.>`], storage: 'memory' })
    const { history, warnings } = await keep()
    await eventually(() => warnings).toMatchObject([
      { condition: 'missing', reason: `it cannot be created: subjects overlap with an existing stream (${name})` },
    ])
    expect(history.made).toBe(false)
    await ask(`STREAM.DELETE.${name}`)
    await eventually(() => history.made).toBe(true)
  })

  test('as it is no history is refused, and nothing of it is touched', async () => {
    const settings = { name: streamOf('chat'), subjects: [createHistoryStores(prefix).room('chat').source] }
    await ask(`STREAM.CREATE.${settings.name}`, { ...settings, storage: 'memory', max_msgs_per_subject: 7 })
    const { config } = await infoOf('chat')
    const { history, warnings } = await keep()
    await eventually(() => warnings).toMatchObject([
      { condition: 'refused', reason: expect.stringContaining('memory') },
    ])
    await history.check()
    expect([(await infoOf('chat')).config, history.made, warnings.length]).toEqual([config, false, 1])
  })

  test('as the server refuses the change serves as it is, and says why', async () => {
    await made()
    const { history, warnings, outcomes } = await made(configOf(CHAT, { router: { replicas: 3 } }))
    expect(warnings).toMatchObject([{ condition: 'differs', reason: expect.stringContaining('replicas > 1') }])
    expect([history.count('differs'), outcomes.get('failed') > 0]).toEqual([1, true])
  })

  test('as a newer release has made it serves as it is', async () => {
    await made()
    const { config } = await infoOf('chat')
    const newer = {
      ...config,
      max_age: 60e9,
      duplicate_window: 60e9,
      metadata: { ...config.metadata, sluice_config: '99' },
    }
    await ask(`STREAM.UPDATE.${streamOf('chat')}`, newer)
    const { warnings } = await made()
    expect(warnings).toMatchObject([{ condition: 'differs', reason: expect.stringContaining('newer release') }])
    expect((await infoOf('chat')).config).toMatchObject({ max_age: 60e9, metadata: { sluice_config: '99' } })
  })
})
