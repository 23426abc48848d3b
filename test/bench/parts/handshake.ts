// B5: what it costs to let a client in, step by step: lanes that differ by one step each, over one gateway, in slices between slices of a
// bare ws server. And a storm: thousands at once, whose tokens the gateway does not know, and then knows.
import { setTimeout as pause } from 'node:timers/promises'
import { signToken } from '../../../deploy/local/sign-token.ts'
import { type PartReport, skippedPart } from '../figures.ts'
import { type Floor, NoCompiler, type PartOptions, startFloor } from '../floor.ts'
import { cpuMillisOf } from '../measure/cpu.ts'
import { ratiosToNeighbours, type SliceCost, type Summary, summarise } from '../measure/statistics.ts'
import { roomName } from '../scenarios.ts'
import { type BenchGateway, gatewayClient, startGateway } from '../servers/gateway.ts'
import { PEERS, type PeerProgram, startPeer } from '../servers/peers.ts'
import type { BenchServer } from '../servers/server.ts'
import type { Crowd } from '../sink/crowd-process.ts'
import type { ClientPlan } from '../sink/orders.ts'
import { quartilesOf } from '../told.ts'
import type { Part } from './part.ts'

/** The part. */
export const HANDSHAKE: Part = { id: 'handshake', title: 'letting a client in', usual: true, run }

const BUDGET_MICROS = 200
const CLIENTS = 200
const ROUNDS = 20
const ROUNDS_QUICK = 5
const ROOM_MEMBERS = 50
const STORM = 3000
const STORM_AT_ONCE = 500
/** Sockets of the last slice are closed within this time. */
const REST_MS = 150
const GRANTS = { join: ['default:*'] }
const REFERENCE = 'ws, upgrade alone'

/** One way in. */
interface Lane {
  readonly name: string
  readonly server: BenchServer
  /** The clients of a slice; `round` makes users who were never seen. */
  plans(round: number): Promise<ClientPlan[]>
}

async function run(options: PartOptions): Promise<PartReport> {
  try {
    return await measure(options)
  } catch (error) {
    if (error instanceof NoCompiler) return skippedPart(HANDSHAKE.id, HANDSHAKE.title, error.message)
    throw error
  }
}

async function measure(options: PartOptions): Promise<PartReport> {
  await using floor = await startFloor(options)
  const env = { SLUICE_ACCEPT_UNAUTHENTICATED_MAX: '18000', SLUICE_LIMITS_REQUESTS_PER_SECOND: '100000' }
  const gateway = await startGateway(floor.processes, {
    ...floor,
    name: 'gateway',
    prefix: 'bench-handshake',
    env,
    profiles: options.profiles,
  })
  const [rawLoop, wsSend] = PEERS as readonly [PeerProgram, PeerProgram]
  const peer = (program: PeerProgram, prefix: string): Promise<BenchServer> =>
    startPeer(floor.processes, program, { ...floor, prefix, rooms: 1 })
  const reference = await peer(wsSend, 'bench-ws')
  const raw = await peer(rawLoop, 'bench-raw')
  const crowd = await floor.crowd()
  options.say('handshake: lanes')
  const own = await lanesOf(gateway, raw, floor)
  const lanes = options.quick ? own.slice(-1) : own
  const costs = await takeSlices(crowd, upgrades(REFERENCE, reference), lanes, options.quick ? ROUNDS_QUICK : ROUNDS)
  const storm = options.quick ? [] : await measureStorm(crowd, gateway, floor)
  return reportOf(costs, lanes, storm)
}

function upgrades(name: string, server: BenchServer): Lane {
  return { name, server, plans: () => Promise.all(Array.from({ length: CLIENTS }, () => server.clientOf(0, []))) }
}

/** The last one is what B5 is about. */
async function lanesOf(gateway: BenchGateway, raw: BenchServer, { secret }: Floor): Promise<Lane[]> {
  const token = (user: string): Promise<string> => signToken({ user, ttlSeconds: 3600, secret, grants: GRANTS })
  const known = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => token(`known-${at}`)))
  const fresh = (round: number, lane: string): Promise<string[]> =>
    Promise.all(Array.from({ length: CLIENTS }, (_, at) => token(`${lane}-${round}-${at}`)))
  const rooms = (at: number, count: number): string[] =>
    Array.from({ length: count }, (_, room) => roomName(room * 1000 + Math.floor(at / ROOM_MEMBERS)))
  const inside = (tokens: readonly string[], count: number): ClientPlan[] =>
    tokens.map((one, at) => gatewayClient(one, rooms(at, count)))
  const lane = (name: string, plans: Lane['plans']): Lane => ({ name, server: gateway, plans })
  return [
    upgrades('the least: accept and upgrade in Node', raw),
    lane('accept and upgrade, not signed in', async () =>
      Array.from({ length: CLIENTS }, () => ({ path: '/ws', steps: [], readyAfter: 0 })),
    ),
    lane('and sign in, token known', async () => inside(known, 0)),
    lane('and sign in, token new', async (round) => inside(await fresh(round, 'a'), 0)),
    lane('and join a room', async (round) => inside(await fresh(round, 'b'), 1)),
    lane('and join two rooms', async (round) => inside(await fresh(round, 'c'), 2)),
  ]
}

