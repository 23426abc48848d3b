// What the presence benchmark measures: a real nats-server, two routers, and gateways whose settings are those of production but
// for what thousands of sockets from one address break.
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores } from '@sluice/proto'
import { type GatewayProcess, startGateway } from '../../harness/gateway.ts'
import { type NatsServer, startNats } from '../../harness/nats.ts'
import { type RouterProcess, startRouter } from '../../harness/router.ts'
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

/** @param presence - whether the namespace has it */
export async function startPresenceCluster(gateways: number, presence = true): Promise<PresenceCluster> {
  const nats = await startNats()
  const settings = {
    namespaces: { default: { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence } },
    log: { level: 'info' },
  }
  const started = await Promise.allSettled([
    Promise.all([startRouter(nats.url, PROBED), startRouter(nats.url, PROBED)]),
    Promise.all(Array.from({ length: gateways }, () => startGateway(nats.url, { settings, env: PROBED }))),
  ])
  const [routers, served] = started
  if (routers.status === 'rejected' || served.status === 'rejected') {
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
