// All rooms of a namespace joined at once while gateways die, the way to NATS is cut, and single copies are lost on it: nothing is missed,
// and nothing comes twice.
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { historyCluster, messagesOf, positionOf, publishSteadily, publishTo } from '../harness/history.ts'
import { startNatsSieve } from '../harness/nats-sieve.ts'
import { type Stage, test } from '../harness/stage.ts'
import { brokenChains, messagesUnder, WILDCARD_SETTINGS } from '../harness/wildcards.ts'

const JOIN_ALL = { type: 'join', room: 'flood:*' }

/** One gateway that NATS reaches directly, and one whose way to it can lose things. */
async function sieved(stage: Stage) {
  const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: WILDCARD_SETTINGS })
  const sieve = stage.use(await startNatsSieve(nats.url))
  const settings = { ...DEFAULT_SETTINGS, ...WILDCARD_SETTINGS }
  const behind = await stage.gateway({ ...nats, url: sieve.url }, { settings })
  return { sieve, direct: gateways[0] as GatewayProcess, behind }
}

const offsetsOf = (frames: readonly Frame[]): number[] => frames.map(({ offset }) => Number(offset))

test('a gateway killed under traffic loses and doubles nothing of all rooms for who joins elsewhere with a position', {
  timeout: 60_000,
}, async ({ stage }) => {
  const { gateways } = await historyCluster(stage, { settings: WILDCARD_SETTINGS })
  const [one, two] = gateways as [GatewayProcess, GatewayProcess]
  const publisher = await stage.user(two, 'ben')
  const ann = await stage.user(one, 'ann')
  const position = positionOf(await ann.ok(JOIN_ALL))
  const floods = Array.from({ length: 5 }, (_, n) => publishSteadily(publisher, `flood:r${n}`, { everyMs: 110 }))
  await eventually(() => messagesUnder(ann, 'flood').length).toBeGreaterThan(20)
  await one.child.kill()
  await ann.closed
  const before = messagesUnder(ann, 'flood')
  const { offset, time } = before.at(-1) as Frame
  const back = await stage.user(two, 'ann')
  const since = { ...position, offset: Number(offset), time: Number(time) }
  expect(await back.ok({ ...JOIN_ALL, since }, 15_000)).toMatchObject({ recovered: true })
  const published = (await Promise.all(floods.map((flood) => flood.stop()))).flat()
  expect(published.filter(({ answer }) => answer.type !== 'ok')).toEqual([])
  await eventually(() => messagesUnder(back, 'flood').length).toBe(published.length - before.length)
  const all = [...before, ...messagesUnder(back, 'flood')]
  expect(offsetsOf(all)).toEqual(published.map(({ answer }) => Number(answer.offset)).sort((a, b) => a - b))
  expect(brokenChains(all, position.offset)).toEqual([])
})

describe('behind a way that loses things', () => {
  test('copies that are lost among others are found at the next one of any room, and come in order', {
    timeout: 60_000,
  }, async ({ stage }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const [ann, ben] = [await stage.user(behind, 'ann'), await stage.user(direct, 'ben')]
    const { offset: held } = await ann.ok(JOIN_ALL)
    await ann.ok({ type: 'join', room: 'flood:r1' })
    let copies = 0
    sieve.lose((subject) => subject.startsWith('sluice.live.room.flood.') && copies++ % 7 < 3)
    const offsets: number[] = []
    for (let n = 0; n < 60; n++) offsets.push(Number((await ben.ok(publishTo(`flood:r${n % 6}`, n))).offset))
    sieve.lose(null)
    offsets.push(Number((await ben.ok(publishTo('flood:last', 0))).offset))
    await eventually(() => messagesUnder(ann, 'flood').length, 10_000).toBe(offsets.length)
    expect(sieve.lost).toBeGreaterThan(15)
    expect(offsetsOf(messagesUnder(ann, 'flood')).toSorted((a, b) => a - b)).toEqual(offsets)
    expect(brokenChains(messagesUnder(ann, 'flood'), Number(held))).toEqual([])
    expect(ann.frames.filter(({ type }) => type === 'gap')).toEqual([])
  })

  test('the last copies, lost at a reconnect, are found by the check that follows it', { timeout: 60_000 }, async ({
    stage,
  }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const [ann, ben] = [await stage.user(behind, 'ann'), await stage.user(direct, 'ben')]
    await ann.ok(JOIN_ALL)
    sieve.lose((subject) => subject.startsWith('sluice.live.room.'))
    for (let n = 0; n < 9; n++) await ben.ok(publishTo(`flood:t${n % 3}`, n))
    await eventually(() => sieve.lost).toBe(9)
    expect(messagesUnder(ann, 'flood')).toEqual([])
    sieve.lose(null)
    sieve.cut()
    await eventually(() => messagesUnder(ann, 'flood').map(({ data }) => data), 15_000).toEqual([...Array(9).keys()])
  })

  test('what a room has still to read when its member leaves it comes before the answer', async ({ stage }) => {
    const { sieve, direct, behind } = await sieved(stage)
    const [ann, ben] = [await stage.user(behind, 'ann'), await stage.user(direct, 'ben')]
    const { offset: held } = await ann.ok(JOIN_ALL)
    for (let round = 0; round < 8; round++) {
      const room = `flood:left${round}`
      await ann.ok({ type: 'join', room })
      sieve.lose((subject) => subject === `sluice.live.room.flood.left${round}`)
      await ben.ok(publishTo(room, 1))
      sieve.lose(null)
      // Its gap is seen at this one, and repaired some milliseconds later.
      const [, leaving] = [ben.ok(publishTo(room, 2)), pause(round).then(() => ann.ok({ type: 'leave', room }))]
      await leaving
      await eventually(() => messagesOf(ann, room).map(({ data }) => data)).toEqual([1, 2])
    }
    expect(brokenChains(messagesUnder(ann, 'flood'), Number(held))).toEqual([])
  })
})

test('all rooms stay joined while NATS is away, and bring what is published when it is back', {
  timeout: 60_000,
}, async ({ stage }) => {
  const { nats, gateways } = await historyCluster(stage, { settings: WILDCARD_SETTINGS })
  const [one, two] = gateways as [GatewayProcess, GatewayProcess]
  const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
  const { offset: held } = await ann.ok(JOIN_ALL)
  await ann.ok({ type: 'join', room: 'live:*' })
  await nats.stop()
  await nats.start()
  await eventually(async () => (await ben.request(publishTo('flood:back', 1, { key: 'k' }))).type, 20_000).toBe('ok')
  await eventually(() => messagesUnder(ann, 'flood').length, 10_000).toBe(1)
  await eventually(async () => {
    await ben.ok(publishTo('live:back', 1))
    return ann.dataOf('live:back').length
  }, 10_000).toBeGreaterThan(0)
  expect(brokenChains(messagesUnder(ann, 'flood'), Number(held))).toEqual([])
})
