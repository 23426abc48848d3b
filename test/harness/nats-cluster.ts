// Three real nats-servers as one cluster with JetStream, for what shows only there: followers that lag, elections, a server that
// dies or freezes while others go on. Each stands at its own address, and a test chooses to which it connects.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { type Child, startChild } from './child.ts'
import { freePorts } from './ports.ts'
import { until } from './until.ts'

/** One server of a cluster. */
export interface ClusterNode {
  /** Its name in the cluster: what `STREAM.INFO` calls a leader. */
  readonly name: string
  readonly url: string
  readonly running: boolean
  /** Starts it at its address with what it had stored, and waits until it is healthy. */
  start(): Promise<void>
  /** As an operator stops it. */
  stop(): Promise<void>
  /** As a crash ends it. */
  kill(): Promise<void>
  /** Stops the process without closing its connections: the others notice only after some time. */
  freeze(): void
  thaw(): void
  /** A client of the test's own that speaks to this server alone, closed with the cluster. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>
}

/** A cluster that a test controls. */
export interface NatsCluster extends AsyncDisposable {
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode]
  /** The addresses of all, for a client that may change over. */
  readonly urls: readonly string[]
  /** The server that leads a stream; waits for an election. */
  leaderOf(stream: string): Promise<ClusterNode>
  /** The servers that do not lead a stream. */
  followersOf(stream: string): Promise<ClusterNode[]>
  /** Makes the leader of a stream step down, and waits for the next. */
  stepDown(stream: string): Promise<ClusterNode>
  /** One question to the JetStream API through whichever server is there. */
  api(verb: string, question: object): Promise<unknown>
  /** Closes its clients, ends all servers and removes their state. */
  [Symbol.asyncDispose](): Promise<void>
}

const HOST = '127.0.0.1'
const SIZE = 3
/** Each server listens for clients, for its monitoring, and for the others. */
const PORTS = 3
/** An election takes up to some nine seconds. */
const ELECTION_MS = 30_000

/** Starts a cluster, healthy when this resolves. */
export async function startNatsCluster(): Promise<NatsCluster> {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: (sentence) => console.log(sentence) })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-nats-'))
  const ports = await freePorts(SIZE * PORTS)
  const places = Array.from({ length: SIZE }, (_, at): Place => {
    const [port = 0, monitorPort = 0, routePort = 0] = ports.slice(at * PORTS)
    return { name: `n${at}`, port, monitorPort, routePort, store: join(folder, `n${at}`) }
  })
  const clients: NatsConnection[] = []
  const nodes = places.map((place) => createNode({ program, folder, place, places, clients })) as [
    ClusterNode,
    ClusterNode,
    ClusterNode,
  ]
  const [first] = nodes
  await Promise.all(nodes.map((node) => node.start()))
  const urls = nodes.map(({ url }) => url)
  const asking = await connect({ servers: [...urls], maxReconnectAttempts: -1, reconnectTimeWait: 50 })
  clients.push(asking)

  async function api(verb: string, question: object): Promise<unknown> {
    const message = await asking.request(`$JS.API.${verb}`, JSON.stringify(question), { timeout: 1000 })
    const answer = message.json<{ error?: { description: string } }>()
    if (answer.error !== undefined) throw new Error(`${verb}: ${answer.error.description}`)
    return answer
  }
  async function leaderName(stream: string): Promise<string | undefined> {
    const info = (await api(`STREAM.INFO.${stream}`, {})) as { cluster?: { leader?: string } }
    return info.cluster?.leader
  }
  const nodeOf = (name: string | undefined): ClusterNode | null =>
    nodes.find((node) => node.name === name && node.running) ?? null
  const cluster: NatsCluster = {
    nodes,
    urls,
    api,
    leaderOf: (stream) =>
      until(async () => nodeOf(await leaderName(stream)), { timeoutMs: ELECTION_MS, what: `a leader of ${stream}` }),
    async followersOf(stream) {
      const leader = await cluster.leaderOf(stream)
      return nodes.filter((node) => node !== leader && node.running)
    },
    async stepDown(stream) {
      const before = await cluster.leaderOf(stream)
      await api(`STREAM.LEADER.STEPDOWN.${stream}`, {})
      const changed = async (): Promise<ClusterNode | null> => {
        const now = nodeOf(await leaderName(stream))
        return now === before ? null : now
      }
      return until(changed, { timeoutMs: ELECTION_MS, what: `another leader of ${stream}` })
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) node.thaw()
      await Promise.all(clients.map((client) => client.close()))
      await Promise.all(nodes.map((node) => node.kill()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  // A stream can be made as soon as someone leads the cluster, which health does not promise.
  await until(() => api('INFO', {}), { timeoutMs: ELECTION_MS, what: `a leader of the cluster at ${first.url}` })
  return cluster
}

interface Place {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
  readonly routePort: number
  readonly store: string
}

interface NodeOptions {
  readonly program: string
  readonly folder: string
  readonly place: Place
  readonly places: readonly Place[]
  readonly clients: NatsConnection[]
}

function createNode({ program, folder, place, places, clients }: NodeOptions): ClusterNode {
  const config = join(folder, `${place.name}.conf`)
  writeFileSync(config, configuration(place, places))
  let child: Child | null = null
  const healthy = async (): Promise<boolean> => {
    const answer = await fetch(`http://${HOST}:${place.monitorPort}/healthz`, { signal: AbortSignal.timeout(2000) })
    return answer.ok
  }
  return {
    name: place.name,
    url: `nats://${HOST}:${place.port}`,
    get running() {
      return child !== null && child.exit === null
    },
    async start() {
      child = startChild({ command: program, args: ['-c', config], env: { PATH: process.env.PATH } })
      const what = `health of ${place.name}`
      await until(healthy, { timeoutMs: ELECTION_MS, what }).catch(async (error: Error) => {
        await child?.kill()
        throw new Error(`${error.message}; it said:\n${child?.lines.join('\n')}`)
      })
    },
    async stop() {
      await child?.stop()
    },
    async kill() {
      await child?.kill()
    },
    freeze: () => child?.signal('SIGSTOP'),
    thaw: () => child?.signal('SIGCONT'),
    async connect(options = {}) {
      const client = await connect({ servers: `${HOST}:${place.port}`, ignoreClusterUpdates: true, ...options })
      clients.push(client)
      return client
    },
  }
}

function configuration({ name, port, monitorPort, routePort, store }: Place, places: readonly Place[]): string {
  const routes = places.map((place) => `"nats://${HOST}:${place.routePort}"`)
  return [
    `server_name: ${name}`,
    `listen: "${HOST}:${port}"`,
    `http: "${HOST}:${monitorPort}"`,
    `jetstream { store_dir: "${store}" }`,
    `cluster { name: test, listen: "${HOST}:${routePort}", routes: [${routes.join(', ')}] }`,
    '',
  ].join('\n')
}
