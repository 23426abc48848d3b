import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { OPCODE, wireFrame } from '../harness/raw-socket.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const MiB = 1024 * 1024
const RATES = { publishesPerSecond: 50, publishBurst: 100, requestsPerSecond: 50 }

async function stillServes(stage: Stage, gateway: GatewayProcess): Promise<void> {
  const fresh = await (await stage.user(gateway, 'fresh')).join('chat:fresh')
  await fresh.ok({ type: 'publish', room: 'chat:fresh', data: 1 })
  expect(await fresh.message()).toMatchObject({ data: 1 })
}

/** How often each outcome was told. */
function outcomes(client: Client): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type, code } of client.frames) {
    const outcome = String(code ?? type)
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

async function residentBytes(gateway: GatewayProcess): Promise<number> {
  return (await gateway.metrics()).value('process_resident_memory_bytes')
}

describe('10,000 joins on one socket', () => {
  test('fill its rooms, are refused by rate, and close with 4029', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats(), { settings: { limits: RATES } })
    const before = await residentBytes(gateway)
    const ann = await stage.user(gateway, 'ann')
    for (let id = 1; id <= 10_000; id++) ann.send({ id, type: 'join', room: `chat:${id}` })
    expect((await ann.closedWithin(15_000)).code).toBe(4029)
    const { ok = 0, rate_limited = 0, room_limit = 0 } = outcomes(ann)
    // Refusals by rate overtake joins that wait for NATS, and a close leaves those unanswered.
    expect(ok).toBeGreaterThan(64)
    expect(ok).toBeLessThanOrEqual(128)
    expect(rate_limited).toBe(100)
    expect(room_limit).toBeLessThan(100)
    await eventually(async () => (await gateway.metrics()).value('rooms')).toBe(0)
    expect((await residentBytes(gateway)) - before).toBeLessThan(150 * MiB)
    await stillServes(stage, gateway)
  })

  test('are each answered where the rate allows them', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats())
    const ann = await stage.user(gateway, 'ann')
    for (let id = 1; id <= 10_000; id++) ann.send({ id, type: 'join', room: `chat:${id}` })
    await ann.next(({ id }) => id === 10_000, 20_000)
    await ann.settled()
    expect(outcomes(ann)).toEqual({ welcome: 1, ok: 128, room_limit: 9872, pong: 1 })
    await stillServes(stage, gateway)
  })
})

describe('5,000 publishes in one write', () => {
  /** Each of a kilobyte, so that one read of the gateway brings few of them. */
  const burst = Buffer.concat(
    Array.from({ length: 5000 }, (_, n) => {
      const frame = { id: n + 1, type: 'publish', room: 'chat:burst', data: { n, pad: 'x'.repeat(900) } }
      return wireFrame({ opcode: OPCODE.text, payload: JSON.stringify(frame) })
    }),
  )

  test('are answered once each and in order, and reading pauses while they wait, which is not taken for silence', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { limits: { heartbeatMs: 1000, silenceMs: 2000 } } })
    const ben = await (await stage.user(gateway, 'ben')).join('chat:burst')
    const before = (await gateway.metrics()).value('frames_received_total')
    const ann = await stage.raw(gateway, 'ann')
    await eventually(() => ann.texts.length).toBe(1)
    nats.freeze()
    ann.write(burst)
    // Longer than silenceMs, and shorter than a confirmation may take.
    await pause(3500)
    expect((await gateway.metrics()).value('frames_received_total') - before).toBeLessThan(500)
    expect(ann.ended).toBe(false)
    nats.thaw()
    await eventually(() => ann.texts.length, 20_000).toBe(5001)
    const answers = ann.texts.slice(1).map((answer) => JSON.parse(answer))
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 5000 }, (_, n) => n + 1))
    expect(new Set(answers.map(({ type }) => type))).toEqual(new Set(['ok']))
    await eventually(() => ben.dataOf('chat:burst').length).toBe(5000)
    expect((ben.dataOf('chat:burst') as { n: number }[]).map(({ n }) => n)).toEqual(
      Array.from({ length: 5000 }, (_, n) => n),
    )
    expect(ann.frames.filter(({ opcode }) => opcode === OPCODE.close)).toEqual([])
    await stillServes(stage, gateway)
  })

  test('above the rate end with 4029 after a hundred refusals', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats(), { settings: { limits: RATES } })
    const ann = await stage.raw(gateway, 'ann')
    ann.write(burst)
    expect(await ann.closeCode(10_000)).toBe(4029)
    const refused = ann.texts.filter((answer) => answer.includes('rate_limited'))
    expect(refused).toHaveLength(100)
    await stillServes(stage, gateway)
  })
})

describe('sign-ins', () => {
  test('pipelined by the hundred on one socket are verified one after the other', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats())
    const ann = await stage.open(gateway)
    const token = await makeToken('ann')
    for (let id = 1; id <= 200; id++) ann.send({ id, type: 'auth', token })
    await ann.next(({ id }) => id === 200)
    expect(ann.frames.filter(({ type }) => type === 'welcome')).toHaveLength(1)
    expect(ann.frames.filter(({ type }) => type === 'ok')).toHaveLength(200)
  })

  test('that fail close at the first, whatever follows them', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats())
    const ann = await stage.open(gateway)
    for (let id = 1; id <= 200; id++) ann.send({ id, type: 'auth', token: 'nonsense' })
    expect((await ann.closed).code).toBe(4001)
    await stillServes(stage, gateway)
  })
})
