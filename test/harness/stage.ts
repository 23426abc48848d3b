// What a test stands on: a stage that starts processes and sockets and takes all of them down in the reverse order, whether the
// test passed or not; and, for files whose tests can share it, one cluster of NATS and two gateways.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as plain } from 'vitest'
import { Client, type ClientOptions } from './client.ts'
import { type GatewayOptions, type GatewayProcess, launchGateway, startGateway } from './gateway.ts'
import { type JwksServer, startJwks } from './jwks.ts'
import { type NatsOptions, type NatsServer, startNats } from './nats.ts'
import { RawSocket } from './raw-socket.ts'
import { launchRouter, type RouterProcess, startRouter } from './router.ts'
import { makeToken, type TokenOptions } from './tokens.ts'

/** What sockets are opened to: a gateway, wherever it runs. */
export type Doorway = Pick<GatewayProcess, 'url'>

/** Starts things and ends them. */
export class Stage implements AsyncDisposable {
  readonly #resources: AsyncDisposable[] = []

  /** Hands a resource over: it ends with the stage. */
  use<resource extends AsyncDisposable>(resource: resource): resource {
    this.#resources.push(resource)
    return resource
  }

  /** A folder for files of the test. */
  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'sluice-stage-'))
    this.use({ [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true }) })
    return path
  }

  async nats(options?: NatsOptions): Promise<NatsServer> {
    return this.use(await startNats(options))
  }

  async jwks(keys: JwksServer['keys']): Promise<JwksServer> {
    return this.use(await startJwks(keys))
  }

  /** A gateway that is ready. */
  async gateway(nats: NatsServer, options?: GatewayOptions): Promise<GatewayProcess> {
    return this.use(await startGateway(nats.url, options))
  }

  /** A router that is ready. */
  async router(nats: NatsServer, env?: NodeJS.ProcessEnv): Promise<RouterProcess> {
    return this.use(await startRouter(nats.url, env))
  }

  /** A router that may never be. */
  launchRouter(natsUrl: string, env?: NodeJS.ProcessEnv): RouterProcess {
    return this.use(launchRouter(natsUrl, env))
  }

  /** A gateway that may never be. */
  launch(natsUrl: string | null, options?: GatewayOptions): GatewayProcess {
    return this.use(launchGateway(natsUrl, options))
  }

  /** A socket whose upgrade is done; nothing is known of its sign-in yet. */
  open(gateway: Doorway, options?: ClientOptions): Promise<Client> {
    return this.use(new Client(gateway.url, options)).opened()
  }

  /** A user who has been welcomed. */
  async user(
    gateway: Doorway,
    name: string,
    options: ClientOptions & Pick<TokenOptions, 'grants' | 'secret' | 'ttlSeconds'> = {},
  ): Promise<Client> {
    const token = await makeToken(name, options)
    const client = await this.open(gateway, { token, ...options })
    await client.welcome()
    return client
  }

  /** A TCP connection to the public port. */
  async tcp(gateway: GatewayProcess): Promise<RawSocket> {
    return this.use(await RawSocket.connect(gateway.port))
  }

  /** A WebSocket of bytes, signed in. */
  async raw(gateway: GatewayProcess, name: string): Promise<RawSocket> {
    const authorization = `Bearer ${await makeToken(name)}`
    return this.use(await RawSocket.upgrade(gateway.port, { Authorization: authorization }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const faults: unknown[] = []
    for (const resource of this.#resources.reverse()) {
      try {
        await resource[Symbol.asyncDispose]()
      } catch (fault) {
        faults.push(fault)
      }
    }
    this.#resources.length = 0
    if (faults.length === 1) throw faults[0]
    if (faults.length > 1) throw new AggregateError(faults, faults.map(String).join('\n'))
  }
}

/** NATS with two gateways. */
export interface Cluster {
  readonly nats: NatsServer
  readonly one: GatewayProcess
  readonly two: GatewayProcess
}

/** Tests with a stage of their own. */
export const test = plain.extend(
  'stage',
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }) => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    return stage
  },
)

/** Tests of a file that share a cluster; each uses rooms and users of its own. */
export function testWithCluster(options: GatewayOptions = {}) {
  // biome-ignore lint/correctness/noEmptyPattern: as above
  return test.extend('cluster', { scope: 'file' }, async ({}, { onCleanup }): Promise<Cluster> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const nats = await stage.nats()
    const [one, two] = await Promise.all([stage.gateway(nats, options), stage.gateway(nats, options)])
    return { nats, one, two }
  })
}