async function takeSlices(crowd: Crowd, reference: Lane, lanes: readonly Lane[], rounds: number): Promise<SliceCost[]> {
  const slices = [await takeSlice(crowd, reference, -1)]
  for (let round = -WARM_ROUNDS; round < rounds; round++) {
    if (round === 0) slices.length = 0
    if (round === 0) slices.push(await takeSlice(crowd, reference, round))
    const first = (round + WARM_ROUNDS) % lanes.length
    for (const lane of [...lanes.slice(first), ...lanes.slice(0, first)]) {
      slices.push(await takeSlice(crowd, lane, round), await takeSlice(crowd, reference, round))
    }
  }
  return slices
}

/** Rounds in which code is compiled. */
const WARM_ROUNDS = 3

async function takeSlice(crowd: Crowd, { name, server, plans }: Lane, round: number): Promise<SliceCost> {
  const clients = await plans(round)
  const before = cpuMillisOf(server.pid)
  await crowd.open('slice', server.port, clients)
  // What a server does for clients after its last answer is part of letting them in.
  await pause(20)
  const micros = ((cpuMillisOf(server.pid) - before) * 1000) / clients.length
  await crowd.close('slice')
  await pause(REST_MS)
  return { server: name, micros }
}

interface Storm {
  readonly name: string
  readonly micros: number
  readonly perSecond: number
}

async function measureStorm(crowd: Crowd, gateway: BenchGateway, { secret }: Floor): Promise<Storm[]> {
  const tokens: string[] = []
  for (let at = 0; at < STORM; at++)
    tokens.push(await signToken({ user: `storm-${at}`, ttlSeconds: 3600, secret, grants: GRANTS }))
  const plans = tokens.map((token, at) => gatewayClient(token, [roomName(Math.floor(at / ROOM_MEMBERS))]))
  const storms: Storm[] = []
  for (const name of ['tokens that are new', 'the same clients come back']) {
    const before = cpuMillisOf(gateway.pid)
    const tookMs = await crowd.open('storm', gateway.port, plans, { atOnce: STORM_AT_ONCE })
    const micros = ((cpuMillisOf(gateway.pid) - before) * 1000) / STORM
    storms.push({ name, micros, perSecond: STORM / (tookMs / 1000) })
    await crowd.close('storm')
    await pause(1000)
  }
  return storms
}

function reportOf(slices: readonly SliceCost[], lanes: readonly Lane[], storms: readonly Storm[]): PartReport {
  const ratios = ratiosToNeighbours(slices, REFERENCE)
  const microsOf = (name: string): Summary =>
    summarise(slices.filter(({ server }) => server === name).map(({ micros }) => micros))
  const steps = lanes.map(({ name }, at) => {
    const before = lanes[at - 1]
    const micros = microsOf(name)
    const step = before === undefined ? '' : (micros.median - microsOf(before.name).median).toFixed(1)
    const ratio = summarise(ratios.get(name) ?? [Number.NaN])
    return [name, micros.median.toFixed(1), quartilesOf(micros, 1), step, ratio.median.toFixed(2), String(micros.count)]
  })
  const last = lanes.at(-1)?.name ?? ''
  const reference = microsOf(REFERENCE)
  const heads = ['', 'µs', 'quartiles', 'more than before', '× ws', 'slices']
  const storm = storms.map(({ name, micros, perSecond }) => [name, micros.toFixed(1), perSecond.toFixed(0)])
  return {
    id: HANDSHAKE.id,
    title: HANDSHAKE.title,
    budgets: [
      {
        id: 'B5',
        what: 'accept, token, two rooms',
        unit: 'µs of CPU',
        figure: microsOf(last),
        limit: BUDGET_MICROS,
        decimals: 1,
      },
    ],
    tables: [
      {
        title: `CPU of the server for a client, ${CLIENTS} in a slice, 50 handshakes under way`,
        rows: [
          heads,
          [REFERENCE, reference.median.toFixed(1), quartilesOf(reference, 1), '', '1.00', String(reference.count)],
          ...steps,
        ],
      },
      ...(storm.length === 0
        ? []
        : [
            {
              title: `A storm of ${STORM}, ${STORM_AT_ONCE} at once, each into a room`,
              rows: [['', 'µs of CPU', 'clients/s'], ...storm],
            },
          ]),
    ],
    notes: [`Presence is off. Rooms have ${ROOM_MEMBERS} members. Tokens are HS256.`],
    faults: [],
    skipped: [],
  }
}
