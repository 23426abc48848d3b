// Coming back into a room with history, over two gateways: after idle time, under publishes through another gateway, and with positions
// that are no good.
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import {
  brokenLinks,
  HISTORY_SETTINGS,
  messagesOf,
  positionOf,
  publishSteadily,
  publishTo,
  readAll,
  type Since,
  testWithHistory,
} from '../harness/history.ts'
import { storeAll } from '../harness/history-stream.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const test = testWithHistory({
  namespaces: {
    ...HISTORY_SETTINGS.namespaces,
    brief: { ...open, history: { messages: 10, seconds: 140 } },
    huge: { ...open, history: { messages: 1_000_000, seconds: 3600 } },
  },
})

const gapsOf = ({ frames }: Client): Frame[] => frames.filter(({ type }) => type === 'gap')

describe('case 16: a resume after idle time', () => {
  test('finds everything when the gateway has long forgotten the room', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'idle-ann')
    await ann.ok(publishTo('chat:idle', 0))
    const position = positionOf(await ann.ok({ type: 'join', room: 'chat:idle' }))
    ann.socket.terminate()
    const listening = async (): Promise<boolean> =>
      (await nats.gatewaySubjects()).includes('sluice.live.room.chat.idle')
    expect(await listening()).toBe(true)
    await eventually(listening, 20_000).toBe(false)
    const ben = await stage.user(two, 'idle-ben')
    for (const n of [1, 2, 3]) await ben.ok(publishTo('chat:idle', n))
    for (const gateway of [one, two]) {
      const back = await stage.user(gateway, 'idle-ann')
      const ok = await back.ok({ type: 'join', room: 'chat:idle', since: position })
      expect(ok).toMatchObject({ recovered: true, epoch: position.epoch })
      expect(messagesOf(back, 'chat:idle').map(({ data }) => data)).toEqual([1, 2, 3])
      expect(brokenLinks(messagesOf(back, 'chat:idle'), position.offset)).toEqual([])
    }
  })

  test('is recovered as long as its last message could still be kept, whatever other rooms have pushed out', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await stage.user(one, 'quiet-ann')
    // Messages are kept for 140 seconds, which leaves this test some time of its own.
    const idle = [5, 15, 60, 119, 141]
    const positions = await Promise.all(
      idle.map(async (seconds) => positionOf(await ann.ok({ type: 'join', room: `brief:quiet-${seconds}` }))),
    )
    // The first message that the stream keeps lies behind the positions now: their age alone tells that nothing has gone.
    for (let n = 0; n < 25; n++) await ann.ok(publishTo('brief:busy', n))
    for (const [at, seconds] of idle.entries()) {
      const room = `brief:quiet-${seconds}`
      for (const n of [1, 2, 3]) await ann.ok(publishTo(room, n))
      const position = positions[at] as Required<Since>
      const since = { ...position, time: position.time - seconds * 1000 }
      // The gateway of this one knows nothing of the room yet.
      const back = await stage.user(two, 'quiet-ben')
      const { recovered } = await back.ok({ type: 'join', room, since })
      const found = { recovered, data: messagesOf(back, room).map(({ data }) => data), gaps: gapsOf(back).length }
      const kept = seconds < 140
      expect(found, `${seconds} s`).toEqual({ recovered: kept, data: kept ? [1, 2, 3] : [], gaps: kept ? 0 : 1 })
    }
  })
})

test('case 18: a resume while publishes come through another gateway has each offset once, in order', async ({
  stage,
  cluster: { one, two },
}) => {
  const ben = await stage.user(two, 'flood-ben')
  const eve = await stage.user(one, 'flood-eve')
  const received: Frame[] = []
  const first = await stage.user(one, 'flood-ann')
  let position = positionOf(await first.ok({ type: 'join', room: 'chat:flood' }))
  const held = position.offset
  let client = first
  const floods = [ben, eve].map((publisher) => publishSteadily(publisher, 'chat:flood', { everyMs: 3 }))
  for (let drop = 0; drop < 8; drop++) {
    const from = messagesOf(client, 'chat:flood').length
    await eventually(() => messagesOf(client, 'chat:flood').length).toBeGreaterThan(from + 5)
    client.socket.terminate()
    received.push(...messagesOf(client, 'chat:flood'))
    const { offset, time } = received.at(-1) as Frame
    position = { ...position, offset: Number(offset), time: Number(time) }
    client = await stage.user(drop % 2 === 0 ? two : one, 'flood-ann')
    const ok = await client.ok({ type: 'join', room: 'chat:flood', since: position })
    expect(ok).toMatchObject({ recovered: true })
  }
  const published = (await Promise.all(floods.map((flood) => flood.stop()))).flat()
  expect(published.filter(({ answer }) => answer.type !== 'ok')).toEqual([])
  await eventually(() => received.length + messagesOf(client, 'chat:flood').length).toBe(published.length)
  received.push(...messagesOf(client, 'chat:flood'))
  expect(brokenLinks(received, held)).toEqual([])
  const stored = await readAll(ben, 'chat:flood')
  expect(received.map(({ offset }) => offset)).toEqual(stored.map(({ offset }) => offset))
})

