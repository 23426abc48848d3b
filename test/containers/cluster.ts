// A cluster as production has it, of containers: three NATS servers, gateways and routers on a network that a test cuts, and a front through
// which this machine reaches their ports. Containers come and go as a rollout makes them: a new one for each start of a tier.
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Wait } from 'testcontainers'
import type { LogLine } from '../harness/gateway.ts'
import { type Metrics, parseMetrics } from '../harness/metrics.ts'
import { freePorts } from '../harness/ports.ts'
import { leaks } from '../harness/secrets.ts'
import type { Stage } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'
import { type Container, type ContainerNetwork, createNetwork, startContainer } from './container.ts'

/** The image of NATS: the version that the local run pins. */
const NATS_IMAGE = 'nats:2.15.2'
const NATS_CONFIG_PATH = '/tmp/nats-server.conf'
const NATS_NAMES = ['nats-1', 'nats-2', 'nats-3'] as const
const READY_MS = 60_000
const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence: true }

/** `default` has presence, `chat` presence and a history that no test fills. */
export const NAMESPACES = {
  default: open,
  chat: { ...open, history: { messages: 100_000, seconds: 3600 } },
}

/** A gateway or a router in a container. */
export interface TierContainer extends Container {
  ready(): Promise<void>
  metrics(): Promise<Metrics>
}

/** A gateway in a container. */
export interface GatewayContainer extends TierContainer {
  readonly url: string
}

/** A NATS server in a container. */
export interface NatsContainer extends Container {
  /** Resolves when it serves, and has what the others have. */
  healthy(): Promise<true>
}

/** A cluster that a test controls. */
export interface ContainerCluster {
  readonly nats: readonly NatsContainer[]
  /** Those that clients may connect to at this moment; a test takes one out before it stops it, as a load balancer does. */
  readonly gateways: GatewayContainer[]
  readonly routers: TierContainer[]
  /** A service's connection, from outside. */
  readonly service: NatsConnection
  /** A ready gateway, not yet among {@link gateways}. */
  startGateway(image?: string): Promise<GatewayContainer>
  startRouter(image?: string): Promise<TierContainer>
  /** The server that leads a stream; waits for an election. */
  leaderOf(stream: string): Promise<NatsContainer>
}

/** How a cluster is started. */
export interface ClusterOptions {
  readonly stage: Stage
  readonly image: string
  /** Default 3. */
  readonly gateways?: number
  /** Default 2. */
  readonly routers?: number
  /** Variables of gateways beside ours. */
  readonly env?: Readonly<Record<string, string>>
}

const CLUSTER_VARIABLES = {
  SLUICE_NATS_URL: NATS_NAMES.map((name) => `nats://${name}:4222`).join(','),
  SLUICE_NAMESPACES: JSON.stringify(NAMESPACES),
}

// One machine is all clients, and its crowd is quicker than people.
const GATEWAY_VARIABLES = {
  ...CLUSTER_VARIABLES,
  SLUICE_AUTH_SECRET: SECRET,
  SLUICE_ACCEPT_ADDRESS_CONNECTIONS_PER_SECOND: '100000',
  SLUICE_LIMITS_REQUESTS_PER_SECOND: '10000',
  SLUICE_PRESENCE_LINGER_MS: '2000',
  SLUICE_READINESS_PROBE_MS: '1000',
  SLUICE_DRAIN_WINDOW_MS: '6000',
}

const ROUTER_VARIABLES = {
  ...CLUSTER_VARIABLES,
  SLUICE_ROUTER_REPLICAS: '3',
  SLUICE_ROUTER_EVENTS_BYTES_MAX: '16777216',
}

/** Starts a cluster; all of it is ready. */
export async function startCluster(options: ClusterOptions): Promise<ContainerCluster> {
  const { stage, image, gateways = 3, routers = 2, env = {} } = options
  const back = stage.use(await createNetwork(`sluice-back-${process.pid}-${++made}`, true))
  // Two ways in, as containers of one network find each other: whoever is cut off must find no way around.
  const tiers = { stage, back, front: stage.use(await createNetwork(`sluice-tiers-${process.pid}-${made}`, false)) }
  const servers = { stage, back, front: stage.use(await createNetwork(`sluice-nats-${process.pid}-${made}`, false)) }
  // Of our choice, as the engine would choose others when a server is started again.
  const ports = await freePorts(2 * NATS_NAMES.length)
  const natsPorts = ports.slice(0, NATS_NAMES.length)
  const nats = await Promise.all(
    NATS_NAMES.map((name, at) =>
      startNats(servers, { name, port: ports[at] ?? 0, monitorPort: ports[at + NATS_NAMES.length] ?? 0 }),
    ),
  )
  const service = await connect({
    servers: natsPorts.map((port) => `127.0.0.1:${port}`),
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  })
  stage.use({ [Symbol.asyncDispose]: () => service.close() })
  const tier =
    (name: string, main: string, adminPort: number, variables: Readonly<Record<string, string>>) =>
    async (from: string = image): Promise<GatewayContainer> =>
      startTier(tiers, { image: from, name: `${name}-${++made}`, main, adminPort, variables })
  const cluster: ContainerCluster = {
    nats,
    gateways: [],
    routers: [],
    service,
    startGateway: tier('gateway', 'gateway/src/main.ts', 9080, { ...GATEWAY_VARIABLES, ...env }),
    startRouter: tier('router', 'router/src/main.ts', 9090, ROUTER_VARIABLES),
    leaderOf: (stream) => leaderOf(cluster, stream),
  }
  // Routers make what gateways wait for.
  cluster.routers.push(...(await Promise.all(Array.from({ length: routers }, () => cluster.startRouter()))))
  cluster.gateways.push(...(await Promise.all(Array.from({ length: gateways }, () => cluster.startGateway()))))
  return cluster
}
/** Makes names unique in a process. */
let made = 0

