// Which instances of gateways count, judged from their leases: those that live, and what one that announces adopts. Pure, and
// the same for every process that sees the same leases.
import type { Instance } from './keys.ts'
import type { LeaseValue } from './values.ts'

/** A live lease of a gateway, as counting needs it. */
export interface CountedLease {
  readonly instance: Instance
  readonly value: Pick<LeaseValue, 'state' | 'adopts'>
  /** Whether it was `announcing` a moment ago: what it adopts counts a little longer. */
  readonly settling?: boolean
}

/**
 * Under which instance each counting instance counts: its own name, or that of the one that adopts it. The two are one gateway,
 * so a member that both name is there once, with the connections of one of them.
 *
 * Draining gateways count; only the limit of connections leaves them out (user-limit.ts).
 *
 * @param leases - live leases of gateways, in any order; dead ones are left out
 */
export function countingOf(leases: Iterable<CountedLease>): Map<Instance, Instance> {
  const counting = new Map<Instance, Instance>()
  const adopters: CountedLease[] = []
  for (const lease of leases) {
    if (lease.value.state === 'dead') continue
    counting.set(lease.instance, lease.instance)
    if (lease.value.adopts !== undefined && (lease.value.state === 'announcing' || lease.settling)) adopters.push(lease)
  }
  // Sorted, so that of two that adopt one instance everyone believes the same.
  adopters.sort((a, b) => (a.instance < b.instance ? -1 : 1))
  for (const { instance, value } of adopters) {
    if (value.adopts !== undefined && value.adopts !== instance) counting.set(value.adopts, instance)
  }
  // An adopter may be adopted itself while its own lease still lives: all of them are the last one.
  for (const instance of counting.keys()) counting.set(instance, rootOf(instance, counting))
  return counting
}

/** Follows adoption to its end; a circle, which nobody makes on purpose, ends after some steps. */
function rootOf(instance: Instance, counting: ReadonlyMap<Instance, Instance>): Instance {
  let root = instance
  for (let steps = 0; steps < ADOPTIONS_MAX; steps++) {
    const next = counting.get(root)
    if (next === undefined || next === root) break
    root = next
  }
  return root
}

const ADOPTIONS_MAX = 8