describe('case 20: a position', () => {
  test('that is bogus, in the future or of another epoch is answered at once', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await stage.user(one, 'bogus-ann')
    const { epoch, offset } = positionOf(await ann.ok({ type: 'join', room: 'chat:bogus' }))
    const { offset: last } = await ann.ok(publishTo('chat:bogus', 1))
    const positions: [object, string][] = [
      [{ epoch: 'nothing-of-ours', offset: 3 }, 'epoch'],
      [{ epoch: '-', offset: 0 }, 'epoch'],
      [{ epoch: 'nothing-of-ours', offset: Number.MAX_SAFE_INTEGER }, 'epoch'],
      [{ epoch, offset: Number.MAX_SAFE_INTEGER }, 'ahead'],
      [{ epoch, offset: Number(last) + 1_000_000 }, 'ahead'],
      [{ epoch, offset: last, time: 1 }, 'mismatch'],
    ]
    for (const gateway of [one, two]) {
      for (const [since, reason] of positions) {
        const client = await stage.user(gateway, 'bogus-ben')
        const ok = await client.ok({ type: 'join', room: 'chat:bogus', since }, AT_ONCE_MS)
        expect(ok).toMatchObject({ recovered: false, epoch })
        expect(gapsOf(client)).toMatchObject([{ reason, epoch }])
        expect(messagesOf(client, 'chat:bogus')).toEqual([])
      }
      // The whole of a history is there from its beginning on.
      const client = await stage.user(gateway, 'bogus-ben')
      const ok = await client.ok({ type: 'join', room: 'chat:bogus', since: { epoch, offset } }, AT_ONCE_MS)
      expect(ok).toMatchObject({ recovered: true })
      expect(messagesOf(client, 'chat:bogus')).toHaveLength(1)
      const malformed = [{ epoch, offset: -1 }, { epoch, offset: 1.5 }, { epoch, offset: '1' }, { offset: 1 }, 'x']
      for (const since of malformed)
        expect(await client.refused({ type: 'join', room: 'chat:other', since })).toBe('bad_request')
    }
  })

  test('near the head of a huge history is quick, and its cost is a few reads', { timeout: 120_000 }, async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const service = await nats.connect()
    const subject = 'sluice.pub.room.huge.a'
    for (let sent = 0; sent < HUGE; sent += PIECE) {
      for (let n = 1; n < PIECE; n++) service.publish(subject, `${sent + n}`)
      // One that is acknowledged behind the others: it paces the rest.
      await storeAll(service, [{ subject, data: `${sent + PIECE}` }])
    }
    const ann = await stage.user(one, 'huge-ann')
    const { messages, epoch } = await ann.ok({ type: 'history', room: 'huge:a', limit: 20 })
    const [position, ...missed] = messages as Frame[]
    expect(Number(position?.offset)).toBeGreaterThan(HUGE * 0.9)
    const since = { epoch, offset: position?.offset, time: position?.time }
    const reads = async (): Promise<number> => {
      const metrics = await two.metrics()
      return ['forward', 'probe', 'leader'].reduce(
        (sum, kind) => sum + metrics.value('history_reads_total', { kind }),
        0,
      )
    }
    const before = await reads()
    const ben = await stage.user(two, 'huge-ben')
    const startedAt = performance.now()
    expect(await ben.ok({ type: 'join', room: 'huge:a', since })).toMatchObject({ recovered: true })
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(messagesOf(ben, 'huge:a').map(({ offset }) => offset)).toEqual(missed.map(({ offset }) => offset))
    expect((await reads()) - before).toBe(1)
    // Behind the head too: nothing is looked for from the beginning on.
    const last = missed.at(-1)
    const eve = await stage.user(two, 'huge-eve')
    const head = { epoch, offset: last?.offset, time: last?.time }
    expect(await eve.ok({ type: 'join', room: 'huge:a', since: head }, AT_ONCE_MS)).toMatchObject({ recovered: true })
    expect(messagesOf(eve, 'huge:a')).toEqual([])
  })
})

/** What counts as at once, on a machine that is busy with other things. */
const AT_ONCE_MS = 1500
const HUGE = 300_000
const PIECE = 5000
