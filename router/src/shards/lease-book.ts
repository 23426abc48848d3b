// What events need to know of leases: which gateway an instance belongs to, and which lease has made its entries count or not. Both
// owners of a shard must name the same, so nothing here depends on when a router looks.
import type { EventCause, GatewayId, Instance, Live, Liveness, LivenessChange } from '@sluice/proto'
import type { CauseOf } from './shard.ts'

/** Remembers what leases have said. */
export interface LeaseBook {
  /**
   * Leases have changed. Called before views are counted again.
   *
   * @returns what has caused the changes that follow from it
   */
  note(change: LivenessChange): CauseOf
  /** The id of the process behind an instance, as sessions and control subjects have it. */
  gatewayOf(instance: Instance): GatewayId
}

/** Instances remembered after their leases have gone; the oldest are forgotten first. */
const REMEMBERED_MAX = 4096

/** Makes an empty one. */
export function createLeaseBook(liveness: Pick<Liveness, 'live' | 'silent' | 'reapable' | 'countsAs'>): LeaseBook {
  const gateways = new Map<Instance, GatewayId>()
  /** Under which instance each counted when it was last noted. */
  const counted = new Map<Instance, Instance>()

  function remember(lease: Live): void {
    gateways.delete(lease.instance)
    gateways.set(lease.instance, lease.value.gateway ?? (lease.instance as GatewayId))
    if (gateways.size > REMEMBERED_MAX) gateways.delete(gateways.keys().next().value as Instance)
  }

  return {
    note({ counting }) {
      for (const lease of [...liveness.reapable, ...liveness.silent, ...liveness.live('gateway')]) {
        if (lease.tier === 'gateway') remember(lease)
      }
      const names = new Map(
        counting.map((instance) => [instance, liveness.countsAs(instance) ?? counted.get(instance) ?? instance]),
      )
      for (const instance of counting) {
        const name = liveness.countsAs(instance)
        if (name === null) counted.delete(instance)
        else counted.set(instance, name)
      }
      const dead = new Map(liveness.reapable.map(({ instance, revision }) => [instance, revision]))
      return (instances, revision): EventCause => {
        const changed = instances.find((instance) => names.has(instance)) ?? instances[0] ?? ''
        // The lease under which it counts or has counted: an instance may be adopted more than once, and each time is another event.
        const instance = names.get(changed) ?? changed
        return { kind: 'lease', instance, revision: dead.get(instance) ?? revision }
      }
    },
    gatewayOf: (instance) => gateways.get(instance) ?? (instance as GatewayId),
  }
}
