// A hundred thousand idle, signed-in connections with presence on one machine, over six gateways; loopback addresses on both sides, as a
// process has 20,000 descriptors and an address some 28,000 ports. Not part of a usual run: it takes the machine.
import { setTimeout as pause } from 'node:timers/promises'
import { makeToken } from '../../harness/tokens.ts'
import { type PartReport, skippedPart } from '../figures.ts'
import { NoCompiler, type PartOptions } from '../floor.ts'
import { startPresenceCluster } from '../presence/cluster.ts'
import { type Memory, memoryOf, privateBytesOf } from '../presence/memory-of.ts'
import { gatewayClient } from '../servers/gateway.ts'
import { Processes } from '../servers/processes.ts'
import { compileCrowd, startCrowd } from '../sink/crowd-process.ts'
import type { ClientPlan } from '../sink/orders.ts'
import type { Part } from './part.ts'

/** The part. */
export const IDLE_CROWD: Part = {
  id: 'idle-100k',
  title: '100,000 idle connections over six gateways',
  usual: false,
  run,
}

const CONNECTIONS = 100_000
const GATEWAYS = 6
/** The first gateway holds this share, 19,000 of 100,000: what a process can with its descriptors. */
const FIRST_SHARE = 0.19
const ROOM_MEMBERS = 50
const SETTLE_MS = 10_000
const MiB = 1024 * 1024
/** Clients of one order: their tokens are made meanwhile. */
const AT_ONCE = 1000

async function run({ connections, say }: PartOptions): Promise<PartReport> {
  const wanted = connections ?? CONNECTIONS
  const program = await compileCrowd()
  if (program === null) return skippedPart(IDLE_CROWD.id, IDLE_CROWD.title, new NoCompiler().message)
  const first = Math.round(wanted * FIRST_SHARE)
  const sizes = Array.from({ length: GATEWAYS }, (_, at) =>
    at === 0 ? first : Math.floor((wanted - first) / (GATEWAYS - 1)),
  )
  const processes = new Processes()
  await using cluster = await startPresenceCluster(GATEWAYS, true, {
    accept: { connectionsMax: 19_500 },
    limits: { heartbeatMs: 600_000, silenceMs: 1_800_000 },
    addressOf: (at) => `127.0.0.${10 + at}`,
  })
  const look = async () => ({
    gateways: await Promise.all(cluster.gateways.map((gateway) => memoryOf(gateway))),
    routers: await Promise.all(cluster.routers.map((router) => memoryOf(router))),
    nats: privateBytesOf(cluster.nats.pid),
  })
  const before = await look()
  const startedAt = performance.now()
  try {
    const openAll = sizes.map(async (size, at) => {
      const crowd = await startCrowd(processes, program)
      const port = cluster.gateways[at]?.port ?? 0
      for (let from = 0; from < size; from += AT_ONCE) {
        const plans: ClientPlan[] = []
        for (let n = from; n < Math.min(size, from + AT_ONCE); n++) plans.push(await clientOf(at, n))
        await crowd.open('idle', port, plans, { host: `127.0.0.${10 + at}`, atOnce: 20 })
        say(`idle-100k: gateway ${at + 1}: ${Math.min(size, from + AT_ONCE)} of ${size}`)
      }
    })
    await Promise.all(openAll)
    const seconds = (performance.now() - startedAt) / 1000
    await pause(SETTLE_MS)
    const after = await look()
    const held = await Promise.all(
      cluster.gateways.map(async (gateway) => (await gateway.metrics()).value('connections')),
    )
    return reportOf({ sizes, before, after, held, seconds })
  } finally {
    await processes.stop()
  }
}

async function clientOf(gateway: number, at: number): Promise<ClientPlan> {
  // Rooms cross gateways: of 50 members about eight are on each.
  const rooms = [0, 1].map((room) => `${room}-${Math.floor(at / (ROOM_MEMBERS / GATEWAYS))}`)
  const token = await makeToken(`user${gateway}-${at}`, { ttlSeconds: 7200 })
  return { ...gatewayClient(token, rooms), from: `127.0.1.${1 + gateway}` }
}

interface Look {
  readonly gateways: readonly Memory[]
  readonly routers: readonly Memory[]
  readonly nats: number
}

function reportOf(found: {
  readonly sizes: readonly number[]
  readonly before: Look
  readonly after: Look
  readonly held: readonly number[]
  readonly seconds: number
}): PartReport {
  const { sizes, before, after, held, seconds } = found
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const row = (name: string, of: number, was: Memory | undefined, is: Memory): string[] => {
    const each = (bytes: number): string => (of === 0 ? '' : (bytes / of / 1024).toFixed(2))
    const heap = is.heapBytes - (was?.heapBytes ?? 0)
    const pages = is.privateBytes - (was?.privateBytes ?? 0)
    return [name, String(of), mebibytes(is.heapBytes), mebibytes(is.privateBytes), each(heap), each(pages)]
  }
  const rows = [
    ...after.gateways.map((memory, at) => row(`gateway ${at + 1}`, sizes[at] ?? 0, before.gateways[at], memory)),
    ...after.routers.map((memory, at) => row(`router ${at + 1}`, total, before.routers[at], memory)),
    [
      'nats-server',
      String(total),
      '',
      mebibytes(after.nats),
      '',
      ((after.nats - before.nats) / total / 1024).toFixed(2),
    ],
  ]
  const heads = ['', 'connections', 'heap MiB', 'private MiB', 'heap KB each', 'private KB each']
  return {
    id: IDLE_CROWD.id,
    title: IDLE_CROWD.title,
    budgets: [],
    tables: [
      { title: `${total} connections, each a user of its own in two rooms of ${ROOM_MEMBERS}`, rows: [heads, ...rows] },
    ],
    notes: [
      `All were connected after ${seconds.toFixed(0)} s. Each process was asked after it had collected its garbage.`,
    ],
    faults: held.flatMap((count, at) =>
      count === sizes[at] ? [] : [`gateway ${at + 1} holds ${count}, not ${sizes[at]}`],
    ),
    skipped: [],
  }
}

function mebibytes(bytes: number): string {
  return (bytes / MiB).toFixed(0)
}
