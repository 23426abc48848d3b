// The link between a gateway and NATS in bad weather: closed and opened, late, slow, dead in one direction, at random, while clients publish,
// join and leave. Nothing of a history is lost or comes twice, presence is the set of live sockets, nothing crashes, and nothing of it is
// left behind when the clients have gone. SLUICE_CHAOS_SECONDS asks for more than CI has, at a lower load.
import { setTimeout as pause } from 'node:timers/promises'
import { type Receipt, SluiceError } from '@sluice/client'
import { expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { library, record } from '../harness/client-library.ts'
import { type Crowd, createCrowd } from '../harness/crowd.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { historyCluster, type Published, publishSteadily, readAll } from '../harness/history.ts'
import { judgePresence, watch } from '../harness/presence-oracle.ts'
import { startRoughLink } from '../harness/rough-link.ts'
import { type Stage, test } from '../harness/stage.ts'
import { dice, storm } from '../harness/storm.ts'
import { makeToken } from '../harness/tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = {
  namespaces: {
    default: open,
    chat: { ...open, history: { messages: 200_000, seconds: 3600 } },
    seen: { ...open, presence: true },
  },
  presence: { lingerMs: 1000 },
}
const ROOM = 'chat:chaos'
const SEEN = ['seen:a', 'seen:b', 'seen:c']
const CHAOS_SECONDS = Number(process.env.SLUICE_CHAOS_SECONDS ?? 12)
const LONG = CHAOS_SECONDS > 60
/** How long one direction is dead at most: in the long form beyond the end of leases, and of our patience with a server. */
const DEAD_MS = LONG ? 30_000 : 4000
const PUBLISH_MS = LONG ? 200 : 50
/** Sessions of the long form outlive tokens of the usual length. */
const TOKEN = { ttlSeconds: 3600 }
const STEP_MS = LONG ? 60 : 15
/** What may become of a publish while the link is away: it is told that nobody knows. */
const UNKNOWN = ['unavailable', 'timeout', 'lost']
const GAUGES = ['connections', 'connections_signed_in', 'rooms', 'users', 'queue_bytes', 'nats_subscriptions']
/** An empty room keeps its subscription for some seconds. */
const LINGER_MS = 20_000
/** Files that a process opens once, and the connection of the scrape itself. */
const FDS_SPARE = 4

