// A rollout as Kubernetes makes it: one new container, ready, then one old one that drains; clients are no longer sent to what will go.
// Every one that goes must end with 0.
import type { ContainerCluster, TierContainer } from './cluster.ts'

/** Replaces all routers, one by one, by ones of an image; default that of the cluster. */
export function replaceRouters(cluster: ContainerCluster, image?: string): Promise<void> {
  return replace(cluster.routers, () => cluster.startRouter(image))
}

/** Replaces all gateways. */
export function replaceGateways(cluster: ContainerCluster, image?: string): Promise<void> {
  return replace(cluster.gateways, () => cluster.startGateway(image))
}

async function replace<tier extends TierContainer>(running: tier[], start: () => Promise<tier>): Promise<void> {
  for (const old of [...running]) {
    running.push(await start())
    running.splice(running.indexOf(old), 1)
    const exitCode = await old.stop()
    if (exitCode !== 0)
      throw new Error(`${old.name} ended with ${exitCode}:\n${(await old.lines()).slice(-20).join('\n')}`)
  }
}
