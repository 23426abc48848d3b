// How long a question for the members of a room takes beside traffic: messages to a room, and members who come and go.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { quantile } from '../measure/statistics.ts'
import type { PresenceCluster } from './cluster.ts'
import { type BenchSocket, openSocket, openSockets } from './socket.ts'

/** What the worker is told. */
export interface QueryTask {
  readonly servers: string
  readonly room: string
  readonly questions: number
}

/** What it tells. */
export interface QueryTimes {
  readonly queryMs: number[]
  readonly roundTripMs: number[]
  /** As the last answer said. */
  members: number
}

/** What is measured. */
export interface QueryPlan {
  /** Members of the room that is asked about, and that receives the messages. */
  readonly members: number
  readonly questions: number
  readonly publishesPerSecond: number
  /** Joins and leaves of that room. */
  readonly changesPerSecond: number
}

/** Times in milliseconds. */
export interface QueryFigures {
  readonly members: number
  readonly p50: number
  readonly p99: number
  readonly roundTripP50: number
  readonly roundTripP99: number
  /** What the traffic beside it came to. */
  readonly publishes: number
  readonly changes: number
  readonly seconds: number
}

const TICK_MS = 20

/** Asks over a cluster of two gateways. */
export async function measureQueries(cluster: PresenceCluster, plan: QueryPlan): Promise<QueryFigures> {
  const { gateways, nats } = cluster
  const people = await openSockets(plan.members, (at) => openSocket(gateways[at % 2]?.url ?? '', `asked${at}`))
  await Promise.all(people.map((socket) => socket.ok({ type: 'join', room: 'asked' })))
  const task: QueryTask = { servers: new URL(nats.url).host, room: 'asked', questions: plan.questions }
  const busy = new AbortController()
  const startedAt = performance.now()
  const traffic = makeTraffic(people, plan, busy.signal)
  const worker = new Worker(new URL('query-worker.ts', import.meta.url), { workerData: task })
  const [times] = (await once(worker, 'message')) as [QueryTimes]
  const seconds = (performance.now() - startedAt) / 1000
  busy.abort()
  const made = await traffic
  await Promise.all(people.map((socket) => socket.close()))
  return {
    members: times.members,
    p50: quantile(times.queryMs, 0.5),
    p99: quantile(times.queryMs, 0.99),
    roundTripP50: quantile(times.roundTripMs, 0.5),
    roundTripP99: quantile(times.roundTripMs, 0.99),
    ...made,
    seconds,
  }
}

/** Publishes and changes at a steady pace, in the room that is asked about. */
async function makeTraffic(
  people: readonly BenchSocket[],
  { publishesPerSecond, changesPerSecond }: QueryPlan,
  signal: AbortSignal,
): Promise<Pick<QueryFigures, 'publishes' | 'changes'>> {
  const made = { publishes: 0, changes: 0 }
  const startedAt = performance.now()
  let answers: Promise<void>[] = []
  while (!signal.aborted) {
    const seconds = (performance.now() - startedAt) / 1000
    for (; made.publishes < seconds * publishesPerSecond; made.publishes++) {
      people[made.publishes % people.length]?.send({ type: 'publish', room: 'asked', data: made.publishes })
    }
    for (; made.changes < seconds * changesPerSecond; made.changes++) {
      // Each leaves and comes back before the next one does, so that the room stays full.
      const mover = people[Math.floor(made.changes / 2) % people.length]
      const type = made.changes % 2 === 0 ? 'leave' : 'join'
      answers.push(mover?.ok({ type, room: 'asked' }) ?? Promise.resolve())
    }
    await pause(TICK_MS)
    if (answers.length > people.length) answers = [Promise.all(answers).then(() => undefined)]
  }
  await Promise.all(answers)
  return made
}