interface Place {
  readonly stage: Stage
  readonly front: ContainerNetwork
  readonly back: ContainerNetwork
}

interface NatsPlace {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
}

async function startNats(
  { stage, front, back }: Place,
  { name, port, monitorPort }: NatsPlace,
): Promise<NatsContainer> {
  const wait = Wait.forHttp('/healthz', 8222)
  const container = await startContainer({
    image: NATS_IMAGE,
    name,
    command: ['--config', NATS_CONFIG_PATH],
    files: { [NATS_CONFIG_PATH]: natsConfig(name) },
    ports: { 4222: port, 8222: monitorPort },
    front,
    back,
    wait,
  })
  const healthy = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/healthz`, { signal: AbortSignal.timeout(2000) })
    return answer.ok
  }
  return stage.use({
    ...container,
    healthy: () => until(healthy, { timeoutMs: READY_MS, what: `health of ${name}` }),
  })
}

function natsConfig(name: string): string {
  const routes = NATS_NAMES.map((other) => `"nats://${other}:6222"`)
  return [
    `server_name: ${name}`,
    'http: "0.0.0.0:8222"',
    'jetstream { store_dir: "/tmp/jetstream" }',
    // Its name and no addresses: those change with each cut, and lead around it.
    `client_advertise: "${name}:4222"`,
    `cluster { name: sluice, listen: "0.0.0.0:6222", advertise: "${name}:6222", routes: [${routes.join(', ')}] }`,
    // Clients of ours go when they are told to; the default of 10 s is a third of this suite's time.
    'lame_duck_grace_period: "3s"',
    '',
  ].join('\n')
}

interface Tier {
  readonly image: string
  readonly name: string
  readonly main: string
  readonly adminPort: number
  readonly variables: Readonly<Record<string, string>>
}

async function startTier({ stage, front, back }: Place, tier: Tier): Promise<GatewayContainer> {
  const { image, name, main, adminPort, variables } = tier
  const isGateway = main.startsWith('gateway')
  const container = await startContainer({
    image,
    name,
    command: [main],
    env: variables,
    ports: { [adminPort]: null, ...(isGateway ? { 8080: null } : {}) },
    front,
    back,
    wait: Wait.forHttp('/livez', adminPort),
  })
  const admin = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${container.port(adminPort)}${path}`, { signal: AbortSignal.timeout(5000) })
  const inspected: GatewayContainer = {
    ...container,
    url: isGateway ? `ws://127.0.0.1:${container.port(8080)}/ws` : '',
    metrics: async () =>
      parseMetrics(await (await admin('/metrics')).text(), isGateway ? 'sluice_gateway_' : 'sluice_router_'),
    async ready() {
      const ready = until(async () => (await admin('/readyz')).ok, { timeoutMs: READY_MS, what: `a ready ${name}` })
      await ready.catch(async (error: Error) => {
        throw new Error(`${error.message}; it said:\n${(await container.lines()).slice(-20).join('\n')}`)
      })
    },
    async [Symbol.asyncDispose]() {
      const lines = await container.lines()
      await container[Symbol.asyncDispose]()
      inspect(name, lines)
    },
  }
  await stage.use(inspected).ready()
  return inspected
}

/** What must hold of every process that a test has run, whatever was done to it. */
function inspect(name: string, lines: readonly string[]): void {
  const leaked = leaks(lines)
  if (leaked.length > 0) throw new Error(`${name} has logged secrets:\n${leaked.join('\n')}`)
  const faults = lines.filter((line) => line.startsWith('{') && (JSON.parse(line) as LogLine).level === 'fatal')
  if (faults.length > 0) throw new Error(`${name} has logged faults:\n${faults.join('\n')}`)
}

async function leaderOf({ nats, service }: ContainerCluster, stream: string): Promise<NatsContainer> {
  const name = async (): Promise<string | undefined> => {
    const message = await service.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: 2000 })
    return message.json<{ cluster?: { leader?: string } }>().cluster?.leader
  }
  const find = async (): Promise<NatsContainer | undefined> => {
    const leader = await name()
    return nats.find((container) => container.name === leader)
  }
  return until(find, { timeoutMs: 30_000, what: `a leader of ${stream}` })
}
