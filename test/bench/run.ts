// A run: for each scenario the servers, their clients and the patterns, one after the other. Owns the order; what a slice is and
// what figures mean is in measure/.
import { randomBytes } from 'node:crypto'
import { signToken } from '../../deploy/local/sign-token.ts'
import { EFFORT_FULL, EFFORT_QUICK, measurePattern, type PatternFigures } from './measure/measure.ts'
import { type Sink, startSink } from './measure/sink-process.ts'
import { connectSource } from './measure/source.ts'
import type { BenchOptions } from './options.ts'
import { membership, roomName, type Scenario } from './scenarios.ts'
import { GATEWAY_MAIN, startGateway } from './servers/gateway.ts'
import { startNatsServer } from './servers/nats-server.ts'
import { PEERS, RAW_LOOP, startPeer } from './servers/peers.ts'
import type { Processes } from './servers/processes.ts'
import type { BenchServer } from './servers/server.ts'
import type { ClientPlan } from './sink/orders.ts'

/** The gateway's name in the report. */
export const GATEWAY = 'gateway'

/** The name of the gateway that it is compared with. */
export const GATEWAY_AGAINST = 'gateway, the other'

/** What a scenario has shown. */
export interface ScenarioFigures {
  readonly natsServer: string
  readonly patterns: readonly PatternFigures[]
}

const TOKEN_TTL_SECONDS = 3600
const GRANTS = { join: ['default:*'] }

/**
 * Runs a scenario. The caller ends the processes.
 *
 * @param say - told what is under way
 */
export async function runScenario(
  scenario: Scenario,
  options: BenchOptions,
  processes: Processes,
  say: (sentence: string) => void,
): Promise<ScenarioFigures> {
  say(`${scenario.id}: ${scenario.title}: starting servers and connecting their clients`)
  const { ready: natsPort } = await startNatsServer(processes, say)
  const secret = randomBytes(32).toString('hex')
  const [reference, ...others] = await startServers(scenario, options, { processes, natsPort, secret })
  const source = await connectSource(natsPort)
  const sink = await startSink(processes)
  for (const server of [reference, ...others]) await openClients(sink, scenario, server, secret)

  const patterns: PatternFigures[] = []
  for (const pattern of scenario.patterns) {
    say(`${scenario.id}: ${pattern.name}`)
    const effort = options.quick ? EFFORT_QUICK : EFFORT_FULL
    patterns.push(await measurePattern({ source, sink }, { scenario, pattern, reference, others, effort }))
  }
  await source.close()
  return { natsServer: source.version, patterns }
}

async function startServers(
  { rooms }: Scenario,
  { against, profiles }: BenchOptions,
  { processes, natsPort, secret }: { processes: Processes; natsPort: number; secret: string },
): Promise<[BenchServer, ...BenchServer[]]> {
  const gateway = (name: string, main: string, prefix: string, into: string | null): Promise<BenchServer> =>
    startGateway(processes, { name, main, prefix, natsPort, secret, profiles: into })
  const servers = [await gateway(GATEWAY, GATEWAY_MAIN, 'bench-gateway', profiles)]
  if (against !== null) servers.push(await gateway(GATEWAY_AGAINST, against, 'bench-against', null))
  for (const [at, peer] of PEERS.entries()) {
    servers.push(await startPeer(processes, peer, { natsPort, prefix: `bench-peer-${at}`, rooms }))
  }
  const reference = servers.find(({ name }) => name === RAW_LOOP) as BenchServer
  return [reference, ...servers.filter((server) => server !== reference)]
}

async function openClients(sink: Sink, scenario: Scenario, server: BenchServer, secret: string): Promise<void> {
  const plans = membership(scenario).map(async (rooms, at): Promise<ClientPlan> => {
    if (server.kind === 'peer') return { path: `/?rooms=${rooms}`, joins: [] }
    const token = await signToken({ user: `user-${at}`, ttlSeconds: TOKEN_TTL_SECONDS, secret, grants: GRANTS })
    return { path: '/ws', token, joins: rooms.map(roomName) }
  })
  await sink.open(server.name, server.port, await Promise.all(plans))
}
