import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores } from '@sluice/proto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeHistory, storeAll } from '../../../test/harness/history-stream.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { Link } from '../nats/link.ts'
import { readHistoryBatch } from './history-batch.ts'
import type { NatsPort } from './port.ts'

const { stream } = createHistoryStores().room('chat')
const subject = 'sluice.pub.room.chat.a'
const all = { seq: 1, next_by_subj: subject, batch: 10, max_bytes: 1_048_576 }

let nats: NatsServer
let link: Link & AsyncDisposable
let client: NatsConnection
beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
  link = await openLink(nats.url)
  await makeHistory(client, createHistoryStores().room('chat'))
  await storeAll(
    client,
    [1, 2, 3].map((at) => ({ subject, data: `${at}` })),
  )
})
afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

/** Loses some of what comes, by its number from 0: a core message can vanish anywhere. */
function losing(isLost: (at: number) => boolean): NatsPort {
  const { inbox, request, publish } = link
  return {
    connected: true,
    inbox,
    request,
    publish,
    subscribe(inboxSubject, deliver) {
      let at = 0
      return link.subscribe(inboxSubject, (message: Msg) => {
        if (!isLost(at++)) deliver(message)
      })
    },
  }
}

test('a batch is whole with its end marker and all between', async () => {
  const batch = await readHistoryBatch(link, stream, all)
  expect(batch).toMatchObject({
    kind: 'end',
    pending: 0,
    last: 3,
    messages: [{ offset: 1 }, { offset: 2 }, { offset: 3 }],
  })
})

test.each([0, 1, 2])('a batch that has lost message %i on the way is not taken for whole', async (lost) => {
  expect(
    await readHistoryBatch(
      losing((at) => at === lost),
      stream,
      all,
    ),
  ).toEqual({ kind: 'failed', why: 'torn' })
})

test('a batch that has lost its end marker is given up after some silence', async () => {
  const before = link.subscriptions
  expect(
    await readHistoryBatch(
      losing((at) => at === 3),
      stream,
      all,
    ),
  ).toEqual({ kind: 'failed', why: 'silence' })
  expect(link.subscriptions).toBe(before)
})

test('a batch of several lasts tells how new it is', async () => {
  const question = { multi_last: [subject, 'sluice.pub.room.chat.b'], batch: 2, max_bytes: 1_048_576 }
  expect(await readHistoryBatch(link, stream, question)).toMatchObject({ kind: 'end', pending: 0, upTo: 3 })
})

test('what a server does not take is told from what is not there', async () => {
  expect(await readHistoryBatch(link, stream, { ...all, next_by_subj: `${subject}.x` })).toEqual({ kind: 'none' })
  expect(await readHistoryBatch(link, stream, { batch: 1, max_bytes: 1 })).toEqual({ kind: 'failed', why: 'refused' })
  expect(await readHistoryBatch(link, 'NONE', all)).toEqual({ kind: 'failed', why: 'no-responders' })
  const many = { multi_last: ['sluice.pub.room.chat.*'], batch: 2, max_bytes: 1_048_576 }
  await storeAll(
    client,
    Array.from({ length: 1024 }, (_, at) => ({ subject: `sluice.pub.room.chat.r${at}`, data: '1' })),
  )
  expect(await readHistoryBatch(link, stream, many)).toEqual({ kind: 'failed', why: 'refused' })
})

test('a batch asked for while the link is down fails at once', async () => {
  const down: NatsPort = { ...losing(() => false), publish: () => false }
  expect(await readHistoryBatch(down, stream, all)).toEqual({ kind: 'failed', why: 'away' })
})