async function publisher(stage: Stage, gateway: GatewayProcess, user: string) {
  const { sluice, errors } = library(stage, gateway.url, { token: await makeToken(user, TOKEN) })
  const told = record(sluice.room(ROOM))
  await told.room.ready()
  const receipts: Promise<Receipt>[] = []
  let running = true
  const work = (async () => {
    for (; running; await pause(PUBLISH_MS)) receipts.push(told.room.publish(`${user}-${receipts.length}`))
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

/** Lets a crowd step until it is told to stop, two at a time. */
function walk(crowd: Crowd): () => Promise<void> {
  let running = true
  const work = [1, 2].map(async () => {
    for (; running; await pause(STEP_MS)) await crowd.step()
  })
  return async () => {
    running = false
    await Promise.all(work)
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

interface History {
  readonly reader: Client
  readonly steadily: readonly Published[]
  readonly people: readonly Awaited<ReturnType<typeof publisher>>[]
  readonly outcomes: readonly PromiseSettledResult<Receipt>[]
  /** For whoever wants to see it again. */
  readonly seed: string
}

/** What was acknowledged is stored, once; and everyone has heard all that is stored, once and in order. */
async function judgeHistory({ reader, steadily, people, outcomes, seed }: History): Promise<number> {
  const last = await reader.ok({ type: 'publish', room: ROOM, data: 'last' })
  const stored = await readAll(reader, ROOM)
  const offsets = stored.map(({ offset }) => offset)
  const known = new Set(offsets)
  expect(new Set(stored.map(({ data }) => data)).size, `nothing is stored twice ${seed}`).toBe(stored.length)
  const kept = [...steadily.map(({ answer }) => answer.offset), last.offset]
  expect(steadily.filter(({ answer }) => answer.type !== 'ok')).toEqual([])
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') kept.push(outcome.value.offset)
    else if (!(outcome.reason instanceof SluiceError && UNKNOWN.includes(outcome.reason.code))) throw outcome.reason
  }
  expect(
    kept.filter((offset) => !known.has(offset as number)),
    `an ok means stored ${seed}`,
  ).toEqual([])
  expect(kept.length).toBeGreaterThan(200)
  for (const { told, errors } of people) {
    await eventually(() => told.messages.at(-1)?.offset, 20_000).toBe(last.offset)
    const from = offsets.indexOf(told.messages[0]?.offset as number)
    expect(
      told.messages.map(({ offset }) => offset),
      `each message once, in order, ${seed}`,
    ).toEqual(offsets.slice(from))
    expect(told.events.filter(([name]) => name === 'gap' || name === 'fault')).toEqual([])
    expect(errors).toEqual([])
  }
  return kept.length
}

test('case 66: a link to NATS in bad weather, under load, loses nothing, doubles nothing and leaves nothing', {
  timeout: 150_000 + 2000 * CHAOS_SECONDS,
}, async ({ stage }) => {
  const number = Date.now() % 100_000
  const seed = `with the seed ${number}`
  const random = dice(number)
  const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: SETTINGS })
  const direct = gateways[0] as GatewayProcess
  const link = stage.use(await startRoughLink(nats.url))
  const behind = await stage.gateway({ ...nats, url: link.url }, { settings: { ...DEFAULT_SETTINGS, ...SETTINGS } })
  const held = await heldBy(behind)
  const descriptors = await descriptorsOf(behind)
  const [subjects, links] = [await nats.gatewaySubjects(), (await nats.gatewayConnections()).length]

  const reader = await stage.user(direct, 'reader', TOKEN)
  const steady = publishSteadily(reader, ROOM, { everyMs: PUBLISH_MS / 2, fields: (n) => ({ key: `steady-${n}` }) })
  const people = await Promise.all(['ann', 'ben', 'eve'].map((user) => publisher(stage, behind, user)))
  const watcher = await stage.user(direct, 'watcher', TOKEN)
  await watch(watcher, SEEN)
  const crowd = createCrowd({
    stage,
    people: 60,
    users: 30,
    rooms: SEEN,
    seed: number,
    gateways: () => [direct, behind],
  })
  const stops = [comeAndGo(stage, behind, random), walk(crowd)]
  const tally = await storm({ link, random, ms: 1000 * CHAOS_SECONDS, deadMs: DEAD_MS })
  await Promise.all(stops.map((stop) => stop()))
  const [steadily, ...outcomes] = await Promise.all([steady.stop(), ...people.map(({ stop }) => stop())])

  const kept = await judgeHistory({ reader, steadily, people, outcomes: outcomes.flat(), seed })
  await judgePresence({ service: await nats.connect(), crowd, rooms: SEEN, watcher })
  const metrics = await behind.metrics()
  expect(metrics.value('nats_reconnects_total')).toBeGreaterThan(tally.cut)
  const unknown = outcomes.flat().filter(({ status }) => status === 'rejected').length
  console.log(
    `${seed}: ${JSON.stringify(tally)}; ${kept} acknowledged, ${unknown} unknown; ${watcher.frames.length} frames seen`,
  )

  for (const { sluice } of people) sluice.close()
  await Promise.all([reader.leave(), watcher.leave(), crowd.leave()])
  await eventually(() => heldBy(behind), LINGER_MS).toEqual(held)
  await eventually(() => nats.gatewaySubjects(), LINGER_MS).toEqual(subjects)
  await eventually(async () => (await nats.gatewayConnections()).length).toBe(links)
  await eventually(() => descriptorsOf(behind), LINGER_MS).toBeLessThanOrEqual(descriptors + FDS_SPARE)
})
