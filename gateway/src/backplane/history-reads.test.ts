// What streams tell, live and read, on a real server: both ways a message has the same place, whatever its publisher wrote.

import { headers } from '@nats-io/transport-node'
import { createHistoryStores, createSubjects, parseRoom, type Room } from '@sluice/proto'
import { createHistoryReader } from '@sluice/service/jetstream/history-reader'
import { historyState } from '@sluice/service/jetstream/history-state'
import { expect, test } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { makeHistory, storeAll } from '../../../test/harness/history-stream.ts'
import { recordedEvents } from '../../../test/harness/link-events.ts'
import { startNats } from '../../../test/harness/nats.ts'
import { type Backplane, connectBackplane } from './backplane.ts'
import { createHistoryReads } from './history-reads.ts'
import type { StoredInbound } from './inbound.ts'

const subjects = createSubjects('sluice')
const ROOM = parseRoom('chat:a', 128) as Room
const OTHER = parseRoom('chat:b', 128) as Room
const { stream } = createHistoryStores('sluice').room('chat')
const AT = { stream, subject: subjects.publishRoom(ROOM) }

async function open(url: string): Promise<Backplane> {
  const events = recordedEvents()
  const backplane = await connectBackplane(
    {
      name: 'sluice-gateway test',
      tls: {},
      payloadBytesMax: 1000,
      presence: false,
      frameBytesMax: 1000,
      random: () => 0,
      nowMs: () => performance.now(),
      url: [url],
    },
    events,
    new AbortController().signal,
  )
  if (backplane === null) throw new Error('not connected')
  return backplane
}

test('a stored message has one place, live and in both ways to read it, and keeps it if its content is fit for nobody', async () => {
  await using nats = await startNats()
  const client = await nats.connect()
  await makeHistory(client, createHistoryStores('sluice').room('chat'))
  const backplane = await open(nats.url)
  try {
    const heard: StoredInbound[] = []
    backplane.listenStored(subjects.liveRoom(ROOM), (message) => heard.push(message))
    expect(await backplane.confirm()).toBe(true)
    const forged = { 'Nats-Sequence': '99', 'Nats-Last-Sequence': '98', 'Nats-Time-Stamp': '2020-01-01T00:00:00Z' }
    const own = subjects.publishRoom(ROOM)
    await storeAll(client, [
      { subject: own, data: '1', headers: { 'Sluice-From': 'ann', 'Sluice-Key': 'k' } },
      { subject: subjects.publishRoom(OTHER), data: '2' },
      { subject: own, data: '3', headers: forged },
      { subject: own, data: 'no json' },
      { subject: own, data: Buffer.from([0xff]), headers: { 'Content-Type': 'application/octet-stream' } },
    ])
    await eventually(() => heard.map(({ place: { offset, prev } }) => [offset, prev])).toEqual([
      [1, 0],
      [3, 1],
      [4, 3],
      [5, 4],
    ])
    expect(heard.map(({ unfit }) => unfit)).toEqual([null, null, 'not_json', null])
    expect(heard[0]).toMatchObject({ from: 'ann', key: 'k' })

    // What no stream has sent is dropped: anyone may publish on any subject that permissions leave open.
    const bare = headers()
    bare.set('Nats-Sequence', '6')
    client.publish(subjects.liveRoom(ROOM), '6', { headers: bare })
    await client.flush()
    await backplane.confirm()
    expect(heard).toHaveLength(4)

    const reader = createHistoryReader({ nats: backplane, leader: backplane, counters: { reads: () => undefined } })
    const reads = createHistoryReads({ reader, state: (name) => historyState(backplane, name), payloadBytesMax: 1000 })
    const forward = await reads.forward(AT, 1, 5)
    expect(forward).toMatchObject({ more: false, following: 4 })
    expect(forward.messages).toEqual(heard)
    const backward = await reads.backward(AT, 6, 2, 5)
    expect(backward.more).toBe(true)
    expect(backward.messages).toEqual(heard.slice(2))
    expect((await reads.after(AT, 1, 5, 2)).messages).toEqual(heard.slice(1, 3))
    expect(await reads.stream(AT)).toMatchObject({ firstSequence: 1, lastSequence: 5, messagesPerSubject: 1000 })
    expect(await reads.stream({ stream: 'SLUICE_HISTORY_nowhere' })).toBeNull()
  } finally {
    await backplane.drain()
  }
})
