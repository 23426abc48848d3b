// A real nats-server of a test's own: with JetStream, on ports that nobody else uses, its state in a folder that goes with it.
// It can be stopped, killed, frozen, configured anew and started again at the same address.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { type Child, startChild } from './child.ts'
import { freePorts } from './ports.ts'
import { until } from './until.ts'

/** What may differ from one server to the next. */
export interface NatsOptions {
  /** Who may connect; everyone if empty. Passwords must be noted as secrets by whoever makes them. */
  readonly users?: readonly { readonly user: string; readonly password: string }[]
  /** Further lines of the configuration. */
  readonly lines?: readonly string[]
}

/** A connection as the server's monitoring tells it. */
export interface MonitoredConnection {
  readonly cid: number
  readonly name?: string
  readonly in_msgs: number
  readonly out_msgs: number
  readonly pending_bytes: number
  readonly subscriptions_list?: readonly string[]
}

/** A server that a test controls. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string
  /** Of the process that runs now. */
  readonly pid: number
  /** Starts it at its address, with new options if any are given. */
  start(options?: NatsOptions): Promise<void>
  /** As an operator stops it. */
  stop(): Promise<void>
  /** As a crash ends it. */
  kill(): Promise<void>
  /** Stops the process without closing its connections: it says nothing more until it is thawed. */
  freeze(): void
  thaw(): void
  /** A client of the test's own, closed with the server. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>
  /** The connections of gateways, with their subscriptions. */
  gatewayConnections(): Promise<MonitoredConnection[]>
  /** Subjects that gateways listen to, sorted. */
  gatewaySubjects(): Promise<string[]>
  /** Closes its clients, ends it and removes its state. */
  [Symbol.asyncDispose](): Promise<void>
}

const HOST = '127.0.0.1'

/** Starts a server. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: (sentence) => console.log(sentence) })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-nats-'))
  const [port = 0, monitorPort = 0] = await freePorts(2)
  const monitor = async (path: string): Promise<unknown> =>
    (await fetch(`http://${HOST}:${monitorPort}${path}`, { signal: AbortSignal.timeout(2000) })).json()
  const clients: NatsConnection[] = []
  let current = options
  let child: Child | null = null

  const nats: NatsServer = {
    url: `nats://${HOST}:${port}`,
    get pid() {
      return child?.pid ?? 0
    },
    async start(changed) {
      current = changed ?? current
      const config = join(folder, 'nats.conf')
      writeFileSync(config, configuration({ port, monitorPort, store: join(folder, 'store') }, current))
      child = startChild({ command: program, args: ['-c', config], env: { PATH: process.env.PATH } })
      // Its health is good a moment before its port is open, and its port may be open before its health is good.
      await child.line((line) => line.includes('Server is ready'), 'nats-server is ready')
      await until(() => monitor('/healthz'), { timeoutMs: 10_000, what: 'nats-server' }).catch(async (error) => {
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
    async connect(clientOptions = {}) {
      const client = await connect({ servers: `${HOST}:${port}`, ...clientOptions })
      clients.push(client)
      return client
    },
    async gatewayConnections() {
      const answer = (await monitor('/connz?subs=1&limit=1024')) as { connections: MonitoredConnection[] }
      return answer.connections.filter(({ name }) => name?.startsWith('sluice-gateway'))
    },
    async gatewaySubjects() {
      const connections = await nats.gatewayConnections()
      return connections.flatMap(({ subscriptions_list = [] }) => subscriptions_list).sort()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()))
      await child?.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await nats.start()
  return nats
}

function configuration(
  { port, monitorPort, store }: { port: number; monitorPort: number; store: string },
  { users = [], lines = [] }: NatsOptions,
): string {
  const accounts = users.map(({ user, password }) => `{ user: "${user}", password: "${password}" }`)
  return [
    `listen: "${HOST}:${port}"`,
    `http: "${HOST}:${monitorPort}"`,
    `jetstream { store_dir: "${store}" }`,
    ...(accounts.length === 0 ? [] : [`authorization { users: [${accounts.join(', ')}] }`]),
    ...lines,
    '',
  ].join('\n')
}
