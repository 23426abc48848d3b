// A cluster that services act on: routers, two gateways, presence and history; and asking routers as any NATS client does.
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { DEFAULT_SETTINGS, type GatewayProcess } from './gateway.ts'
import type { NatsServer } from './nats.ts'
import { Stage, test } from './stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }

/** `default` is ephemeral with presence, `chat` keeps a history, `private` needs grants. */
export const SERVICE_SETTINGS = {
  namespaces: {
    default: { ...open, presence: true },
    chat: { ...open, history: { messages: 100, seconds: 3600 } },
    private: { join: { who: 'granted' }, publish: { who: 'granted' }, presence: true },
  },
}

/** What tests of services stand on. */
export interface ServiceCluster {
  readonly nats: NatsServer
  readonly one: GatewayProcess
  readonly two: GatewayProcess
  /** The service. */
  readonly client: NatsConnection
}

/** Starts routers and two gateways. */
export async function serviceCluster(
  stage: Stage,
  { routers = 1, settings = SERVICE_SETTINGS as object } = {},
): Promise<ServiceCluster> {
  const nats = await stage.nats()
  const variables = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`SLUICE_${name.toUpperCase()}`, JSON.stringify(value)]),
  )
  await Promise.all(Array.from({ length: routers }, () => stage.router(nats, variables)))
  const gateway = (): Promise<GatewayProcess> => stage.gateway(nats, { settings: { ...DEFAULT_SETTINGS, ...settings } })
  const [one, two] = await Promise.all([gateway(), gateway()])
  return { nats, one, two, client: await nats.connect() }
}

/** Tests of a file that share a cluster with two routers; each uses rooms and users of its own. */
export function testWithServices(settings: object = SERVICE_SETTINGS) {
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  return test.extend('cluster', { scope: 'file' }, async ({}, { onCleanup }): Promise<ServiceCluster> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    return serviceCluster(stage, { routers: 2, settings })
  })
}

/** What a router has answered: the fields of its answer, or a code. */
export interface ServiceAnswer {
  readonly code?: string
  readonly message?: string
  readonly [field: string]: unknown
}

/** Asks routers to do something. */
export async function api(
  client: NatsConnection,
  verb: string,
  request: object,
  { id = '', timeoutMs = 5000 } = {},
): Promise<ServiceAnswer> {
  const marked = headers()
  if (id !== '') marked.set('Nats-Msg-Id', id)
  const answer = await client.request(`sluice.api.${verb}`, JSON.stringify(request), {
    timeout: timeoutMs,
    headers: marked,
  })
  return answer.json()
}
