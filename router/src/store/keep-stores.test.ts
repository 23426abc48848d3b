import { createPresenceStores, firstRevision } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loseBucket } from '../../../test/harness/buckets.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { type KeptStores, keepStores } from './keep-stores.ts'
import type { StoreOptions } from './store-configs.ts'

interface Info {
  readonly config: Record<string, unknown> & { readonly metadata: Record<string, string> }
  readonly created: string
  readonly state: { readonly first_seq: number }
}

const NOW = Date.UTC(2026, 0, 1)
const SETTINGS: StoreOptions = { replicas: 1, eventsSeconds: 60, eventsBytesMax: 1_048_576, revokedSeconds: 3600 }
let nats: NatsServer
let prefixes = 0
let prefix: string
let running: { readonly kept: KeptStores; readonly link: AsyncDisposable }[]

beforeAll(async () => {
  nats = await startNats()
})

afterAll(() => nats[Symbol.asyncDispose]())

beforeEach(() => {
  prefix = `p${++prefixes}`
  running = []
})

afterEach(async () => {
  for (const { kept, link } of running) {
    kept.stop()
    await link[Symbol.asyncDispose]()
  }
})

interface Keeper extends Pick<KeptStores, 'check'> {
  readonly outcomes: Tally
  readonly warnings: string[]
  readonly made: boolean
}

async function keep(settings = SETTINGS): Promise<Keeper> {
  const link = await openLink(nats.url)
  const outcomes = new Tally()
  const warnings: string[] = []
  let made = false
  const kept = keepStores({
    nats: link,
    stores: createPresenceStores(prefix),
    settings,
    now: () => NOW,
    log: {
      info: () => undefined,
      warn: ({ reason }: { reason: string }) => warnings.push(reason),
    } as never,
    throttle: () => ({ held: 0 }),
    counters: { stores: outcomes },
    onMade: () => {
      made = true
    },
  })
  running.push({ kept, link })
  return {
    check: kept.check,
    outcomes,
    warnings,
    get made() {
      return made
    },
  }
}

async function info(stream: string): Promise<Info> {
  const client = await nats.connect()
  const answer = (await client.request(`$JS.API.STREAM.INFO.${stream}`, '{}')).json<Info>()
  await client.close()
  return answer
}

describe('stores', () => {
  test('are made as the contract says', async () => {
    const { leases, entries, revoked, events } = createPresenceStores(prefix)
    const keeper = await keep()
    await eventually(() => keeper.made).toBe(true)
    const bucket = {
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
      allow_direct: true,
      allow_msg_ttl: true,
      metadata: { sluice_config: '1' },
    }
    expect((await info(leases.stream)).config).toMatchObject({
      ...bucket,
      max_age: 3_600e9,
      republish: { src: leases.source, dest: leases.destination },
    })
    expect(await info(entries.stream)).toMatchObject({
      config: { ...bucket, max_age: 0, republish: { src: entries.source, dest: entries.destination } },
      state: { first_seq: firstRevision(NOW) },
    })
    expect((await info(revoked.stream)).config).toMatchObject({
      ...bucket,
      max_age: 3_600e9,
      max_msgs: 1_000_000,
      discard: 'new',
      republish: { src: revoked.source, dest: revoked.destination },
    })
    expect((await info(events.stream)).config).toMatchObject({
      subjects: [`${prefix}.event.>`],
      max_age: 60e9,
      max_bytes: 1_048_576,
      duplicate_window: 60e9,
    })
    expect(keeper.outcomes.get('created')).toBe(4)
  })

  test('are made by two routers that start at once, and neither turns back what the other did', async () => {
    const keepers = await Promise.all([keep(), keep({ ...SETTINGS, eventsSeconds: 90 })])
    for (const keeper of keepers) await eventually(() => keeper.made).toBe(true)
    const { config } = await info(createPresenceStores(prefix).events.stream)
    for (let rounds = 0; rounds < 3; rounds++) for (const { check } of keepers) await check()
    expect((await info(createPresenceStores(prefix).events.stream)).config).toEqual(config)
    expect(keepers.flatMap(({ warnings }) => warnings)).toEqual([])
  })

  test('that are there are brought up to date by a router that starts with other settings', async () => {
    const first = await keep()
    await eventually(() => first.made).toBe(true)
    const second = await keep({ ...SETTINGS, eventsSeconds: 30 })
    await eventually(() => second.made).toBe(true)
    const { config } = await info(createPresenceStores(prefix).events.stream)
    expect(config).toMatchObject({ max_age: 30e9, metadata: { sluice_config: '1' } })
    expect(second.outcomes.get('updated')).toBe(1)
  })

  test('that are lost are made again within seconds', async () => {
    const keeper = await keep()
    await eventually(() => keeper.made).toBe(true)
    const { entries } = createPresenceStores(prefix)
    const { created } = await info(entries.stream)
    await loseBucket(await nats.connect(), entries)
    await eventually(async () => (await info(entries.stream)).created ?? created, 5000).not.toBe(created)
  })

  test('that the server does not change as we wish serve as they are', async () => {
    const first = await keep()
    await eventually(() => first.made).toBe(true)
    const second = await keep({ ...SETTINGS, replicas: 3 })
    await eventually(() => second.made).toBe(true)
    expect(second.warnings[0]).toContain('cannot be updated')
  })

  test('that the server does not make are tried again', async () => {
    const keeper = await keep({ ...SETTINGS, replicas: 3 })
    await eventually(() => keeper.warnings.length).toBeGreaterThan(0)
    expect(keeper.made).toBe(false)
  })
})
