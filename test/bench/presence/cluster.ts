// What the presence benchmark measures: a real nats-server, two routers, and gateways whose settings are those of production but
// for what thousands of sockets from one address break.
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores } from '@sluice/proto'
import { type GatewayProcess, launchGateway } from '../../harness/gateway.ts'
import { type NatsServer, startNats } from '../../harness/nats.ts'
import { launchRouter, type RouterProcess } from '../../harness/router.ts'
import { PROBED } from './memory-of.ts'

/** Running processes; gone when it is disposed of. */
export interface PresenceCluster extends AsyncDisposable {
  readonly nats: NatsServer
  readonly service: NatsConnection
  readonly gateways: readonly GatewayProcess[]
  readonly routers: readonly RouterProcess[]
}

/** Where entries stand. */
export const STORES = createPresenceStores()

/** Many processes come up beside each other, on machines that are busy. */
const START_MS = 60_000

/** Settings of gateways beside those. */
export interface ClusterSettings {
  readonly accept?: Readonly<Record<string, number>>
  readonly limits?: Readonly<Record<string, number>>
  /** Where a gateway listens. Default 127.0.0.1. */
  readonly addressOf?: (at: number) => string
}

/** @param presence - whether the namespace has it */
export async function startPresenceCluster(
  gateways: number,
  presence = true,
  { accept = {}, limits = {}, addressOf = () => '127.0.0.1' }: ClusterSettings = {},
): Promise<PresenceCluster> {
  const nats = await startNats()
  const settings = {
    namespaces: { default: { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence } },
    log: { level: 'info' },
    accept,
    limits,
  }
  const begunAny: { readonly child: GatewayProcess['child'] }[] = []
  const startRouter = async (): Promise<RouterProcess> => {
    const router = launchRouter(nats.url, PROBED)
    begunAny.push(router)
    await router.logged('admin port is open', START_MS)
    await router.ready(START_MS)
    return router
  }
  const startGateways = async (): Promise<GatewayProcess[]> => {
    const begun: GatewayProcess[] = []
    // Two at a time: Node takes a second of a core to come up, and more of them at once would be late.
    for (let at = 0; at < gateways; at += 2) {
      const some = [at, at + 1].filter((one) => one < gateways)
      const start = async (one: number): Promise<GatewayProcess> => {
        const gateway = launchGateway(nats.url, {
          settings: { ...settings, listen: { host: addressOf(one) } },
          env: PROBED,
        })
        begunAny.push(gateway)
        await gateway.logged('listening', START_MS)
        await gateway.ready(START_MS)
        return gateway
      }
      begun.push(...(await Promise.all(some.map(start))))
    }
    return begun
  }
  const started = await Promise.allSettled([Promise.all([startRouter(), startRouter()]), startGateways()])
  const [routers, served] = started
  if (routers.status === 'rejected' || served.status === 'rejected') {
    await Promise.all(begunAny.map(({ child }) => child.kill()))
    await nats[Symbol.asyncDispose]()
    const reasons = started.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    throw new AggregateError(reasons, 'the cluster did not come up')
  }
  const services = [...served.value, ...routers.value]
  return {
    nats,
    service: await nats.connect(),
    gateways: served.value,
    routers: routers.value,
    async [Symbol.asyncDispose]() {
      // Nothing is measured any more: a stop would wait for what lingers.
      await Promise.all(services.map(({ child }) => child.kill()))
      for (const service of [...services, nats]) await service[Symbol.asyncDispose]()
    },
  }
}
