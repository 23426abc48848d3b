// How many connections each gateway should be asked to move, from the counts that leases tell. Pure. Nobody can say where a client goes
// that moves: its load balancer decides. So a gateway gives what it has above the mean, or at most twice that where others were seen
// to come back to it; whatever is left is the next round's. Then each round shrinks the excess, and none begins a swing.
import type { GatewayId, LeaseState } from '@sluice/proto'

/** A gateway as its lease tells. */
export interface GatewayLoad {
  readonly gateway: GatewayId
  readonly state: LeaseState
  readonly connections: number
}

/** What one gateway is to be asked. */
export interface PlannedMove {
  readonly gateway: GatewayId
  /** At least 1. */
  readonly connections: number
}

/** See {@link planMoves}. */
export interface PlanBounds {
  /** A gateway that is this far from the mean, in percent of it, is out of balance. */
  readonly withinPercent: number
  /** All moves together. */
  readonly connectionsMax: number
  /** Moves for each connection above the mean: 1 to {@link GAIN_MAX}. */
  readonly gain: number
}

/** What is to be done, and why. */
export interface Plan {
  /** Connections above the mean, of all gateways together; 0 where nothing is out of balance. */
  readonly excess: number
  readonly moves: readonly PlannedMove[]
}

/** A difference that is not above it is none, whatever the percentage says: with a handful of connections every gateway is far from the mean. */
export const DIFFERENCE_MIN = 5

/** More than this would take gateways as far below the mean as they were above it. */
export const GAIN_MAX = 2

const NOTHING: Plan = { excess: 0, moves: [] }

/**
 * Plans one round. While a gateway drains nothing is planned: its clients are on their way, and counts say nothing. One that is not
 * `up` takes no part.
 */
export function planMoves(loads: readonly GatewayLoad[], { withinPercent, connectionsMax, gain }: PlanBounds): Plan {
  const ready = loads.filter(({ state }) => state === 'up')
  if (ready.length < 2 || loads.some(({ state }) => state === 'draining')) return NOTHING
  const mean = ready.reduce((sum, { connections }) => sum + connections, 0) / ready.length
  const tolerance = Math.max(DIFFERENCE_MIN, (mean * withinPercent) / 100)
  if (ready.every(({ connections }) => Math.abs(connections - mean) <= tolerance)) return NOTHING
  const above = ready
    .map(({ gateway, connections }) => ({ gateway, excess: Math.floor(connections - mean) }))
    .filter(({ excess }) => excess > 0)
    .sort((a, b) => b.excess - a.excess || (a.gateway < b.gateway ? -1 : 1))
  const excess = above.reduce((sum, one) => sum + one.excess, 0)
  return { excess, moves: shared(above, excess, Math.min(Math.floor(excess * gain), connectionsMax)) }
}

/** Divides what may move by what each has too many; what rounding leaves goes to those with the most. */
function shared(
  above: readonly { readonly gateway: GatewayId; readonly excess: number }[],
  excess: number,
  budget: number,
): PlannedMove[] {
  const parts = above.map((one) => Math.floor((one.excess * budget) / excess))
  let rest = budget - parts.reduce((sum, part) => sum + part, 0)
  return above.flatMap(({ gateway, excess: most }, at) => {
    const part = parts[at] ?? 0
    const more = rest > 0 && part < most * GAIN_MAX ? 1 : 0
    rest -= more
    return part + more === 0 ? [] : [{ gateway, connections: part + more }]
  })
}
