// The link between a gateway and NATS, closed and opened at random while clients publish, join and leave: nothing of a history is lost or
// comes twice, nothing crashes, and nothing of it is left behind when the clients have gone.
import { setTimeout as pause } from 'node:timers/promises'
import { type Receipt, SluiceError } from '@sluice/client'
import { expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { library, record } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { historyCluster, publishSteadily, readAll } from '../harness/history.ts'
import { type NatsProxy, startNatsProxy } from '../harness/nats-proxy.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = { namespaces: { default: open, chat: { ...open, history: { messages: 20_000, seconds: 3600 } } } }
const ROOM = 'chat:chaos'
const CHAOS_MS = 12_000
/** What may become of a publish while the link is away: it is told that nobody knows. */
const UNKNOWN = ['unavailable', 'timeout', 'lost']
const GAUGES = ['connections', 'connections_signed_in', 'rooms', 'users', 'queue_bytes', 'nats_subscriptions']
/** An empty room keeps its subscription for some seconds. */
const LINGER_MS = 20_000
/** Files that a process opens once, and the connection of the scrape itself. */
const FDS_SPARE = 4

/** Numbers from 0 to 1, the same for the same seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Closes and opens the link at random; every other time nobody is let in for a while. */
async function disturb(link: NatsProxy, random: () => number): Promise<number> {
  let cuts = 0
  for (const endsAt = performance.now() + CHAOS_MS; performance.now() < endsAt; cuts++) {
    await pause(50 + 900 * random())
    if (cuts % 2 === 0) link.admit(false)
    link.cut()
    if (cuts % 2 === 0) await pause(1200 * random() ** 2)
    link.admit(true)
  }
  return cuts
}

async function publisher(stage: Stage, gateway: GatewayProcess, user: string) {
  const { sluice, errors } = library(stage, gateway.url, { token: await makeToken(user) })
  const told = record(sluice.room(ROOM))
  await told.room.ready()
  const receipts: Promise<Receipt>[] = []
  let running = true
  const work = (async () => {
    for (; running; await pause(50)) receipts.push(told.room.publish(`${user}-${receipts.length}`))
  })()
  const stop = async (): Promise<PromiseSettledResult<Receipt>[]> => {
    running = false
    await work
    return Promise.allSettled(receipts)
  }
  return { sluice, told, errors, stop }
}

/** Comes and goes, by sockets that end in every way, until it is told to stop. */
function comeAndGo(stage: Stage, gateway: GatewayProcess, random: () => number): () => Promise<void> {
  let running = true
  const one = async (n: number): Promise<void> => {
    const client: Client = await stage.open(gateway, { token: await makeToken(`guest-${n % 3}`) })
    for (const room of [`chat:guest-${n % 4}`, `guest-${n}`]) client.send({ type: 'join', id: room, room })
    client.send({ type: 'publish', room: `guest-${n}`, data: n })
    await pause(200 * random())
    if (n % 2 === 0) client.socket.close(1000)
    else client.socket.terminate()
    await client.closed
  }
  const work = (async () => {
    for (let n = 0; running; n++) await one(n)
  })()
  return async () => {
    running = false
    await work
  }
}

/** What a gateway holds of its clients. */
async function heldBy(gateway: GatewayProcess): Promise<Record<string, number>> {
  const metrics = await gateway.metrics()
  return Object.fromEntries(GAUGES.map((name) => [name, metrics.value(name)]))
}

/** What a gateway has open: 0 where the system does not tell. */
async function descriptorsOf(gateway: GatewayProcess): Promise<number> {
  return (await gateway.metrics()).value('process_open_fds')
}

test('case 66: a link to NATS that closes and opens at random under load loses nothing and leaves nothing', {
  timeout: 150_000,
}, async ({ stage }) => {
  const seed = Date.now() % 100_000
  const random = dice(seed)
  const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: SETTINGS })
  const direct = gateways[0] as GatewayProcess
  const link = stage.use(await startNatsProxy(nats.url))
  const behind = await stage.gateway({ ...nats, url: link.url }, { settings: { ...DEFAULT_SETTINGS, ...SETTINGS } })
  const held = await heldBy(behind)
  const descriptors = await descriptorsOf(behind)
  const [subjects, links] = [await nats.gatewaySubjects(), (await nats.gatewayConnections()).length]

  const reader = await stage.user(direct, 'reader')
  const steady = publishSteadily(reader, ROOM, { everyMs: 25, fields: (n) => ({ key: `steady-${n}` }) })
  const people = await Promise.all(['ann', 'ben', 'eve'].map((user) => publisher(stage, behind, user)))
  const stopGuests = comeAndGo(stage, behind, random)
  const cuts = await disturb(link, random)
  await stopGuests()
  const [steadily, ...outcomes] = await Promise.all([steady.stop(), ...people.map(({ stop }) => stop())])

  const what = `with the seed ${seed}`
  const last = await reader.ok({ type: 'publish', room: ROOM, data: 'last' })
  const stored = await readAll(reader, ROOM)
  const offsets = stored.map(({ offset }) => offset)
  expect(new Set(stored.map(({ data }) => data)).size, `nothing is stored twice ${what}`).toBe(stored.length)
  const kept = [...steadily.map(({ answer }) => answer.offset), last.offset]
  expect(steadily.filter(({ answer }) => answer.type !== 'ok')).toEqual([])
  for (const outcome of outcomes.flat()) {
    if (outcome.status === 'fulfilled') kept.push(outcome.value.offset)
    else if (!(outcome.reason instanceof SluiceError && UNKNOWN.includes(outcome.reason.code))) throw outcome.reason
  }
  expect(
    kept.filter((offset) => !offsets.includes(offset as number)),
    `an ok means stored ${what}`,
  ).toEqual([])
  expect(kept.length).toBeGreaterThan(200)
  for (const { told, errors } of people) {
    await eventually(() => told.messages.at(-1)?.offset, 20_000).toBe(last.offset)
    const from = offsets.indexOf(told.messages[0]?.offset as number)
    expect(
      told.messages.map(({ offset }) => offset),
      `each message once, in order, ${what}`,
    ).toEqual(offsets.slice(from))
    expect(told.events.filter(([name]) => name === 'gap' || name === 'fault')).toEqual([])
    expect(errors).toEqual([])
  }
  expect((await behind.metrics()).value('nats_reconnects_total')).toBeGreaterThan(cuts / 4)

  for (const { sluice } of people) sluice.close()
  await reader.leave()
  await eventually(() => heldBy(behind), LINGER_MS).toEqual(held)
  await eventually(() => nats.gatewaySubjects(), LINGER_MS).toEqual(subjects)
  await eventually(async () => (await nats.gatewayConnections()).length).toBe(links)
  await eventually(() => descriptorsOf(behind), LINGER_MS).toBeLessThanOrEqual(descriptors + FDS_SPARE)
})
