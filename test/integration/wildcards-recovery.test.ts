// Coming back into all rooms of a namespace with one position, over two gateways: what was missed comes in the order of the stream, or none of
// it does, and that is told.
import { describe, expect } from 'vitest'
import type { Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS } from '../harness/gateway.ts'
import { positionOf, publishTo, testWithHistory } from '../harness/history.ts'
import { brokenChains, joinAll, messagesUnder, publishEverywhere, WILDCARD_SETTINGS } from '../harness/wildcards.ts'

const test = testWithHistory(WILDCARD_SETTINGS)

describe('a position in all rooms', () => {
  test('recovers what was missed, in the order of the stream, and goes on live', { timeout: 60_000 }, async ({
    stage,
    cluster: { one, two },
  }) => {
    const publishers = [await stage.user(one, 'p0'), await stage.user(two, 'p1')]
    const first = await stage.user(one, 'ann')
    let position = positionOf(await first.ok(joinAll('flood')))
    const held = position.offset
    const received: Frame[] = []
    const floods = publishers.map((publisher, at) => publishEverywhere(publisher, 'flood', `p${at}`))
    let client = first
    for (let drop = 0; drop < 6; drop++) {
      const from = messagesUnder(client, 'flood').length
      await eventually(() => messagesUnder(client, 'flood').length).toBeGreaterThan(from + 10)
      client.socket.terminate()
      received.push(...messagesUnder(client, 'flood'))
      const last = received.at(-1) as Frame
      position = {
        ...position,
        offset: Number(last.offset),
        ...(last.time === undefined ? {} : { time: Number(last.time) }),
      }
      client = await stage.user(drop % 2 === 0 ? two : one, 'ann')
      const ok = await client.ok(joinAll('flood', { since: position }), 15_000)
      expect(ok).toMatchObject({ recovered: true, epoch: position.epoch })
    }
    const published = (await Promise.all(floods.map((flood) => flood.stop()))).flat().sort()
    await eventually(() => received.length + messagesUnder(client, 'flood').length).toBe(published.length)
    received.push(...messagesUnder(client, 'flood'))
    expect(received.map(({ data }) => data).sort()).toEqual(published)
    const offsets = received.map(({ offset }) => Number(offset))
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    expect(brokenChains(received, held)).toEqual([])
  })

  test('of which more than 1000 messages follow is not recovered, and says so', { timeout: 60_000 }, async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'ann')
    const since = positionOf(await ann.ok(joinAll('flood')))
    await ann.leave()
    const service = await nats.connect()
    const publish = async (count: number): Promise<void> => {
      for (let n = 1; n < count; n++) service.publish(`sluice.pub.room.flood.f${n % 20}`, `${n}`)
      await service.request('sluice.pub.room.flood.last', '0', { timeout: 10_000 })
    }
    await publish(1000)
    for (const gateway of [two, one]) {
      const back = await stage.user(gateway, 'ann')
      expect(await back.ok(joinAll('flood', { since }), 15_000)).toMatchObject({ recovered: true })
      expect(messagesUnder(back, 'flood')).toHaveLength(1000)
      expect(brokenChains(messagesUnder(back, 'flood'), since.offset)).toEqual([])
    }
    await publish(1)
    for (const gateway of [two, one]) {
      const back = await stage.user(gateway, 'ann')
      const ok = await back.ok(joinAll('flood', { since }), 15_000)
      expect(ok).toMatchObject({ recovered: false, offset: since.offset + 1001 })
      const gaps = back.frames.filter(({ type }) => type === 'gap')
      expect(gaps).toMatchObject([{ room: 'flood:*', reason: 'too_many', from: since.offset, to: since.offset + 1001 }])
      expect(messagesUnder(back, 'flood')).toEqual([])
      await back.ok(publishTo('flood:on', 'live', { ephemeral: true }))
      await eventually(() => back.dataOf('flood:on')).toEqual(['live'])
    }
  })

  test('of a room whose own bound has pushed messages out is not recovered', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'ann')
    const since = positionOf(await ann.ok(joinAll('short')))
    await ann.leave()
    const ben = await stage.user(two, 'ben')
    const recover = async (): Promise<unknown[]> => {
      const found: unknown[] = []
      for (const gateway of [one, two]) {
        const back = await stage.user(gateway, 'ann')
        const { recovered } = await back.ok(joinAll('short', { since }))
        const reasons = back.frames.filter(({ type }) => type === 'gap').map(({ reason }) => reason)
        found.push([recovered, messagesUnder(back, 'short').length, ...reasons])
      }
      return found
    }
    for (let n = 0; n < 10; n++) await ben.ok(publishTo('short:full', n))
    await ben.ok(publishTo('short:other', 0))
    // As much as the room keeps, and nothing of it has gone yet.
    expect(await recover()).toEqual([
      [true, 11],
      [true, 11],
    ])
    // One more, and the first one is gone for good: a gateway that has been there has it still, another one says so.
    await ben.ok(publishTo('short:full', 10))
    const fresh = await stage.gateway(nats, { settings: { ...DEFAULT_SETTINGS, ...WILDCARD_SETTINGS } })
    const back = await stage.user(fresh, 'ann')
    expect(await back.ok(joinAll('short', { since }))).toMatchObject({ recovered: false })
    expect(back.frames.filter(({ type }) => type === 'gap')).toMatchObject([{ room: 'short:*', reason: 'expired' }])
    expect(messagesUnder(back, 'short')).toEqual([])
    for (const bad of [{ offset: since.offset + 1000 }, { epoch: 'other' }, { offset: since.offset + 1, time: 1 }]) {
      const back = await stage.user(one, 'ann')
      expect(await back.ok(joinAll('short', { since: { ...since, ...bad } }))).toMatchObject({ recovered: false })
      expect(messagesUnder(back, 'short')).toEqual([])
    }
  })
})
