// Claims of rollbacks on a real server; what a router has seen itself is in keep-history.test.ts and test/integration/history-epochs.
import { randomUUID } from 'node:crypto'
import type { NatsConnection } from '@nats-io/transport-node'
import {
  createHistoryStores,
  createSubjects,
  GENERATION_METADATA,
  parseRoom,
  type RollbackClaim,
  type Room,
} from '@sluice/proto'
import { historyState } from '@sluice/service/jetstream/history-state'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { askJetStream, makeHistory, store } from '../../../test/harness/history-stream.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { createEndKeeper } from './keep-end.ts'

let nats: NatsServer
let client: NatsConnection
let link: Awaited<ReturnType<typeof openLink>>
let prefixes = 0
let prefix: string

beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
  link = await openLink(nats.url)
})

afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

beforeEach(async () => {
  prefix = `p${++prefixes}`
  const metadata = { [GENERATION_METADATA]: 'first' }
  await makeHistory(client, createHistoryStores(prefix).room('chat'), { metadata })
  for (let n = 0; n < 3; n++) await publish()
})

const name = (): string => createHistoryStores(prefix).room('chat').stream
const stateNow = async () => (await historyState(link, name())) as NonNullable<Awaited<ReturnType<typeof historyState>>>

function publish(): Promise<number> {
  const subject = createSubjects(prefix).publishRoom(parseRoom('chat:a', 128) as Room)
  return store(client, { subject, data: '1' })
}

/** A router's keeper; its connection breaks when the test says so. */
function router() {
  const rollbacks: number[][] = []
  const own = { connects: 1 }
  const keeper = createEndKeeper({
    nats: Object.create(link, { connects: { get: () => own.connects } }),
    newGeneration: randomUUID,
    random: () => 0,
    pause: async () => undefined,
    onRollback: (_, before, now) => rollbacks.push([before, now]),
  })
  const stream = { name: name() } as Parameters<typeof keeper.look>[0]
  return {
    rollbacks,
    claimed: keeper.claimed,
    interrupt: () => void own.connects++,
    async look(times = 1): Promise<void> {
      for (let n = 0; n < times; n++) await keeper.check(stream, await keeper.look(stream))
    },
  }
}

type Router = ReturnType<typeof router>

/** As gateways do: again and again. */
async function claim(routers: readonly Router[], fields: Partial<RollbackClaim>): Promise<void> {
  const { epoch } = await stateNow()
  for (let times = 0; times < 3; times++) {
    for (const { claimed } of routers) claimed({ stream: name(), epoch, offset: 1, ...fields })
    for (const { look } of routers) await look()
  }
}

test('what the leader shows to be missing is a new generation, once over two routers, whoever goes on claiming', async () => {
  const routers = [router(), router()]
  for (const { look } of routers) await look()
  await claim(routers, { offset: 5 })
  const { generation, epoch } = await stateNow()
  expect(generation).not.toBe('first')
  await claim(routers, { offset: 99 })
  await claim(routers, { offset: 99, epoch })
  expect((await stateNow()).generation).toBe(generation)
  expect(routers.flatMap(({ rollbacks }) => rollbacks)).toEqual([[5, 3]])
})

test('so is another message under the offset', async () => {
  const one = router()
  await one.look()
  await claim([one], { offset: 2, time: 1000 })
  expect((await stateNow()).generation).not.toBe('first')
})

test('what the leader has, or never had under that epoch, is none', async () => {
  const one = router()
  await one.look()
  const answer = await askJetStream(client, `STREAM.MSG.GET.${name()}`, { seq: 3 })
  const time = Date.parse((answer as { readonly message: { readonly time: string } }).message.time)
  await claim([one], { offset: 3 })
  await claim([one], { offset: 3, time })
  await claim([one], { offset: 99, epoch: 'e' })
  expect([(await stateNow()).generation, one.rollbacks]).toEqual(['first', []])
})

test('what one look alone finds missing is none: a leader may not have come that far yet', async () => {
  const one = router()
  await one.look()
  const { epoch } = await stateNow()
  one.claimed({ stream: name(), epoch, offset: 4 })
  await one.look()
  await publish()
  await one.look(3)
  expect([(await stateNow()).generation, one.rollbacks]).toEqual(['first', []])
})

test('a claim is not listened to where the leader has gone on without a break, and is after one', async () => {
  const one = router()
  await one.look(31)
  await claim([one], { offset: 99 })
  expect((await stateNow()).generation).toBe('first')
  one.interrupt()
  await one.look()
  await claim([one], { offset: 99 })
  expect((await stateNow()).generation).not.toBe('first')
})

test('a stream that was made anew is none: what was claimed of the one before is over', async () => {
  const one = router()
  await one.look()
  const { epoch } = await stateNow()
  await askJetStream(client, `STREAM.DELETE.${name()}`, {})
  await makeHistory(client, createHistoryStores(prefix).room('chat'), { metadata: { [GENERATION_METADATA]: 'anew' } })
  one.interrupt()
  await one.look()
  await claim([one], { offset: 99, epoch })
  expect([(await stateNow()).generation, one.rollbacks]).toEqual(['anew', []])
})
